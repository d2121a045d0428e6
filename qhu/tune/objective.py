"""What tuning judges a trial by: how far from the oracle on what is forgotten, and what it costs.

Of every scenario, over all tuning seeds::

    leakage = max(0, 1 − f / d)     d: mean |margin − oracle's| over the forget rows, in nats
                                    f: the same of the floor, another oracle; at least 0.1
    utility_loss = max(0, (acc_oracle − acc) / (acc_oracle − acc_guess))

    objective = mean over the scenarios of leakage + utility_loss

The margin of a row is ln(p_y / (1 − p_y)), what the attacks of the verdict see. Leakage is the
share of the distance that chance does not explain: 0 for a model as close as another oracle, ½ at
twice that and 1 infinitely far, on either side, so that over-forgetting counts as much as
remembering. The accuracy is that on validation rows of the classes that are kept; guessing names
their most frequent class. So remembering all of what an oracle does not know and destroying the
model both cost about 1. No test row is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Floats = NDArray[np.float64]
OBJECTIVE = (
    "leakage (the share of the forget rows' distance to the oracle that a second oracle's does not "
    "explain) plus utility loss (the share of the oracle's accuracy above guessing that is lost on "
    "validation rows of kept classes)"
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
    distance = _distance(models, references)
    floor = max(_distance([r.floor for r in references], references), LEAST_FLOOR)
    leakage = 1 - floor / distance if distance > floor else 0.0
    oracle = _accuracy([r.oracle for r in references], references)
    above = oracle - np.mean([_most_frequent(r.kept_labels) for r in references])
    lost = oracle - _accuracy(models, references)
    return TrialValue.of(float(leakage), float(lost / above) if lost > 0 and above > 0 else 0.0)


def over_scenarios(values: Sequence[TrialValue]) -> TrialValue:
    """The mean over the scenarios."""
    parts = [(value.leakage, value.utility_loss) for value in values]
    leakage, utility_loss = np.mean(parts, axis=0)
    return TrialValue.of(float(leakage), float(utility_loss))


def _distance(models: Sequence[Behaviour], references: Sequence[Reference]) -> float:
    """Mean |margin − oracle's| over the forget rows of all seeds, in nats."""
    rows = [
        np.abs(margins(model.forget, r.forget_labels) - margins(r.oracle.forget, r.forget_labels))
        for model, r in zip(models, references, strict=True)
    ]
    return float(np.concatenate(rows).mean())


def _accuracy(models: Sequence[Behaviour], references: Sequence[Reference]) -> float:
    """Accuracy on the validation rows, the mean over the seeds."""
    pairs = zip(models, references, strict=True)
    return float(np.mean([(m.kept.argmax(axis=1) == r.kept_labels).mean() for m, r in pairs]))


def _most_frequent(labels: NDArray[np.int64]) -> float:
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))
