"""What a user calls a class or a column: by its name, or by its number."""

import difflib
from collections.abc import Sequence

from qhu.errors import UserError, shortened

LISTED = 500
"""Characters that a list of names may take in a message."""


def chosen(given: bool | int | str, names: Sequence[str], kind: str, kinds: str) -> int:
    """Position of what is meant.

    A name is itself, be it written as a number or as true or false. Where no name is a number, a
    number that is no name counts from 0.

    Args:
        given: name or number.
        names: all there are, each once.
        kind: what they are names of, singular.
        kinds: the same, plural.

    Raises:
        UserError: it is absent, or could mean two of them; the message lists the names.
    """
    named = [i for i, name in enumerate(names) if _is_called(name, given)]
    if len(named) > 1:
        both = " or ".join(f"'{names[i]}'" for i in named)
        raise UserError(f"{kind} {_written(given)} may be {both}: quote the one that is meant")
    if named:
        return named[0]
    numbered = (name if name == str(i) else f"{i} ({name})" for i, name in enumerate(names))
    listed = shortened(", ".join(numbered), LISTED)
    if isinstance(given, bool | str) or not 0 <= given < len(names):
        near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.5)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        raise UserError(f"{kind} {_written(given)} is absent{hint}; {kinds}: {listed}")
    if numbers := [name for name in names if is_number(name)]:
        readings = [f"'{name}'" for name in numbers if float(name) == given]
        readings.append(f"'{names[given]}', counted from 0")
        raise UserError(
            f"no {kind} is called {given}, and some are called by numbers: it may be "
            f"{' or '.join(readings)}; give a name as it stands in the data ({kinds}: {listed})"
        )
    return given


def is_number(text: str) -> bool:
    """Whether a text reads as a finite or infinite number in decimal digits."""
    try:
        return float(text) == float(text) and "_" not in text
    except ValueError:
        return False


def _is_called(name: str, given: bool | int | str) -> bool:
    if isinstance(given, bool):  # true and True of YAML are one value
        return name.lower() == str(given).lower()
    return name == str(given)


def _written(given: bool | int | str) -> str:
    return f"'{shortened(given)}'" if isinstance(given, str) else str(given).lower()
