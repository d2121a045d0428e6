"""Columns of a table, whoever brings them: what its cells are, and where they stand."""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qhu.errors import UserError, shortened

Kind = Literal["numbers", "gaps", "text", "empty"]
"""Of a column: all cells are numbers; some have no value; some are text; none has a value."""
MISSING = ("", "?", "-", "na", "n/a", "nan", "null", "none", "<na>", "nil")
"""What stands, in any case, where a number has no value."""
EXACT = 2**53
"""Up to here float64 holds every whole number."""
SHOWN, WIDTH = 6, 24
"""Columns that a message shows, and characters of each name or value."""


@dataclass(frozen=True, eq=False)
class DataColumn:
    """A column of a table.

    Attributes:
        name: its header; its number where the table has none.
        values: its cells.
    """

    name: str
    values: "pd.Series"

    @functools.cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The cells as numbers, NaN where a cell is none."""
        if pd.api.types.is_numeric_dtype(self.values):
            return self.values.to_numpy(np.float64, na_value=np.nan)
        return pd.to_numeric(self.values, errors="coerce").to_numpy(np.float64, na_value=np.nan)

    @functools.cached_property
    def blank(self) -> NDArray[np.bool_]:
        """Cells in which nothing stands."""
        return (self.values.isna() | self._words.isin(("", "?"))).to_numpy(bool)

    @functools.cached_property
    def _words(self) -> "pd.Series":
        if pd.api.types.is_numeric_dtype(self.values):
            return pd.Series("0", index=self.values.index)
        return self.values.astype(str).str.strip().str.lower()

    @functools.cached_property
    def kind(self) -> Kind:
        """What its cells are."""
        none = np.isnan(self.numbers)
        if not none.any():
            return "numbers"
        if none.all():
            return "empty" if self.blank.all() else "text"
        others = self.blank | self._words.isin(MISSING).to_numpy(bool)
        return "gaps" if others[none].all() else "text"

    @functools.cached_property
    def is_whole(self) -> bool:
        """Whether all cells that have a value are whole numbers."""
        numbers = self.numbers[~np.isnan(self.numbers)]
        return self.kind in ("numbers", "gaps") and bool((numbers == np.round(numbers)).all())

    @functools.cached_property
    def distinct(self) -> int:
        """How many values differ."""
        return int(self.values.nunique())

    @property
    def is_like_classes(self) -> bool:
        """Whether its values could be classes: text or whole numbers, two rows each on average."""
        fits = self.kind == "text" or self.is_whole
        return fits and 2 <= self.distinct <= len(self.values) / 2

    @property
    def counts_rows(self) -> bool:
        """Whether it holds the numbers of the rows, from 0 or 1."""
        if not self.is_whole or len(self.values) < 3:
            return False
        return self.numbers[0] in (0, 1) and bool((np.diff(self.numbers) == 1).all())

    def rounded(self) -> int | None:
        """First row whose whole number float64 does not hold."""
        for row in np.flatnonzero(np.abs(self.numbers) > EXACT):
            cell = self.values.iloc[row]
            if not isinstance(cell, float | np.floating) and int(cell) != int(self.numbers[row]):
                return int(row)
        return None


@dataclass(frozen=True, eq=False)
class DataTable:
    """Columns of equally many rows.

    Attributes:
        where: what messages call it.
        columns: in their order.
        named: whether the columns have names of their own.
        lines: the line of the file that each row is; empty where there is no file.
        remarks: what the user should know of how it was read.
    """

    where: str
    columns: Sequence[DataColumn]
    named: bool
    lines: Sequence[int] = ()
    remarks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise self.refusal(f"two columns have one name, '{shortened(twice[0])}': rename one")

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]

    def cell(self, row: int, column: DataColumn) -> str:
        """Where a cell is, in words."""
        line = f" (line {self.lines[row]})" if len(self.lines) else ""
        return f"row {row}{line}, column '{shortened(column.name)}'"

    def refusal(self, problem: str) -> UserError:
        """An error that shows the columns."""
        return UserError(f"{self.where}: {problem}; {self.shown()}")

    def shown(self) -> str:
        """The columns with their first values, in a line."""
        columns = list(self.columns)
        if len(columns) > SHOWN:
            columns = [*columns[: SHOWN - 1], columns[-1]]
        texts = [_shown(column) for column in columns]
        if len(self.columns) > SHOWN:
            texts.insert(-1, "…")
        return f"columns: {'; '.join(texts)}"


def _shown(column: DataColumn) -> str:
    values = [shortened(str(value), WIDTH) for value in column.values.iloc[:3]]
    values += ["…"] if len(column.values) > 3 else []
    return f"{shortened(column.name, WIDTH)} ({', '.join(values)})"
