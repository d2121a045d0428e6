"""A table in a text file: its separator, whether its first line names the columns, its decimals."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qhu.data.base import MAX_BYTES
from qhu.data.choice import is_number
from qhu.data.columns import LABEL_NAMES
from qhu.data.table import MISSING, DataColumn, DataTable
from qhu.errors import UserError, shortened
from qhu.record.documents import decoded, read_bounded

SEPARATORS = {"\t": "tab", ";": ";", "|": "|", ",": ",", " ": "space"}
"""What may stand between two cells, and its name in settings; ``space``: one or more."""
MAX_COLUMNS, MAX_LINE = 20_000, 1_000_000
"""Of a table: columns, and characters of its first line."""
TRIED = 200
"""Lines that a separator has to split alike."""
_QUOTED = re.compile(r'"[^"]*"')
_OPENING = re.compile(r'(^|[\t;|, ])"')
_COMMA = re.compile(r"[-+]?\d+(,\d+)?([eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")
_FIELDS = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


@dataclass(frozen=True)
class _Text:
    """The rows of a file without blank lines and comments, each with the line it begins in."""

    path: Path
    lines: list[str]
    numbers: list[int]
    comments: int

    def refusal(self, problem: str) -> UserError:
        first = "; ".join(f"line {n}: {shortened(line, 60)}" for n, line in self._first())
        return UserError(f"{self.path}: {problem} ({first})")

    def _first(self) -> list[tuple[int, str]]:
        return list(zip(self.numbers, self.lines, strict=True))[:2]


def read_delimited(
    path: Path, separator: str | None, header: bool | None, decimal: str | None
) -> DataTable:
    """A table in a text file.

    Args:
        path: the file.
        separator: between cells; None: the one that splits all lines alike.
        header: whether the first line names the columns; None: by what stands below.
        decimal: mark of decimals; None: by what the cells allow.

    Raises:
        UserError: it is no table, or can be read in two ways.
    """
    text = _text(path)
    between = _separator(text) if separator is None else separator
    first = [str(cell).strip() for cell in _read(text, between, slice(1), dtype=str).iloc[0]]
    below = _parsed(text, between, decimal, 1)
    while below.shape[1] > 1 and _is_trailing(below, first):
        below = below.iloc[:, :-1]
    if len(first) == below.shape[1] + 1 and not first[-1]:
        first.pop()  # the header alone ends with a separator
    if len(first) != below.shape[1]:
        raise text.refusal(
            f"not a table: the first line has {len(first)} cells and the next {below.shape[1]}"
        )
    named = _is_header(text, first, _columns(first, below)) if header is None else header
    remarks = [f"{text.comments} comment lines left out"] if text.comments else []
    if named:
        return DataTable(str(path), _columns(first, below), True, text.numbers[1:], remarks)
    whole = _parsed(text, between, decimal, 0).iloc[:, : len(first)]
    numbered = _columns(list(map(str, range(len(first)))), whole)
    return DataTable(str(path), numbered, False, text.numbers, [*remarks, "no line of names"])


def _columns(names: Sequence[str], frame: pd.DataFrame) -> list[DataColumn]:
    return [DataColumn(name, frame[key]) for name, key in zip(names, frame.columns, strict=True)]


# -- lines and cells -------------------------------------------------------------------------------


def _text(path: Path) -> _Text:
    content = read_bounded(path, MAX_BYTES)
    if b"\0" in content:
        raise UserError(f"{path} is not a table: it holds NUL bytes; save it as text in UTF-8")
    whole = decoded(content, f"{path} is not a table")
    every = whole.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept, comments = _rows(every)
    first = kept[0][1] if kept else ""
    if len(first) > MAX_LINE or max(map(first.count, SEPARATORS)) >= MAX_COLUMNS:
        raise UserError(
            f"{path}: the first line is longer than {MAX_LINE:,} characters or {MAX_COLUMNS:,} "
            "columns"
        )
    if len(kept) < 2:
        raise UserError(f"{path} is not a table: write one row per line, two or more")
    numbers, lines = zip(*kept, strict=True)
    return _Text(path, list(lines), list(numbers), comments)


def _rows(lines: Sequence[str]) -> tuple[list[tuple[int, str]], int]:
    """Rows with the line that each begins in, counted as editors count, and the comment lines.

    A quoted cell may go on over several lines, among them blank ones and ones that begin with #.
    """
    rows, comments, start = list[tuple[int, str]](), 0, 0
    while start < len(lines):
        line, end = lines[start], start + 1
        if _is_comment(line):
            comments += 1
        elif line.strip():
            end = _end_of_row(lines, start)
            rows.append((start + 1, "\n".join(lines[start:end])))
        start = end
    return rows, comments


def _end_of_row(lines: Sequence[str], start: int) -> int:
    """The line behind a row; where a quote is never closed, the next one."""
    opened, end = _opens(lines[start]), start + 1
    while opened and end < len(lines):
        opened = _opens(f'"{lines[end]}')
        end += 1
    return start + 1 if opened else end


def _opens(line: str) -> bool:
    """Whether a cell of a line begins with a quote that the line does not close."""
    return bool(_OPENING.search(_QUOTED.sub("", line)))


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _separator(text: _Text) -> str:
    """The first of :data:`SEPARATORS` in the first line that splits the lines alike."""
    bare = [_QUOTED.sub("", line) for line in text.lines[:TRIED]]
    for separator in SEPARATORS:
        counts = {len(line.split(None if separator == " " else separator)) for line in bare}
        # One line may end with a separator that the others do not have.
        if min(counts) > 1 and max(counts) - min(counts) <= (separator != " "):
            return separator
    return next((s for s in SEPARATORS if s != " " and s in bare[0]), ",")  # a line will differ


def _parsed(text: _Text, separator: str, decimal: str | None, start: int) -> pd.DataFrame:
    """The cells from a line on: numbers where a whole column is, else text.

    Raises:
        UserError: a line has more cells than the first, or decimals have two readings.
    """
    frame = _read(text, separator, slice(start, None), decimal=decimal or ".")
    if decimal is not None:
        return frame
    commas = [key for key in frame.columns if _is_decimal_comma(frame[key])]
    if not commas:
        return frame
    if all(frame[key].str.strip().map(_is_like_thousands).all() for key in commas):
        raise text.refusal(
            "a comma may part thousands or decimals: write numbers without it, or give decimal: ','"
        )
    points = [key for key in frame.columns if frame[key].dtype.kind == "f"]
    if points:
        raise text.refusal(
            f"column {commas[0]} has decimal commas and column {points[0]} decimal points: "
            "give decimal"
        )
    return _read(text, separator, slice(start, None), decimal=",")


def _read(text: _Text, separator: str, part: slice, **options: Any) -> pd.DataFrame:
    try:
        return pd.read_csv(
            io.StringIO("\n".join(text.lines[part]) + "\n"),
            sep=r"\s+" if separator == " " else separator,
            header=None,
            keep_default_na=False,
            low_memory=False,
            skipinitialspace=True,
            **options,
        )
    except ValueError as error:  # pandas raises subclasses of it
        raise _not_a_table(text, part.start or 0, str(error)) from None


def _not_a_table(text: _Text, start: int, message: str) -> UserError:
    if fields := _FIELDS.search(message):
        expected, line, counted = map(int, fields.groups())
        number = text.numbers[min(start + line, len(text.numbers)) - 1]
        return UserError(
            f"{text.path} is not a table: line {number} has {counted} cells and others have "
            f"{expected}; write one row per line, or give separator"
        )
    return text.refusal("not a table: write one row per line, quotes closed")


def _is_trailing(below: pd.DataFrame, first: Sequence[str]) -> bool:
    """Whether the last column only comes from a separator at the end of every line."""
    headed = len(first) >= below.shape[1] and first[below.shape[1] - 1] != ""
    return not headed and set(below.iloc[:, -1]) == {""}


def _is_decimal_comma(cells: "pd.Series[str]") -> bool:
    if pd.api.types.is_numeric_dtype(cells):
        return False
    texts = [str(cell).strip() for cell in cells]
    return any("," in cell for cell in texts) and all(
        cell.lower() in MISSING or _COMMA.fullmatch(cell) for cell in texts
    )


def _is_like_thousands(cell: str) -> bool:
    return "," not in cell or bool(_THOUSANDS.fullmatch(cell))


# -- the first line --------------------------------------------------------------------------------


def _is_header(text: _Text, first: Sequence[str], below: Sequence[DataColumn]) -> bool:
    """Whether the first line names the columns.

    Raises:
        UserError: it may be names or a row.
    """
    texts = [i for i, cell in enumerate(first) if not _is_value(cell)]
    digits = [cell for cell in first if is_number(cell)]
    plausible = len(set(first)) == len(first) and all(map(str.isdecimal, digits))
    likely = [i for i, c in enumerate(below) if c.kind == "text" and c.is_like_classes]
    likely = likely or [i for i in (0, len(below) - 1) if below[i].is_like_classes]
    among = any(_holds(below[i], first[i]) for i in likely)
    counted = any(digits == [str(n) for n in range(k, k + len(digits))] for k in (0, 1))
    doubt = text.refusal(
        "is the first line names of columns, or a row? give header: true or header: false"
    )
    if any(below[i].kind in ("numbers", "gaps") for i in texts):  # text above numbers
        if plausible and not any(_holds(below[i], first[i]) for i in texts):
            return True
        if not plausible and len(set(first)) < len(first) and not digits:
            return True  # names, one of them twice, which is refused as such
        raise doubt
    if counted and "" in first:  # the index of a data frame has no name, and a row has no gap
        return True
    if among:
        if counted and not texts:
            raise doubt
        return False
    if not likely:
        return counted or not digits
    if counted or not digits or any(first[i].lower() in LABEL_NAMES for i in texts):
        return True
    raise doubt


def _is_value(cell: str) -> bool:
    return is_number(cell) or cell.lower() in (*MISSING, "true", "false")


def _holds(column: DataColumn, cell: str) -> bool:
    """Whether a cell stands in the column as well."""
    if column.kind == "text" or column.values.dtype.kind == "b":
        return cell in set(column.values.astype(str).str.strip())
    return is_number(cell) and bool(np.isin(float(cell), column.numbers).item())
