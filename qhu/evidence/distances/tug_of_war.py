"""Tug-of-war: how close the accuracies on forget, retain and test rows are to the oracle's."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from qhu.evidence.units import Floats, UnitEstimate, mean_over_units


def tug_of_war(
    accuracies: Mapping[str, tuple[Floats, Floats]], units: NDArray[np.integer]
) -> dict[str, UnitEstimate]:
    """ToW = Π over subsets of (1 − \\|accuracy − oracle's\\|), 1 for the ideal.

    Of every model against its own oracle, then the mean (Zhao et al., arXiv 2406.01257). The
    product hides which factor fails, so all are given. Two oracles of one half differ, too: what
    they reach is the value of the row ``retrain``.

    Args:
        accuracies: by subset (``forget``, ``retain``, ``test``) those of the unlearned models (N,)
            and of their oracles (N,), NaN for a model without such rows.
        units: (N,) unit of each model.

    Returns:
        ``tow``, and ``tow_<subset>`` for its factors.
    """
    factors = {subset: 1 - np.abs(own - goal) for subset, (own, goal) in accuracies.items()}
    product = np.prod(list(factors.values()), axis=0)
    parts = {f"tow_{subset}": factor for subset, factor in factors.items()}
    return {
        name: mean_over_units(values, units) for name, values in {"tow": product, **parts}.items()
    }
