"""What tuning judges a trial by: how far from the oracle on what is forgotten, and what it costs.

Of every scenario, over all tuning seeds::

    leakage = ½ max(0, t − t_floor) + ½ max(0, 1 − d_floor / d)
    t: mean total variation ½ Σ_c |p_c − p_c(oracle)| of the predictions of the forget rows
    d: mean |margin − margin(oracle)| of the forget rows, in nats
    t_floor, d_floor: the same of the floor, another oracle; d_floor at least 0.1

    utility_loss = max(0, (acc_oracle − acc) / (acc_oracle − acc_guess))

    objective = mean over the scenarios of leakage + utility_loss

Leakage is what chance does not explain of the distance to the oracle, half of it as everybody sees
who reads predictions, half as the attacks of the verdict do, by the margin ln(p_y / (1 − p_y)): 0
for a model as close as another oracle. Both halves count on either side, so that over-forgetting is
leakage, too; the second alone cannot tell nearly forgotten from untouched where both are far. The
accuracy is that on validation rows of the classes that are kept; guessing names their most frequent
class. So remembering all of what an oracle does not know and destroying the model both cost about
1. No test row is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

Floats = NDArray[np.float64]
OBJECTIVE = (
    "leakage (half the total variation between the predictions of the forget rows and the "
    "oracle's, beyond that of a second oracle, and half the share of their margins' distance that "
    "a second oracle's does not explain) plus utility loss (the share of the oracle's accuracy "
    "above guessing that is lost on validation rows of kept classes)"
)
LEAST_FLOOR = 0.1
"""Nats between two oracles that count at least: odds that differ by 10 % are alike."""


@dataclass(frozen=True, order=True)
class TrialValue:
    """A trial's value and its two parts, all lower is better.

    Attributes:
        objective: the sum of the others.
        leakage: in [0, 1].
        utility_loss: 0 for the oracle's accuracy or more, 1 for that of guessing.
    """

    objective: float
    leakage: float
    utility_loss: float

    @classmethod
    def of(cls, leakage: float, utility_loss: float) -> "TrialValue":
        """The value with these parts."""
        return cls(leakage + utility_loss, leakage, utility_loss)


LOST = TrialValue.of(1.0, 1.0)
"""Of a model whose outputs are not finite: nothing of it is left."""


@dataclass(frozen=True, eq=False)
class Behaviour:
    """What a model does with the rows that tuning may look at, of one seed and scenario.

    Attributes:
        forget: logits (F, C) of the forget rows.
        kept: logits (V, C) of validation rows of the classes that are kept.
    """

    forget: Floats
    kept: Floats


@dataclass(frozen=True, eq=False)
class Reference:
    """What the models of a seed and scenario are measured by.

    Attributes:
        oracle: behaviour of the model retrained without the forget rows.
        floor: of the other one, trained in another order.
        forget_labels: (F,) of the forget rows.
        kept_labels: (V,) of the validation rows.
    """

    oracle: Behaviour
    floor: Behaviour
    forget_labels: NDArray[np.int64]
    kept_labels: NDArray[np.int64]


def margins(logits: Floats, labels: NDArray[np.int64]) -> Floats:
    """ln(p_y / (1 − p_y)) of rows (n, C) at their labels (n,): z_y − logsumexp of the others."""
    true = np.arange(logits.shape[1]) == labels[:, None]
    others = logsumexp(np.where(true, -np.inf, logits), axis=1)
    return np.asarray(logits[true] - others)


def judge(models: Sequence[Behaviour], references: Sequence[Reference]) -> TrialValue:
    """Judge a method in one scenario.

    Args:
        models: what it made, one per tuning seed.
        references: of the same seeds.
    """
    if not all(np.isfinite(part).all() for m in models for part in (m.forget, m.kept)):
        return LOST
    floors = [r.floor for r in references]
    seen = _mean(_variation, models, references) - _mean(_variation, floors, references)
    distance = _mean(_distance, models, references)
    floor = max(_mean(_distance, floors, references), LEAST_FLOOR)
    unexplained = 1 - floor / distance if distance > floor else 0.0
    leakage = (max(seen, 0.0) + unexplained) / 2
    oracle = _accuracy([r.oracle for r in references], references)
    above = oracle - np.mean([_most_frequent(r.kept_labels) for r in references])
    lost = oracle - _accuracy(models, references)
    return TrialValue.of(float(leakage), float(lost / above) if lost > 0 and above > 0 else 0.0)


def over_scenarios(values: Sequence[TrialValue]) -> TrialValue:
    """The mean over the scenarios."""
    parts = [(value.leakage, value.utility_loss) for value in values]
    leakage, utility_loss = np.mean(parts, axis=0)
    return TrialValue.of(float(leakage), float(utility_loss))


def _mean(
    of: Callable[[Floats, Reference], Floats],
    models: Sequence[Behaviour],
    references: Sequence[Reference],
) -> float:
    """Mean of a distance to the oracle over the forget rows of all seeds."""
    pairs = zip(models, references, strict=True)
    return float(np.concatenate([of(model.forget, reference) for model, reference in pairs]).mean())


def _distance(logits: Floats, reference: Reference) -> Floats:
    """|margin − margin(oracle)| of the forget rows (F,), in nats."""
    labels = reference.forget_labels
    return np.abs(margins(logits, labels) - margins(reference.oracle.forget, labels))


def _variation(logits: Floats, reference: Reference) -> Floats:
    """Total variation between the predictions of the forget rows (F,), in [0, 1]."""
    p, q = softmax(logits, axis=1), softmax(reference.oracle.forget, axis=1)
    return np.asarray(np.abs(p - q).sum(axis=1) / 2)


def _accuracy(models: Sequence[Behaviour], references: Sequence[Reference]) -> float:
    """Accuracy on the validation rows, the mean over the seeds."""
    pairs = zip(models, references, strict=True)
    return float(np.mean([(m.kept.argmax(axis=1) == r.kept_labels).mean() for m, r in pairs]))


def _most_frequent(labels: NDArray[np.int64]) -> float:
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))
