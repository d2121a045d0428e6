"""What no archive may tell: keys, accounts, who worked where; paths are cut, the rest refused."""

import contextlib
import functools
import getpass
import operator
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qhu.record.sources import PACKAGE
from qhu.redaction import redact

SECRETS = {
    "a key or token": re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY"),
    "an account": re.compile(r"crn:v[0-9]:[^\s\"'<]+"),
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}"),
}
"""A bearer token or private key; a cloud resource name, which holds an account; an address."""
KEY = re.compile(r"(?<![\w/+=-])[\w-]{44}(?![\w/+=-])")
"""As long as an API key of IBM Cloud."""
MIXED = 15
"""Changes between capitals, small letters and digits that words have not, but random keys have."""
HOMES = re.compile(r"(/home/|/Users/|/root/|[A-Za-z]:[\\/]+Users[\\/]+)\w")
PATH = re.compile(r"(?<![\w:/.<])(~|[A-Za-z]:(?=[\\/]))?([\\/][^\s\\/\"'<>|,;:()]+){2,}")
"""A path from the root or a home that stands in other text."""
LONGEST = 300
"""Letters of a value that may be or hold a path; longer ones are circuits and calibrations."""
EMBEDDED = re.compile(r"data:[\w/+.-]+;base64,[\w+/=]+")
"""A font or picture in a page, whose letters say nothing."""
SHORTEST = 3
"""Letters of a name that is looked for."""


def without_paths(value: Any) -> Any:
    """Settings and records with every path from the root or a home cut to its last part."""
    if isinstance(value, dict):
        return {without_paths(key): without_paths(part) for key, part in value.items()}
    if isinstance(value, list):
        return list(map(without_paths, value))
    if not isinstance(value, str):
        return value
    if len(value) > LONGEST:
        return value
    if re.match(r"[~/]|[A-Za-z]:[\\/]|\.\.", value) and len(parts := re.split(r"[\\/]", value)) > 1:
        return next((part for part in reversed(parts) if part), value)
    return PATH.sub(lambda path: re.split(r"[\\/]", path[0])[-1], value)


def traces(content: bytes, names: bool) -> Iterator[str]:
    """What a file tells that it may not, in words with an example.

    Args:
        content: of the file.
        names: whether to look for those of the user and the machine, too.
    """
    text = content.decode(errors="replace")
    if (here := str(Path.cwd())).count("/") > 1 and here in text:
        yield f"a path of this machine ({here})"
    if home := HOMES.search(text):
        yield f"a path of a home ({text[home.start() : home.end() + 20]!r})"
    if "\ufffd" in text:  # no text: what else there is looks like anything
        return
    text = EMBEDDED.sub("", text)
    if redact(text) != text or any(_is_random(key) for key in KEY.findall(text)):
        yield "a key or token"
    yield from (what for what, pattern in SECRETS.items() if pattern.search(text))
    words = set(re.findall(r"[\w-]+", text.lower())) if names else set()
    yield from (f"the name '{name}'" for name in sorted(telling_names() & words))


def _is_random(word: str) -> bool:
    kinds = [(letter.isupper(), letter.isdigit()) for letter in word]
    return sum(map(operator.ne, kinds, kinds[1:])) >= MIXED and len(set(kinds)) > 2


@functools.cache
def telling_names() -> frozenset[str]:
    """Names of the user and the machine, but those that are words of qhu's own, such as root."""
    names = {Path.home().name.lower(), platform.node().partition(".")[0].lower()}
    with contextlib.suppress(OSError, KeyError):  # a container's user has no name
        names.add(getpass.getuser().lower())
    return frozenset(name for name in names if len(name) >= SHORTEST) - _own_words()


def _own_words() -> set[str]:
    files = (
        file for file in PACKAGE.rglob("*") if file.suffix in (".py", ".jinja", ".css", ".bib")
    )
    return {word for f in files for word in re.findall(r"[\w-]+", f.read_text("utf-8").lower())}
