"""Rows of a dataset for one seed and scenario: train = retain ∪ forget, val, test."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

from qhu.data.base import Dataset
from qhu.data.reduction import principal_components
from qhu.errors import UserError
from qhu.seeding import numpy_stream, seed_sequence
from qhu.settings.parts import DataSpec, Scenario

RowNumbers = NDArray[np.int64]
DEFAULTS = DataSpec()


@dataclass(frozen=True)
class Split:
    """Row numbers of train, val and test: disjoint, together all rows; sorted unless released.

    Attributes:
        labels: (N,) what the network is taught, the data's labels up to ``data.label_noise``.
        originals: rows that the last ones are copies of, in their order; empty: no row is a copy.
        exchanged: rows that train because they are to be, and were drawn for val or test.
    """

    train: RowNumbers
    val: RowNumbers
    test: RowNumbers
    labels: RowNumbers
    originals: RowNumbers = field(default_factory=lambda: np.arange(0))
    exchanged: RowNumbers = field(default_factory=lambda: np.arange(0))


@dataclass(frozen=True)
class ForgetSet:
    """The training rows, parted into what is to be forgotten and what is kept."""

    retain: RowNumbers
    forget: RowNumbers


def split_rows(data: Dataset, spec: DataSpec, seed: int, pinned: Sequence[int] = ()) -> Split:
    """Stratified split, drawn from the seed unless ``spec`` asks for the released one.

    Args:
        data: all rows.
        spec: kind of split and fractions.
        seed: root seed; the released split is the same under every seed.
        pinned: rows that a drawn split always gives to train: each that was drawn for another part
            changes places with a training row, of its class where there is one. No other row moves.

    Raises:
        UserError: too few rows, or a pinned row that the dataset does not have.
    """
    everything = np.arange(len(data.y))
    absent = np.setdiff1d(pinned, everything)
    if len(absent):
        raise UserError(f"row {absent[0]} is absent: rows are 0..{len(data.y) - 1}; mend ids")
    if spec.split == "released":
        train, test = _released(everything, data.y, spec.test)
        return Split(train, everything[:0], test, _taught(data, train, spec.label_noise, seed))
    test = _draw(everything, data.y, round(spec.test * len(everything)), seed, "split/test")
    rest = np.setdiff1d(everything, test)
    val = _draw(rest, data.y, round(spec.val * len(rest)), seed, "split/val")
    places = _exchanged(np.setdiff1d(rest, val), np.asarray(pinned, np.int64), data.y, seed)
    moved = ([places.get(row, row) for row in part] for part in (val, test))
    val, test = (np.sort(np.array(part, np.int64)) for part in moved)
    train = np.setdiff1d(everything, np.concatenate([val, test]))
    if not (len(train) and len(test) and (len(val) or not spec.val)):
        raise UserError("too few rows for data.test and data.val: a part would be empty")
    taught = _taught(data, train, spec.label_noise, seed)
    return Split(train, val, test, taught, exchanged=np.array(sorted(places), np.int64))


def _exchanged(
    train: RowNumbers, pinned: RowNumbers, y: NDArray[np.int64], seed: int
) -> dict[int, int]:
    """Of the pinned rows outside ``train``, each with the training row that takes its place."""
    free = numpy_stream(seed, "split/pinned").permutation(np.setdiff1d(train, pinned)).tolist()
    places = dict[int, int]()
    for row in np.setdiff1d(pinned, train).tolist():
        if not free:
            raise UserError(f"too few rows to train on beside row {row}: name fewer in ids")
        places[row] = next((other for other in free if y[other] == y[row]), free[0])
        free.remove(places[row])
    return places


def forget_rows(
    data: Dataset,
    split: Split,
    name: str,
    scenario: Scenario,
    seed: int,
    spec: DataSpec = DEFAULTS,
    chosen: RowNumbers | None = None,
) -> ForgetSet:
    """Forget set of a scenario; all methods of the seed share it.

    Args:
        data: all rows.
        split: where they lie; retain and forget rows keep the order of its training rows.
        name: label of the scenario, which also names its random stream.
        scenario: what is to be forgotten.
        seed: root seed.
        spec: kind of split: a fraction is drawn from the seed, or as released.
        chosen: rows of a kind that has settings of its own (:mod:`qhu.data.forgetting`).

    Raises:
        UserError: the class or a row is absent, no row is mislabelled, or the forget set is empty
            or everything.
    """
    where, train = f"scenario '{name}'", split.train
    if scenario.fraction is not None and spec.split == "released":
        return ForgetSet(*_released(train, data.y, scenario.fraction))
    if chosen is not None:
        forget = train[np.isin(train, chosen)]
    elif scenario.label is not None:
        try:
            number = data.class_number(scenario.label)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        forget = train[split.labels[train] == number]
        if not len(forget):
            rows = int((data.y == number).sum())
            raise UserError(
                f"{where}: seed {seed} trains on none of the {rows} rows of class "
                f"'{data.classes[number]}': choose another class, or lower data.test and data.val"
            )
    elif scenario.mislabelled:
        forget = train[(split.labels != data.y)[train]]
        if not len(forget):
            raise UserError(f"{where}: no row is mislabelled; set data.label_noise, such as 0.1")
    elif scenario.ids is not None:
        forget = np.unique(np.asarray(scenario.ids, dtype=np.int64))
        if len(held_out := np.setdiff1d(forget, train)):
            raise UserError(f"{where}: row {held_out[0]} is no training row; mend ids")
    else:
        count = round((scenario.fraction or 0) * len(train))
        forget = _draw(train, data.y, count, seed, f"forget/{name}")
    retain = train[~np.isin(train, forget)]
    if not len(forget):
        raise UserError(f"{where}: the forget set is empty; choose a larger fraction")
    if not len(retain):
        raise UserError(f"{where}: the forget set is all of train; keep something to retain")
    return ForgetSet(retain, forget)


def selection_rows(split: Split, trained: RowNumbers, select: str) -> RowNumbers:
    """Rows by which an epoch is selected: none of a class that the trained rows do not have.

    An epoch judged by a class that it is to forget, or never learns, is the one that forgot least.
    The test rows are those of a released protocol, which holds back no class.

    Args:
        split: the seed's split.
        trained: the rows that are trained on: of a method, the retain rows.
        select: as in :class:`~qhu.settings.parts.Selection`.
    """
    if select == "test_accuracy":
        return split.test
    return split.val[np.isin(split.labels[split.val], split.labels[trained])]


def scale(data: Dataset, split: Split, spec: DataSpec = DEFAULTS) -> NDArray[np.float32]:
    """Features as the network sees them, (N, ...) of :func:`~qhu.data.reduction.sample_shape`.

    Args:
        data: all rows.
        split: whose training rows ``angles`` and ``pca`` are fitted on unless ``spec`` says
            ``all``; others are clipped to ±π.
        spec: scaling and reduction, and the rows they are fitted on.

    Raises:
        UserError: ``unit`` for values that are not pixels.
    """
    fitted = np.arange(len(data.x)) if spec.scale_rows == "all" else split.train
    x = _scaled(data.x, fitted, spec)
    if spec.pca is not None:
        x = _scaled(principal_components(x, fitted, spec.pca), fitted, spec)
    if spec.width is not None:
        x = x[:, np.arange(spec.width) % x.shape[1]]
    return x.astype(np.float32)


def _scaled(x: NDArray[np.float64], fitted: RowNumbers, spec: DataSpec) -> NDArray[np.float64]:
    """Values by the range of the rows ``fitted``, or as ``spec`` asks."""
    if spec.scale == "none":
        return x
    if spec.scale == "unit":
        if x.min() < 0 or x.max() > 255:
            raise UserError("data.scale unit is for pixels in 0..255: use angles or none")
        return x / 255
    flat = x.reshape(len(x), -1)
    scaler = MinMaxScaler((-np.pi, np.pi), clip=True).fit(flat[fitted])
    scaled: NDArray[np.float64] = scaler.transform(flat).reshape(x.shape)
    return scaled


def _taught(data: Dataset, train: RowNumbers, noise: float, seed: int) -> RowNumbers:
    """Labels with a share ``noise`` of the training rows moved to another class at random."""
    labels, classes = data.y.copy(), len(data.classes)
    count = round(noise * len(train))
    if noise and not count:
        raise UserError(
            f"data.label_noise {noise:g} is none of {len(train)} training rows: raise it"
        )
    moved = _draw(train, data.y, count, seed, "labels/rows")
    steps = numpy_stream(seed, "labels/classes").integers(1, classes, size=len(moved))
    labels[moved] = (labels[moved] + steps) % classes
    return labels


def _draw(rows: RowNumbers, y: NDArray[np.int64], count: int, seed: int, stream: str) -> RowNumbers:
    """Draw ``count`` of ``rows``, by class in proportion where every class can get a row.

    The only row of a class has no proportion: it stays.
    """
    if count == 0 or count >= len(rows):
        return rows[:count]
    _, classes, sizes = np.unique(y[rows], return_inverse=True, return_counts=True)
    shared = rows[sizes[classes] > 1]
    proportional = min(count, len(shared) - count) >= (sizes > 1).sum() > 0
    state = int(seed_sequence(seed, stream).generate_state(1)[0])
    drawn_from, stratify = (shared, y[shared]) if proportional else (rows, None)
    _, drawn = train_test_split(drawn_from, test_size=count, stratify=stratify, random_state=state)
    return np.sort(drawn)


def _released(
    rows: RowNumbers, y: NDArray[np.int64], share: float
) -> tuple[RowNumbers, RowNumbers]:
    """Rows kept and drawn, in the order and by the draw of arXiv 2512.19253.

    Raises:
        UserError: a class would have no row in one of the parts.
    """
    try:
        kept, drawn = train_test_split(rows, test_size=share, stratify=y[rows], random_state=0)
    except ValueError as error:
        raise UserError(
            f"the released split cannot draw {share:g} of {len(rows)} rows ({error}): "
            "set data.split to seeded"
        ) from None
    return kept, drawn
