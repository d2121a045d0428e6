"""Datasets from arrays and frames, as a notebook or an archive holds them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qhu.data.base import Dataset
from qhu.data.columns import classes_of, dataset, feature
from qhu.data.table import DataColumn, DataTable
from qhu.errors import UserError, brief
from qhu.record.files import replacing
from qhu.record.sources import digest
from qhu.registry import Options
from qhu.settings.parts import Label

WHERE = "data"
EXPECTED = "a DataFrame, (X, y) or what sklearn.datasets loads"


def from_arrays(
    where: str,
    x: Any,
    y: Any,
    classes: Sequence[str] = (),
    features: Sequence[str] = (),
    remarks: Sequence[str] = (),
) -> Dataset:
    """Rows and labels that stand in two arrays.

    Args:
        where: what messages call them.
        x: (N, features) or (N, height, width), numbers.
        y: (N,) or (N, 1) labels.
        classes: names by the numbers in ``y``; empty: labels are their own names.
        features: names of the columns of ``x``, if any.
        remarks: how they were read.

    Raises:
        UserError: they have other shapes or hold no numbers, or the names do not fit.
    """
    x, y = _array(where, "X", x), _array(where, "y", y)
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if x.dtype.kind not in "iufb":
        raise UserError(f"{where}: X holds {x.dtype}, not numbers")
    if x.ndim not in (2, 3) or y.ndim != 1 or not x.size:
        raise UserError(
            f"{where}: X must be (N, features) or (N, height, width) and y (N,); "
            f"they are {x.shape} and {y.shape}"
        )
    if len(features) not in (0, x.shape[1]):
        raise UserError(f"{where}: {len(features)} names for {x.shape[1]} features")
    if len(classes):
        if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= len(classes):
            raise UserError(f"{where}: y must number the {len(classes)} names in classes from 0")
        names, codes = tuple(map(str, classes)), y.astype(np.int64)
    else:
        label = DataColumn("y", pd.Series(y))
        names, codes = classes_of(DataTable(where, [label], True), label)
    texts = tuple(map(str, features)), tuple(map(str, remarks))
    return Dataset(x.astype(np.float64), codes, names, *texts)


class FrameOptions(Options):
    """Options of a data frame."""

    label: Label | None = None
    """column of the label, by name or number; null: by the rules of a table"""
    drop: tuple[Label, ...] | None = None
    """columns that are no features; null: by the rules of a table; ``[]``: none"""


def from_given(given: Any, options: FrameOptions) -> Dataset:
    """The rows that a caller of the Python interface hands over.

    Args:
        given: a data frame; ``(X, y)`` of arrays, tensors or frames; or a bunch of scikit-learn.
        options: what a data frame leaves open.

    Raises:
        UserError: it is something else, or not what it should be.
    """
    if isinstance(given, Dataset):
        return given
    if isinstance(given, pd.DataFrame):
        return dataset(_table(given), options.label, options.drop)
    if options != FrameOptions():
        raise UserError(f"{WHERE}: label and drop are for a DataFrame (got {brief(given)})")
    if isinstance(given, Mapping) and {"data", "target"} <= given.keys():
        named = {"classes": "target_names", "features": "feature_names"}
        names = {k: given[name] for k, name in named.items() if given.get(name) is not None}
        return _from_pair(given["data"], given["target"], **names)
    if isinstance(given, tuple | list) and len(given) == 2:
        return _from_pair(*given)
    raise UserError(f"{WHERE}: give {EXPECTED} (got {brief(given)})")


def keep(data: Dataset, folder: Path) -> Path:
    """Write a dataset as an archive that ``source: file`` reads; its name tells its content.

    Raises:
        UserError: the folder cannot be written.
    """
    path = folder / f"{digest([data.content, data.features, data.remarks])}.npz"
    if not path.exists():
        arrays: dict[str, Any] = {"X": data.x, "y": data.y, "classes": data.classes}
        texts = {"features": data.features, "remarks": data.remarks}
        arrays |= {name: lines for name, lines in texts.items() if lines}
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, **arrays)
    return path


def _from_pair(
    x: Any, y: Any, classes: Sequence[str] = (), features: Sequence[str] = ()
) -> Dataset:
    if isinstance(x, pd.DataFrame):
        table = _table(x)
        features = table.names
        x = np.stack([feature(table, column) for column in table.columns], axis=1)
    return from_arrays(WHERE, x, y, classes, features)


def _table(frame: pd.DataFrame) -> DataTable:
    columns = [DataColumn(str(name), frame.iloc[:, i]) for i, name in enumerate(frame.columns)]
    return DataTable(WHERE, columns, True)


def _array(where: str, name: str, values: Any) -> np.ndarray:
    """An array of what may be a tensor, on whatever device."""
    values = values.detach().cpu() if hasattr(values, "detach") else values
    try:
        return np.asarray(values)
    except ValueError:
        raise UserError(f"{where}: {name} is no array: its rows differ in length") from None
