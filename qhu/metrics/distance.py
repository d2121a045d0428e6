"""How far the model is from the oracle."""

import math

import numpy as np
from scipy.special import rel_entr

from qhu.metrics.evidence import Evidence, Floats, Measured, Scores
from qhu.record.scores import Reading
from qhu.registry import metric

SMALLEST_PROBABILITY = 1e-8
"""What KL distinguishes from 0; its negative logarithm 18.4 bounds the KL of a row."""


@metric(
    "kl",
    reads=Reading(
        title="KL to the oracle (nats)",
        against="floor",
        better="lower",
        span=(0, -math.log(SMALLEST_PROBABILITY)),
        headline=("forget", "test"),
        claimed=("forget", "test"),
    ),
    cites=["kullback1951information"],
)
def kl(evidence: Evidence) -> Scores:
    """KL(model ‖ oracle) of the predictions per subset, in nats.

    ``kl_S = mean_i Σ_c p_ic ln(p_ic / q_ic)``, p the model's and q the oracle's probabilities of
    the same row, in [0, 18.4]. Both are raised to at least 1e-8 and normalised again, so that a
    saturated softmax stays finite. Lower is closer to the oracle.
    """
    p, q = (_floored(o.probabilities) for o in (evidence.model, evidence.oracle))
    return evidence.mean_by_subset("kl", rel_entr(p, q).sum(axis=1))


@metric(
    "js",
    reads=Reading(
        title="JS to the oracle (nats)", against="floor", better="lower", span=(0, math.log(2))
    ),
    cites=["lin1991divergence"],
)
def js(evidence: Evidence) -> Scores:
    """Jensen-Shannon divergence to the oracle per subset, in nats.

    ``js_S = mean_i ½ KL(p_i ‖ m_i) + ½ KL(q_i ‖ m_i)`` with ``m = (p + q) / 2``, in [0, ln 2],
    symmetric, nothing clipped. Lower is closer to the oracle.
    """
    p, q = evidence.model.probabilities, evidence.oracle.probabilities
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / 2
    return evidence.mean_by_subset("js", divergence)


@metric(
    "agree",
    reads=Reading(
        title="agreement with the oracle",
        against="floor",
        better="higher",
        span=(0, 1),
        headline=("test",),
    ),
)
def agreement(evidence: Evidence) -> Scores:
    """Share of rows with the oracle's predicted class, per subset.

    ``agree_S = mean_i [argmax p_i = argmax q_i]``, in [0, 1]. Higher is closer to the oracle.
    """
    p, q = evidence.model.probabilities, evidence.oracle.probabilities
    return evidence.mean_by_subset("agree", p.argmax(axis=1) == q.argmax(axis=1))


@metric(
    "cka",
    reads=Reading(title="CKA with the oracle", against="floor", better="higher", span=(0, 1)),
    cites=["kornblith2019similarity"],
)
def cka(evidence: Evidence) -> Scores:
    """Linear CKA of the quantum layer's outputs with the oracle's.

    ``cka_S = ‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖)`` (Frobenius norms, columns centred over the rows of S), in
    [0, 1] (Kornblith et al. 2019). Unchanged by rotations and scaling of either side; biased
    upwards when S has few rows. Undefined, hence absent, below three rows or where one side is
    constant. Higher is closer to the oracle.
    """
    scores = {}
    for subset, rows in evidence.subsets.items():
        value = linear_cka(evidence.model.features[rows], evidence.oracle.features[rows])
        if value is not None:
            scores[f"cka_{subset}"] = Measured(value, len(rows))
    return scores


@metric(
    "dist",
    reads={
        "dist_theta": Reading(
            title="distance of θ to the oracle's", against="floor", better="lower", span=(0, None)
        )
    },
)
def distance(evidence: Evidence) -> Scores:
    """Euclidean distance of θ to the oracle's θ, angles wrapped.

    ``dist_theta = ‖θ − θ_oracle‖₂`` with differences of rotation angles taken in (−π, π], ≥ 0.
    Networks with distant θ can compute the same function, so a large value alone shows nothing.
    ``n`` counts the entries of θ.
    """
    difference = evidence.model.theta - evidence.oracle.theta
    # A rotation by 2π is a global phase: the circuit's outputs have period 2π in every angle.
    wrapped = np.pi - np.mod(np.pi - difference, 2 * np.pi)
    difference = np.where(evidence.angles, wrapped, difference)
    return {"dist_theta": Measured(float(np.linalg.norm(difference)), len(difference))}


def linear_cka(x: Floats, y: Floats) -> float | None:
    """Linear CKA of two representations (n, a) and (n, b) of the same rows, None if undefined."""
    if len(x) < 3:  # two centred points are always collinear: CKA would be 1 for any two models
        return None
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    # Expectation values are of order 1: a spread below float32's resolution is rounding noise.
    if max(np.ptp(x, axis=0)) < 1e-6 or max(np.ptp(y, axis=0)) < 1e-6:
        return None
    cross = np.linalg.norm(x.T @ y) ** 2
    return float(cross / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


def _floored(probabilities: Floats) -> Floats:
    raised = np.maximum(probabilities, SMALLEST_PROBABILITY)
    return raised / raised.sum(axis=1, keepdims=True)
