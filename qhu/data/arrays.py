"""Datasets from arrays and frames, as a notebook or an archive holds them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qhu.data.base import Dataset
from qhu.data.columns import classes_of
from qhu.data.table import DataColumn, DataTable
from qhu.errors import UserError


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


def _array(where: str, name: str, values: Any) -> np.ndarray:
    """An array of what may be a tensor, on whatever device."""
    values = values.detach().cpu() if hasattr(values, "detach") else values
    try:
        return np.asarray(values)
    except ValueError:
        raise UserError(f"{where}: {name} is no array: its rows differ in length") from None
