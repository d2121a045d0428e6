"""Forget sets that are chosen by what the training rows are like."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.neighbors import LocalOutlierFactor

from qhu.data.partition import ChosenRows, Partition
from qhu.data.split import RowNumbers
from qhu.errors import UserError
from qhu.seeding import numpy_stream
from qhu.settings.kinds import THIRDS, Cluster, Duplicates, Memorised, Outliers, Tier
from qhu.settings.parts import Scenario

Grades = NDArray[np.float64]
NEIGHBOURS = 20
"""Of the local outlier factor: the value that its authors find steady, and scikit-learn's."""
CITES = {"memorised": ("feldman2020what",), "outliers": ("breunig2000lof",)}
"""What kinds measure by, by the kind."""


def choose(
    whole: Partition,
    name: str,
    scenario: Scenario,
    seed: int,
    memorisation: Callable[[int], Grades],
) -> ChosenRows | None:
    """The training rows that a kind with settings of its own asks for; None for the other kinds.

    Args:
        whole: the seed's rows, nothing forgotten; distances are those of its scaled samples.
        name: label of the scenario, which also names its random stream.
        scenario: what is to be forgotten.
        seed: root seed.
        memorisation: of the training rows (n,), by so many models.

    Raises:
        UserError: there are not so many rows, or no row has copies.
    """
    drawing = numpy_stream(seed, f"forget/{name}")
    check_count(name, scenario, len(whole.train))
    try:
        match scenario.kind:
            case Memorised(models=models) as kind:
                return _memorised(kind, whole, drawing, memorisation(models))
            case Outliers(count=count):
                return _outliers(count, whole)
            case Cluster() as kind:
                return _cluster(kind, whole, drawing)
            case Duplicates(forget=which):
                return _duplicates(which, whole)
    except UserError as error:
        raise UserError(f"scenario '{name}': {error}") from None
    return None


def check_count(name: str, scenario: Scenario, available: int) -> None:
    """Refuse a scenario that asks for more of the ``available`` training rows than there are.

    Raises:
        UserError: it does.
    """
    where, asked, rows = "train", 0, available
    match kind := scenario.kind:
        case Memorised(tier=None, top=int(top)):
            asked = top
        case Memorised(tier=str(tier)):
            where, asked, rows = f"tier {tier}", kind.count or 1, len(_tier(tier, range(available)))
        case Outliers() | Cluster():
            asked = kind.count
    if asked > rows:
        raise UserError(
            f"scenario '{name}': {where} has {rows} rows and {asked} are asked for: ask for fewer"
        )


def in_requests(
    forget: RowNumbers, scenario: Scenario, name: str, seed: int
) -> tuple[RowNumbers, ...]:
    """The forget rows parted at random into requests of equal size, up to one row.

    Args:
        forget: all of them.
        scenario: how many requests.
        name: label of the scenario, which also names its random stream.
        seed: root seed.

    Raises:
        UserError: there are more requests than rows.
    """
    count = scenario.requests
    if count is None:
        return (forget,)
    if count > len(forget):
        raise UserError(
            f"scenario '{name}': {count} requests for {len(forget)} forget rows of seed {seed}; "
            f"give requests {len(forget)} or less"
        )
    order = numpy_stream(seed, f"requests/{name}").permutation(len(forget))
    return tuple(forget[np.sort(part)] for part in np.array_split(order, count))


def _memorised(
    kind: Memorised, whole: Partition, drawing: np.random.Generator, grades: Grades
) -> ChosenRows:
    """Of rows that are memorised alike, the first of the training rows comes first."""
    if kind.tier is None:
        places = np.argsort(-grades, kind="stable")[: kind.top]
    else:
        places = _tier(kind.tier, np.argsort(grades, kind="stable"))
        if kind.count is not None:
            places = drawing.choice(places, kind.count, replace=False)
    return ChosenRows(whole.train[places], "memorisation", grades[places])


def _outliers(count: int, whole: Partition) -> ChosenRows:
    factors = outlier_factors(_features(whole), whole.labels[whole.train])
    places = np.argsort(-factors, kind="stable")[:count]
    return ChosenRows(whole.train[places], "local outlier factor", factors[places])


def _cluster(kind: Cluster, whole: Partition, drawing: np.random.Generator) -> ChosenRows:
    x, labels = _features(whole), whole.labels[whole.train]
    centre = int(drawing.integers(len(x)))
    others = np.flatnonzero((labels == labels[centre]) | (kind.within == "all"))
    if kind.count > len(others):
        raise UserError(
            f"the class of row {whole.train[centre]}, which seed and name of the scenario drew, "
            f"has {len(others)} rows and {kind.count} are asked for: ask for fewer"
        )
    distances = np.linalg.norm(x[others] - x[centre], axis=1)
    order = np.lexsort((others != centre, distances))[: kind.count]  # itself before its copies
    return ChosenRows(whole.train[others[order]], "distance", distances[order])


def _duplicates(which: str, whole: Partition) -> ChosenRows:
    originals = whole.split.originals
    if not len(originals):
        raise UserError("no row has copies; set data.copies, such as 5")
    rows = np.unique(originals)
    if which == "all":
        rows = np.concatenate([rows, whole.train[-len(originals) :]])
    left = np.setdiff1d(whole.train, rows)
    if lost := np.setdiff1d(whole.labels[rows], whole.labels[left]).tolist():
        raise UserError(
            f"no training row of class '{whole.data.classes[lost[0]]}' would be left: "
            "lower data.copies.rows"
        )
    return ChosenRows(rows)


def outlier_factors(x: NDArray[np.floating], labels: NDArray[np.integer]) -> Grades:
    """Local outlier factor of every row among the rows of its class; about 1: as its neighbours.

    It needs no more rows than a few neighbours, in any number of features, where a covariance
    needs more rows than features. The only row of a class is no outlier.

    Args:
        x: (n, F).
        labels: (n,).

    Returns:
        (n,) positive; the larger, the sparser it is around the row than around its neighbours.
    """
    factors = np.ones(len(x))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) > 1:
            finder = LocalOutlierFactor(n_neighbors=min(NEIGHBOURS, len(rows) - 1))
            factors[rows] = -finder.fit(x[rows]).negative_outlier_factor_
    return factors


def _tier(tier: Tier, ascending: ArrayLike) -> NDArray[np.int64]:
    """A third of places in the order of memorisation."""
    return np.array_split(ascending, len(THIRDS))[list(THIRDS).index(tier)]


def _features(whole: Partition) -> NDArray[np.float64]:
    """What the network sees of the training rows, (n, F)."""
    return whole.samples[whole.train].flatten(1).double().numpy()
