"""What went wrong in a cell, in a line that stands in records, on pages and on the screen."""

import sysconfig
import traceback
from pathlib import Path

from qhu.errors import QhuError, shortened
from qhu.redaction import redact

LIBRARIES = (
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
    str(Path(__file__).parents[1]),
)
"""Where code lies that is not the user's own."""


def reason(error: BaseException) -> str:
    """An error in a line; with the line of code that it is from, unless qhu raised it on purpose.

    That is the last line of the user's own code on the way to it, if there is any.
    """
    text = shortened(redact(" ".join(str(error).split())), 500)
    if isinstance(error, QhuError):
        return text
    frames = traceback.extract_tb(error.__traceback__)
    places = [frame for frame in frames if not frame.filename.startswith(LIBRARIES)] or frames
    where = f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    return ": ".join(filter(None, (type(error).__name__, text))) + where
