"""Whether runs hold the same models of the same data, so that only their backends differ."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qhu.errors import UserError
from qhu.record.folder import RunFolder, RunRecord
from qhu.settings.experiment import Experiment
from qhu.study import Cell

SETTINGS = ("data", "model", "training", "unlearning", "scenarios", "methods", "evaluation")
MODEL_STAGES = ("train", "unlearn")
ROW_COLUMNS = ["scenario", "seed", "subset", "row", "label"]
ADVICE = "compare runs that differ in nothing but seeds and the backend of the evaluation"


def refuse_settings(experiments: Sequence[Experiment]) -> None:
    """Refuse runs that were asked for different things.

    Raises:
        UserError: naming every setting that differs, with its values.
    """
    asked = [_settings(experiment) for experiment in experiments]
    keys = dict.fromkeys(key for other in asked[1:] for key in _differing(asked[0], other))
    if keys:
        _refuse(f"{key} ({', '.join(_value(settings, key) for settings in asked)})" for key in keys)


def refuse_data(records: Sequence[RunRecord], predictions: Sequence[pd.DataFrame]) -> None:
    """Refuse runs on different rows.

    Args:
        records: of the runs.
        predictions: rows of their ``predictions.parquet``, of the same seeds.

    Raises:
        UserError: naming ``data`` or ``split``.
    """
    if len({record.data for record in records} - {None}) > 1:
        _refuse([f"data ({', '.join(str(record.data) for record in records)})"])
    splits = [_rows(frame) for frame in predictions]
    if any(not split.equals(splits[0]) for split in splits[1:]):
        _refuse(["split"])


def refuse_models(folders: Sequence[Path], cells: Sequence[Cell]) -> None:
    """Refuse runs whose models differ in a single bit.

    Raises:
        UserError: naming ``theta`` and the first model that differs; or a file is missing.
    """
    for name in dict.fromkeys(name for cell in cells for name in _models(cell)):
        arrays = [RunFolder(folder).read_model(*name).arrays for folder in folders]
        for other in arrays[1:]:
            if other.keys() != arrays[0].keys() or any(
                not np.array_equal(other[key], arrays[0][key]) for key in other
            ):
                _refuse([f"theta ({RunFolder(folders[0]).model(*name).stem})"])


def _models(cell: Cell) -> Iterator[tuple[int, str, str]]:
    yield cell.seed, "teacher", ""
    yield cell.seed, "oracle", cell.scenario
    yield cell.seed, cell.method, cell.scenario


def _refuse(keys: Any) -> None:
    raise UserError(f"these runs are not comparable: {'; '.join(keys)}; {ADVICE}")


def _settings(experiment: Experiment) -> dict[str, Any]:
    given = experiment.model_dump(mode="json", exclude_defaults=True)
    compared = {key: given.get(key, {}) for key in SETTINGS}
    stages = {stage: getattr(experiment.stages, stage) for stage in MODEL_STAGES}
    return {**compared, "stages": stages}


def _differing(first: Any, other: Any, path: str = "") -> Iterator[str]:
    """Dotted keys of what differs."""
    if isinstance(first, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys([*first, *other]):
            yield from _differing(first.get(key), other.get(key), f"{path}.{key}" if path else key)
    elif first != other:
        yield path


def _value(settings: Any, key: str) -> str:
    for part in key.split("."):
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return "default" if settings is None else str(settings)


def _rows(predictions: pd.DataFrame) -> pd.DataFrame:
    """Which rows every subset that is scored holds: the same for all methods."""
    scored = predictions.loc[predictions["subset"] != "val", ROW_COLUMNS]
    return scored.drop_duplicates().sort_values(ROW_COLUMNS, ignore_index=True)
