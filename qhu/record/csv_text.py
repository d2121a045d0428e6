"""Tables as CSV that a spreadsheet shows and does not execute."""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a command that writes no table does not wait for pandas
    import pandas as pd

_EXECUTED = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet."""


def csv_text(frame: "pd.DataFrame") -> str:
    """A table with its heads, without its index.

    A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers, the
    negative ones and those that are written as text among them, stay as they are.
    """
    from pandas.api.types import is_numeric_dtype

    inert = frame.rename(columns=_inert)
    for name, column in inert.items():
        if not is_numeric_dtype(column):
            inert[name] = column.map(_inert)
    return str(inert.to_csv(index=False))


def _inert(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(_EXECUTED) or _is_number(cell):
        return cell
    return "'" + cell.replace("\r", " ")  # which no reader takes for the end of a line


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and text.isprintable()
    except ValueError:
        return False
