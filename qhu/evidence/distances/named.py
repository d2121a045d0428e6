"""The distances of a pool under the names that they have in ``evidence.csv``."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from qhu.evidence.distances.forgetting_quality import forgetting_quality
from qhu.evidence.distances.halves import Beside
from qhu.evidence.distances.klom import klom
from qhu.evidence.distances.tug_of_war import tug_of_war
from qhu.evidence.units import Floats, UnitEstimate

Named = Iterator[tuple[str, UnitEstimate]]


def of_forget_rows(
    unlearned: Floats,
    oracle: Floats,
    accuracies: Mapping[str, tuple[Floats, Floats]],
    units: NDArray[np.int64],
) -> Named:
    """KLoM and F with their floors, tug-of-war with its factors.

    Args:
        unlearned: (N, R) margins of the rows to be forgotten, NaN where there is no pair.
        oracle: (N, R) likewise.
        accuracies: by subset (``forget``, ``retain``, ``test``) those of the unlearned models (N,)
            and of their oracles (N,).
        units: (N,) unit of each model.
    """
    quality = forgetting_quality(unlearned, oracle, accuracies["retain"], accuracies["test"], units)
    yield from of_rows(unlearned, oracle, units)
    yield from _beside("forgetting_quality", quality)
    yield from tug_of_war(accuracies, units).items()


def of_rows(unlearned: Floats, oracle: Floats, units: NDArray[np.int64]) -> Named:
    """KLoM of any rows, with its floor."""
    for name, percentile in klom(unlearned, oracle, units).items():
        yield from _beside(name, percentile)


def _beside(name: str, distance: Beside) -> Named:
    yield name, distance.value
    yield f"{name.removesuffix('_median')}_floor", distance.floor
