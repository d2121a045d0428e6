"""The user's own data: one .npz or .csv file."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qhu.data.base import MAX_BYTES, Dataset
from qhu.data.npz import read_npz
from qhu.errors import UserError, shortened
from qhu.record.documents import read_bounded
from qhu.registry import Options, dataset

LABEL_COLUMNS = ("y", "label")
MAX_COLUMNS, MAX_LINE = 20_000, 1_000_000
"""Of a table: columns, and bytes of its first line."""


class FileOptions(Options):
    """Options of a data file."""

    path: str
    """``.npz`` with the arrays ``X`` (N, features) or (N, height, width) and ``y`` (N,); or
    ``.csv`` with one row per sample, the label in the column ``y`` or ``label``, else the last"""


@dataset("file")
def file(options: FileOptions) -> Dataset:
    """Your own .npz (X, y) or .csv; short form `source: file:PATH`."""
    path = Path(options.path)
    if path.suffix not in (".npz", ".csv"):
        raise UserError(f"{path}: data files end in .npz or .csv")
    try:
        x, y = _read_npz(path) if path.suffix == ".npz" else _read_csv(path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    if x.ndim not in (2, 3) or y.ndim != 1 or not x.size:
        raise UserError(
            f"{path}: X must be (N, features) or (N, height, width) and y (N,); "
            f"they are {x.shape} and {y.shape}"
        )
    classes, codes = _classes(path, y)
    return Dataset(x, codes, classes)


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    arrays = read_npz(path)
    if missing := {"x", "y"} - arrays.keys():
        raise UserError(f"{path} lacks the array {min(missing)}: save it with X=… and y=…")
    return _numbers(path, arrays["x"]), arrays["y"]


def _read_csv(path: Path) -> tuple[np.ndarray, np.ndarray]:
    content = _table_bytes(path)
    try:
        first = list(pd.read_csv(io.BytesIO(content), header=None, nrows=1, dtype=str).iloc[0])
        header = 0 if _is_header(first) else None
        table = pd.read_csv(io.BytesIO(content), header=header)
    except (ValueError, UnicodeDecodeError):  # pandas raises subclasses of ValueError
        raise UserError(f"{path} is not a table: write one comma-separated row each") from None
    named = [name for name in table.columns if str(name).lower() in LABEL_COLUMNS]
    if len(named) > 1 or (header == 0 and len(set(first)) < len(first)):
        raise UserError(f"{path}: two columns have one name, or both hold labels: drop one")
    label = named[0] if named else table.columns[-1]
    features = table.drop(columns=label)
    for name in features.columns:
        if not pd.api.types.is_numeric_dtype(features[name]):
            raise UserError(
                f"{path}: column '{shortened(str(name))}' is not numeric: drop or encode it"
            )
    return features.to_numpy(np.float64), table[label].to_numpy()


def _table_bytes(path: Path) -> bytes:
    """The content of a table that is not too wide or too long to be read."""
    content = read_bounded(path, MAX_BYTES)
    end = content.find(b"\n", 0, MAX_LINE) if len(content) > MAX_LINE else len(content)
    if end < 0 or content.count(b",", 0, end) >= MAX_COLUMNS:
        raise UserError(
            f"{path}: the first line is longer than {MAX_LINE:,} bytes or {MAX_COLUMNS:,} columns"
        )
    if b"\0" in content:
        raise UserError(f"{path} is not a table: it holds NUL bytes; save it as text in UTF-8")
    return content


def _classes(path: Path, y: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the classes in sorted order, and per row the number of its class."""
    missing = np.flatnonzero(pd.isna(y))
    if len(missing):
        raise UserError(f"{path}: row {missing[0]} has no label: remove it")
    if y.dtype.kind == "f":
        if not (y == np.round(y)).all():
            raise UserError(f"{path}: labels must be classes, not fractional numbers")
        y = y.astype(np.int64)
    # Objects: as an array of text, every label would take as much room as the longest.
    comparable = y if y.dtype.kind in "iub" else np.array([str(label) for label in y], object)
    names, codes = np.unique(comparable, return_inverse=True)
    if len(names) < 2:
        only = shortened(str(names[0]))
        raise UserError(f"{path}: all labels are '{only}': classification needs two or more")
    return tuple(map(str, names)), codes.astype(np.int64)


def _numbers(path: Path, x: np.ndarray) -> np.ndarray:
    if x.dtype.kind not in "iufb":
        raise UserError(f"{path}: X holds {x.dtype}, not numbers")
    return x.astype(np.float64)


def _is_header(cells: list[Any]) -> bool:
    """A first line with numbers is data, unless it names the label."""
    names = [cell for cell in cells if isinstance(cell, str)]  # an empty cell is NaN
    if any(name.lower() in LABEL_COLUMNS for name in names):
        return True
    return not any(_is_number(name) for name in names)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
