"""Anamnesis index: how much faster an unlearned model learns its forget rows again."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qhu.evidence.units import Floats, UnitEstimate, resampled


class Anamnesis(NamedTuple):
    """Steps of relearning compared with the oracles'.

    Attributes:
        ain: mean steps of unlearned models over mean steps of oracles: 1 ideal, below 1 traces are
            left, above 1 over-forgotten; NaN where no oracle needs a step.
        censored: share of unlearned models that did not arrive within the limit.
        oracles_censored: the same of oracles.
        oracles_at_once: share of oracles that need no step.
    """

    ain: UnitEstimate
    censored: float
    oracles_censored: float
    oracles_at_once: float


def anamnesis(
    unlearned: Floats, oracle: Floats, limit: int, units: NDArray[np.integer], seed: int = 0
) -> Anamnesis:
    """Anamnesis index (Chundawat et al., arXiv 2201.05629) of a population.

    The original compares one model with one oracle; single oracles may need no step at all, so
    here means are compared. A model that does not arrive counts with the limit: many of those pull
    the index towards 1, and their shares stand beside it.

    Args:
        unlearned: (N,) steps until the forget rows are known as well as to the teacher, NaN where
            that was not reached.
        oracle: (N,) the same of the oracle of the same half.
        limit: steps after which relearning was stopped.
        units: (N,) unit of each model.
        seed: of the bootstrap.
    """
    own, own_censored = _restricted(unlearned, limit)
    goal, goal_censored = _restricted(oracle, limit)
    at_once = float(np.mean(goal == 0))
    if not goal.any():
        unknown = float("nan")
        return Anamnesis(UnitEstimate(unknown, unknown, 0), own_censored, goal_censored, at_once)

    def ratio(weights: Floats) -> Floats:
        means = weights @ own, weights @ goal
        return np.divide(*means, out=np.full(len(weights), np.nan), where=means[1] > 0)

    value, error = resampled(ratio, units, seed)
    ain = UnitEstimate(float(value), float(error), len(np.unique(units)))
    return Anamnesis(ain, own_censored, goal_censored, at_once)


def _restricted(steps: Floats, limit: int) -> tuple[Floats, float]:
    """Steps up to the limit, and the share of models that did not arrive by it."""
    late = np.isnan(steps) | (steps > limit)
    return np.where(late, limit, steps), float(late.mean())
