"""Rows of a dataset for one seed and scenario: train = retain ∪ forget, val, test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

from qhu.data.base import Dataset
from qhu.errors import UserError
from qhu.seeding import numpy_stream, seed_sequence
from qhu.settings import DataSpec, Scaling, Scenario

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Row numbers of train, val and test: disjoint, sorted, together all rows.

    Attributes:
        labels: (N,) what the network is taught, the data's labels up to ``data.label_noise``.
    """

    train: Rows
    val: Rows
    test: Rows
    labels: Rows


@dataclass(frozen=True)
class ForgetSet:
    """The training rows, parted into what is to be forgotten and what is kept."""

    retain: Rows
    forget: Rows


def split_rows(data: Dataset, spec: DataSpec, seed: int, pinned: Sequence[int] = ()) -> Split:
    """Stratified split drawn from the seed; ``pinned`` rows always fall to train.

    Raises:
        UserError: too few rows, or a pinned row that the dataset does not have.
    """
    everything = np.arange(len(data.y))
    absent = np.setdiff1d(pinned, everything)
    if len(absent):
        raise UserError(f"row {absent[0]} is absent: rows are 0..{len(data.y) - 1}; mend ids")
    free = np.setdiff1d(everything, pinned)
    test = _draw(free, data.y, round(spec.test * len(everything)), seed, "split/test")
    rest = np.setdiff1d(free, test)
    share = round(spec.val * (len(everything) - len(test)))
    val = _draw(rest, data.y, share, seed, "split/val")
    train = np.setdiff1d(everything, np.concatenate([val, test]))
    if not (len(train) and len(val) and len(test)):
        raise UserError("too few rows for data.test and data.val: a part would be empty")
    return Split(train, val, test, _taught(data, train, spec.label_noise, seed))


def forget_rows(data: Dataset, split: Split, name: str, scenario: Scenario, seed: int) -> ForgetSet:
    """Draw the forget set of a scenario; all methods of the seed share it.

    Raises:
        UserError: the class is absent, no row is mislabelled, or the forget set is empty or
            everything.
    """
    where = f"scenario '{name}'"
    if scenario.label is not None:
        if not 0 <= scenario.label < len(data.classes):
            known = ", ".join(f"{i} ({c})" for i, c in enumerate(data.classes))
            raise UserError(f"{where}: class {scenario.label} is absent; classes: {known}")
        forget = split.train[split.labels[split.train] == scenario.label]
    elif scenario.mislabelled:
        forget = split.train[(split.labels != data.y)[split.train]]
        if not len(forget):
            raise UserError(f"{where}: no row is mislabelled; set data.label_noise, such as 0.1")
    elif scenario.ids is not None:
        forget = np.unique(np.asarray(scenario.ids, dtype=np.int64))
    else:
        count = round((scenario.fraction or 0) * len(split.train))
        forget = _draw(split.train, data.y, count, seed, f"forget/{name}")
    retain = np.setdiff1d(split.train, forget)
    if not len(forget):
        raise UserError(f"{where}: the forget set is empty; choose a larger fraction")
    if not len(retain):
        raise UserError(f"{where}: the forget set is all of train; keep something to retain")
    return ForgetSet(retain, forget)


def scale(data: Dataset, split: Split, how: Scaling = "angles") -> NDArray[np.float32]:
    """Features as the network sees them.

    Args:
        data: all rows.
        split: ``angles`` is fitted on its training rows only; other rows are clipped to ±π.
        how: what ``data.scale`` says.

    Raises:
        UserError: ``unit`` for values that are not pixels.
    """
    if how == "none":
        return data.x.astype(np.float32)
    if how == "unit":
        if data.x.min() < 0 or data.x.max() > 255:
            raise UserError("data.scale unit is for pixels in 0..255: use angles or none")
        return (data.x / 255).astype(np.float32)
    flat = data.x.reshape(len(data.x), -1)
    scaler = MinMaxScaler((-np.pi, np.pi), clip=True).fit(flat[split.train])
    return scaler.transform(flat).reshape(data.x.shape).astype(np.float32)


def _taught(data: Dataset, train: Rows, noise: float, seed: int) -> Rows:
    """Labels with a share ``noise`` of the training rows moved to another class at random."""
    labels, classes = data.y.copy(), len(data.classes)
    moved = _draw(train, data.y, round(noise * len(train)), seed, "labels/rows")
    steps = numpy_stream(seed, "labels/classes").integers(1, classes, size=len(moved))
    labels[moved] = (labels[moved] + steps) % classes
    return labels


def _draw(rows: Rows, y: NDArray[np.int64], count: int, seed: int, stream: str) -> Rows:
    """Draw ``count`` of ``rows``, by class in proportion where every class can get a row."""
    if count == 0 or count >= len(rows):
        return rows[:count]
    labels, sizes = np.unique(y[rows], return_counts=True)
    proportional = min(count, len(rows) - count) >= len(labels) and sizes.min() >= 2
    state = int(seed_sequence(seed, stream).generate_state(1)[0])
    _, drawn = train_test_split(
        rows, test_size=count, stratify=y[rows] if proportional else None, random_state=state
    )
    return np.sort(drawn)
