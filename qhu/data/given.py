"""Rows that a caller of the Python interface hands over: kept as a file, so that all find them."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qhu.data.arrays import from_arrays
from qhu.data.base import Dataset
from qhu.data.columns import dataset, feature
from qhu.data.table import DataColumn, DataTable
from qhu.errors import UserError, brief
from qhu.record.files import replacing
from qhu.record.sources import digest
from qhu.registry import Options, parse
from qhu.settings.experiment import Experiment, make_experiment
from qhu.settings.parts import DataSpec, Label

FOLDER = Path("runs/.data")
"""Where the rows are kept."""
WHERE = "data"
EXPECTED = "a DataFrame, (X, y) or what sklearn.datasets loads"


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


def with_data(settings: Mapping[str, Any], data: Any, label: Label | None) -> Experiment:
    """The experiment that settings describe; rows in memory are kept first.

    Args:
        settings: as in a file, but that ``data`` or ``data.source`` may be rows.
        data: rows, a path or a source in the place of ``data.source``; None: what stands there.
        label: of a table, the column of the label; None: what ``data.options`` say.

    Raises:
        UserError: a setting is wrong, or the rows are; then nothing is written.
    """
    given = settings.get("data")
    spec = dict(given) if isinstance(given, Mapping) and "target" not in given else {}
    if not spec and given is not None:
        spec = given.model_dump() if isinstance(given, DataSpec) else {"source": given}
    source = spec.get("source") if data is None else data
    options = {} if data is not None else dict(spec.get("options") or {})
    options |= {} if label is None else {"label": label}
    if isinstance(source, PathLike):
        spec |= {"source": "file", "options": {"path": source, **options}}
    elif source is None or isinstance(source, str):
        spec |= {"options": options} | ({"source": source} if source else {})
    else:
        spec |= {"source": "file", "options": {"path": "in memory"}}
        make_experiment({**settings, "data": spec}, "experiment")  # first: nothing is written
        rows = from_given(source, parse(FrameOptions, options, "data.options"))
        spec["options"] = {"path": keep(rows, FOLDER)}
    return make_experiment({**settings, "data": spec}, "experiment")


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
