"""How far any measurement can tell states apart, whoever chooses it: bounds beside the attacks.

An attack is a lower bound on what leaks; these are upper bounds, for who holds **one copy** of the
state that a circuit makes of a row, and nothing else of the model. They say nothing about who holds
θ, logits or exact expectation values: those are as good as any number of copies.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import betaincc

Complex = NDArray[np.complexfloating]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
SUCCESS = 0.95
"""Share of right answers from which two states count as told apart."""
MAX_SHOTS = 2**40


def fidelity(first: Complex, second: Complex) -> Floats:
    """|⟨ψ|φ⟩|² (...) of pure states (..., D)."""
    overlap = np.sum(first.conj() * second, axis=-1)
    return np.minimum(np.square(np.abs(overlap)), 1.0)


def average_distance(first: Complex, second: Complex) -> float:
    """Trace distance ½‖ρ − σ‖₁ of the average states of two ensembles (N, D) and (M, D).

    Averages of few members lie further apart than those of all: the value is too large on average,
    by at most :func:`distance_bias`.
    """
    values = np.linalg.eigvalsh(_average(first) - _average(second))
    return float(np.abs(values).sum() / 2)


def distance_bias(first: Complex, second: Complex) -> float:
    """What :func:`average_distance` of independent members is at most too large by, on average.

    ½√D·√E‖ρ̂ − ρ‖₂² of each side, where E‖ρ̂ − ρ‖₂² = (1 − tr ρ²)/N and tr ρ² ≥ 1/D.
    """
    dimension = first.shape[-1]
    return sum(math.sqrt((dimension - 1) / len(side)) / 2 for side in (first, second))


def success_bound(distance: float) -> float:
    """Helstrom's bound ½(1 + T): right answers about which of two states, equally likely, it is."""
    return (1 + distance) / 2


def auc_bound(distance: float) -> float:
    """Largest AUC of a score made of one measurement of states at trace distance T.

    At every threshold the outcome's distributions give TPR − FPR ≤ T, so that the ROC curve lies
    below min(1, FPR + T), whose area is 1 − (1 − T)²/2. As this is concave in T, the mean distance
    of several rows bounds the mean of their AUCs, and the AUC of all of them together.
    """
    return 1 - (1 - distance) ** 2 / 2


def copies_distance(overlap: float, copies: float) -> float:
    """Trace distance √(1 − F^S) of S copies of one fixed pair of pure states of fidelity F.

    Of average states it would be wrong: S copies of a member of an ensemble are E[ρ^⊗S], and not
    the S-th power of the average.
    """
    return math.sqrt(-math.expm1(copies * math.log(overlap))) if overlap else 1.0


def copies_needed(overlap: float, success: float = SUCCESS) -> float:
    """Fewest copies of one fixed pair of pure states whose best joint measurement names it.

    Args:
        overlap: fidelity F of the pair.
        success: share of right answers wanted, above ½.

    Returns:
        Smallest S with ½(1 + √(1 − F^S)) ≥ success; infinity for equal states.
    """
    if overlap >= 1:
        return math.inf
    if overlap <= 0:
        return 1.0
    copies = math.log1p(-((2 * success - 1) ** 2)) / math.log(overlap)
    return max(1.0, math.ceil(copies * (1 - 1e-12)))  # a whole number stays one, rounded up


def shots_success(first: ArrayLike, second: ArrayLike, shots: ArrayLike) -> Floats:
    """Right answers (...) of the best test of S shots of an outcome of probability a or b.

    ½(1 + TV) of the two binomials; the likelihood ratio is monotone, so that TV is the difference
    of their distribution functions at its crossing.
    """
    ends = np.minimum(first, second), np.maximum(first, second)
    low, high, count = np.broadcast_arrays(*ends, shots)
    with np.errstate(divide="ignore", invalid="ignore"):
        fewer = np.log1p(-low) - np.log1p(-high)
        crossing = np.floor(count * fewer / (fewer + np.log(high) - np.log(low)))
    crossing = np.where(low <= 0, 0, np.where(high >= 1, count - 1, crossing))
    crossing = np.where(low < high, crossing, 0)
    below = [betaincc(crossing + 1, count - crossing, p) for p in (low, high)]
    return np.asarray((1 + below[0] - below[1]) / 2)


def shots_needed(first: ArrayLike, second: ArrayLike, success: float = SUCCESS) -> Floats:
    """Fewest shots (...) after which the best test names which of two probabilities it is.

    Returns:
        Infinity where more than :data:`MAX_SHOTS` would not do.
    """
    a, b = (np.asarray(side, dtype=float) for side in np.broadcast_arrays(first, second))

    def lacks(shots: Integers, where: NDArray[np.bool_]) -> NDArray[np.bool_]:
        short = np.zeros(a.shape, dtype=bool)
        short[where] = shots_success(a[where], b[where], shots[where]) < success
        return short

    few, enough = np.zeros(a.shape, dtype=np.int64), np.ones(a.shape, dtype=np.int64)
    more = lacks(enough, np.ones(a.shape, dtype=bool))
    while more.any():
        few, enough = np.where(more, enough, few), np.where(more, 2 * enough, enough)
        more = lacks(enough, more & (enough <= MAX_SHOTS))
    hopeless = enough > MAX_SHOTS
    while (wide := (enough - few > 1) & ~hopeless).any():
        middle = (few + enough) // 2
        short = lacks(middle, wide)
        few = np.where(wide & short, middle, few)
        enough = np.where(wide & ~short, middle, enough)
    return np.where(hopeless, np.inf, enough)


def smallest_difference(probability: float, shots: int, success: float = SUCCESS) -> float:
    """Smallest change of an outcome's probability that the best test of S shots sees.

    Away from the nearer of 0 and 1; smaller changes cannot be told apart at so many shots.

    Returns:
        NaN where no change in that direction is seen.
    """
    sign = 1 if probability <= 0.5 else -1
    room = max(probability, 1 - probability)

    def lacking(change: float) -> float:
        return float(shots_success(probability, probability + sign * change, shots)) - success

    if lacking(room) < 0:
        return math.nan
    return float(brentq(lacking, 0.0, room, xtol=1e-9))


def _average(members: Complex) -> Complex:
    return members.T @ members.conj() / len(members)
