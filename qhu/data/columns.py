"""Which column of a table holds the label, which number the rows, and which are features.

A rule decides only where nothing speaks against it; otherwise the user is asked, in a line.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qhu.data.base import Dataset
from qhu.data.choice import chosen
from qhu.data.table import DataColumn, DataTable
from qhu.errors import UserError, shortened

LABEL_NAMES = ("y", "label", "class", "target")
"""What a column of labels is called, in any case."""
INDEX_NAME = re.compile(r"|unnamed: [\d.]+|index|(.*[\s_.-])?id|row[\s_.-]?(number|name)s?", re.I)
CAMEL_ID = re.compile(r".*[a-z](Id|ID)")
"""``PassengerId``, but not ``acid``."""
MANY = 20
"""Rows from which on it is no chance that whole numbers all differ."""
Given = bool | int | str


def dataset(
    table: DataTable, label: Given | None = None, drop: Sequence[Given] | None = None
) -> Dataset:
    """The rows of a table.

    Args:
        table: the table.
        label: the column of the label, by name or number; None: by rule.
        drop: columns that are no features; None: by rule.

    Raises:
        UserError: a column is absent, could be two things, or does not hold what it should.
    """
    kept = _features_and_label(table, label, drop)
    target = kept[_label(table, kept, label)]
    features = [column for column in kept if column is not target]
    if not features:
        raise table.refusal("X must be (N, features): no column is left for features")
    x = np.stack([feature(table, column) for column in features], axis=1)
    classes, y = classes_of(table, target)
    return Dataset(x, y, classes, _names(table, features), _remarks(table, kept, target))


def _names(table: DataTable, features: Sequence[DataColumn]) -> tuple[str, ...]:
    return tuple(column.name for column in features) if table.named else ()


def _remarks(table: DataTable, kept: Sequence[DataColumn], target: DataColumn) -> tuple[str, ...]:
    constant = [c.name for c in kept if c is not target and c.distinct == 1]
    counting = [c.name for c in kept if c is not target and c.counts_rows]
    dropped = [column.name for column in table.columns if column not in kept]
    return tuple(
        f"{what} {shortened(', '.join(name or 'without a name' for name in names), 200)}"
        for what, names in (
            ("label in column", [target.name]),
            ("dropped", dropped),
            ("constant", constant),
            ("counting the rows, kept as a feature (if it is none, drop it):", counting),
        )
        if names
    ) + tuple(table.remarks)


# -- columns that are no features ------------------------------------------------------------------


def _features_and_label(
    table: DataTable, label: Given | None, drop: Sequence[Given] | None
) -> list[DataColumn]:
    target = None if label is None else table.columns[_column(table, label)]
    if drop is not None:
        gone = [table.columns[_column(table, given)] for given in drop]
        if target in gone:
            raise UserError(f"{table.where}: drop holds the label, '{shortened(target.name)}'")
    else:
        gone = [c for c in table.columns if c is not target and _is_index(table, c)]
    gone += [c for c in table.columns if c.kind == "empty" and c is not target]
    kept = [column for column in table.columns if column not in gone]
    if len(kept) < 2:
        raise table.refusal(f"X must be (N, features) beside a label, and {len(kept)} is left")
    return kept


def _column(table: DataTable, given: Given) -> int:
    try:
        return chosen(given, table.names, "column", "columns")
    except UserError as error:
        raise UserError(f"{table.where}: {error}") from None


def _is_index(table: DataTable, column: DataColumn) -> bool:
    """Whether a column only says which row is which.

    Raises:
        UserError: it is called so and its values repeat; or it has no name to tell.
    """
    rows = len(column.values)
    several = rows > 1 and column.distinct == rows
    called = bool(INDEX_NAME.fullmatch(column.name.strip()) or CAMEL_ID.fullmatch(column.name))
    mend = f"drop: ['{shortened(column.name)}'], or drop: [] to keep all columns"
    if table.named:
        if called and not (several and (column.kind == "text" or column.is_whole)):
            raise table.refusal(
                f"column '{shortened(column.name)}' is called like an index, but its values are "
                f"no different whole numbers or words: give {mend}"
            )
        return called
    first = column is table.columns[0]
    if first and (
        column.counts_rows or (several and column.is_whole and len(column.values) >= MANY)
    ):
        mend = "drop: [0], or drop: [] to keep all columns"
        raise table.refusal(f"column 0 may number the rows, or be a feature: give {mend}")
    return False


# -- the label -------------------------------------------------------------------------------------


def _label(table: DataTable, kept: Sequence[DataColumn], given: Given | None) -> int:
    if given is not None:
        return list(kept).index(table.columns[_column(table, given)])
    named = [i for i, c in enumerate(kept) if table.named and c.name.lower() in LABEL_NAMES]
    texts = [i for i, column in enumerate(kept) if column.kind == "text"]
    if len(named) > 1:
        both = " and ".join(f"'{kept[i].name}'" for i in named[:2])
        raise table.refusal(f"the columns {both} both hold labels by their names: give label")
    if named:
        return named[0]
    if len(texts) > 1:
        listed = shortened(", ".join(f"'{kept[i].name}'" for i in texts), 200)
        raise table.refusal(f"{listed} hold text, and one is the label: give label and drop")
    return texts[0] if texts else _first_or_last(table, kept)


def _first_or_last(table: DataTable, kept: Sequence[DataColumn]) -> int:
    """Where all columns are numbers: the last, or the first if only that looks like classes."""
    first, last = kept[0], kept[-1]
    if last.is_like_classes and (not first.is_like_classes or last.distinct < first.distinct):
        return len(kept) - 1
    if first.is_like_classes and not last.is_like_classes:
        return 0
    either = f"the first column ({first.distinct} values) or the last ({last.distinct} values)"
    if not first.is_like_classes:
        either = f"none of these, not even the last ({last.distinct} values), looks like classes"
    else:
        either = f"it may be {either}"
    raise table.refusal(f"which column is the label? {either}: give label, by name or number")


def classes_of(table: DataTable, label: DataColumn) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names of the classes, numbers in their order and others sorted; per row its class.

    Raises:
        UserError: a row has no label, or labels are fractional numbers.
    """
    missing = np.isnan(label.numbers) if label.kind == "gaps" else label.blank
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        raise UserError(
            f"{table.where}: row {row} has no label: remove it ({table.cell(row, label)})"
        )
    if label.values.dtype.kind in "iuf":
        if not label.is_whole:
            raise UserError(f"{table.where}: labels must be classes, not fractional numbers")
        numbers, codes = np.unique(label.values.to_numpy(), return_inverse=True)
        return tuple(str(int(number)) for number in numbers), codes.astype(np.int64)
    # Objects: as an array of text, every label would take as much room as the longest.
    texts = np.array([str(value).strip() for value in label.values], object)
    names, codes = np.unique(texts, return_inverse=True)
    if all(re.fullmatch(r"-?\d+", name) for name in names):
        ranks = np.argsort(np.argsort([int(name) for name in names], kind="stable"))
        names, codes = np.array(sorted(names, key=int), object), ranks[codes]
    return tuple(map(str, names)), codes.astype(np.int64)


# -- the features ----------------------------------------------------------------------------------


def feature(table: DataTable, column: DataColumn) -> NDArray[np.float64]:
    """The numbers of a feature.

    Raises:
        UserError: a cell has no value, is text, or is a whole number that float64 does not hold.
    """
    none = np.flatnonzero(np.isnan(column.numbers))
    if len(none) and column.kind == "gaps":
        raise UserError(
            f"{table.where}: no value in {len(none)} rows (first: row {none[0]}): "
            f"{table.cell(none[0], column)}; remove or impute them, or drop the column"
        )
    if len(none):
        cell = shortened(str(column.values.iloc[none[0]]), 40)
        raise UserError(
            f"{table.where}: column '{shortened(column.name)}' is not numeric ('{cell}' in "
            f"{table.cell(none[0], column)}): drop or encode it, or give label if it is that"
        )
    if (row := column.rounded()) is not None:
        raise UserError(
            f"{table.where}: {table.cell(row, column)} holds {column.values.iloc[row]}, a whole "
            "number beyond 2**53, which is not exact as a feature: drop or scale it"
        )
    return column.numbers
