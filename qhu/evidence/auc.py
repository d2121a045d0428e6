"""Area under the ROC curve and true-positive rates of pairs that depend on each other.

Scores of one model on several rows depend on each other, and so do those of the two models of a
pair, across both worlds: they are one **unit**. Every estimate is written as the sum of what each
unit contributes to it (its influence); the sum of their squares is the variance. For the area these
are the structural components of DeLong et al. (Biometrics 44, 837, 1988), added up by clusters as
in Obuchowski (Biometrics 53, 567, 1997), the covariance of both worlds within a unit included.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta, binom, rankdata, t

from qhu.evidence.game import Floats, Integers


class Rate(NamedTuple):
    """A probability that was estimated.

    Attributes:
        value: the estimate in [0, 1], NaN where it cannot be estimated.
        low: lower end of its interval.
        high: upper end of its interval.
        n: pairs of a model and a row in the inside world that it rests on.
        se: its standard error, units being independent, or NaN.
        df: degrees of freedom of the standard error.
        note: why there is no value, else empty.
    """

    value: float
    low: float
    high: float
    n: int
    se: float
    df: int
    note: str = ""


def auc(
    inside: Floats,
    outside: Floats,
    units: Integers,
    blocks: Integers | None = None,
    level: float = 0.95,
) -> Rate:
    """Probability that a pair of the inside world scores above one of the outside world.

    Ties count half. Pairs are compared within blocks only; blocks count by their inside pairs. The
    interval is symmetric in log-odds, which keeps it in [0, 1], with a t quantile; where no
    comparison goes the other way, units count as trials of which none failed (Clopper–Pearson), and
    the standard error is what makes a t-interval reach as far.

    Args:
        inside: (N, R) scores, NaN where there is none.
        outside: (N, R) likewise.
        units: (N,) independent unit of every model.
        blocks: (N,) block of every model, as in :attr:`Game.blocks`; None: all in one.
        level: of the interval.
    """
    worlds = _Sample.of(inside, units, blocks), _Sample.of(outside, units, blocks)
    compared = [(a, b) for a, b in _by_block(*worlds) if len(a.scores) and len(b.scores)]
    total = sum(len(members.scores) for members, _ in compared)
    if not total:
        return _absent("no pairs to compare")
    count = int(np.max(units, initial=0)) + 1
    value, influence = 0.0, np.zeros(count)
    for members, strangers in compared:
        above, below = _components(members.scores, strangers.scores)
        area, m, k = above.mean(), len(above), len(below)
        value += area * m / total
        influence += np.bincount(members.units, (above - area) / total, count)
        influence += np.bincount(strangers.units, (below - area) * m / (k * total), count)
    present = np.unique(np.concatenate([s.units for pair in compared for s in pair]))
    return _interval(float(value), influence[present], len(compared), total, level)


def true_positive_rate(
    inside: Floats, outside: Floats, units: Integers, fpr: float, level: float = 0.95
) -> Rate:
    """Share of inside pairs above a threshold that a fresh outside pair exceeds in ``fpr`` at most.

    The interval adds two uncertainties: between which outside scores the true threshold lies, by
    the binomial distribution, and what share of inside pairs exceeds either, by Clopper and
    Pearson. Added, not by their squares, they suffice however the worlds depend on each other. Both
    count effective pairs, their number divided by the design effect (Kish): the ratio of the
    variance by units to that of independent pairs.

    Args:
        inside: (N, R) scores, NaN where there is none.
        outside: (N, R) likewise.
        units: (N,) independent unit of every model.
        fpr: rate of false positives, in (0, 1).
        level: of the interval.

    Returns:
        The rate; without a standard error, which its interval is not made of.
    """
    members, strangers = _Sample.of(inside, units), _Sample.of(outside, units)
    n, others = len(members.scores), len(strangers.scores)
    if not n:
        return _absent("no pairs to compare")
    if others * fpr < 1 - 1e-9:
        return _absent(f"too few non-members ({others} for a rate of {fpr:g}): not estimable")
    ordered = np.sort(strangers.scores)[::-1]

    def above(number: float) -> float:
        """Share of inside pairs above the outside score that so many others exceed."""
        return float((members.scores > ordered[int(number)]).mean())

    value, tail = above((others + 1) * fpr + 1e-9 - 1), (1 - level) / 2
    trials = n / _design_effect(members, value)
    effective = max(round(others / _design_effect(strangers, fpr)), 1)
    few, many = (binom.ppf(q, effective, fpr) * others / effective for q in (tail, 1 - tail))
    low, high = 0.0, 1.0
    if few >= 1:
        low, _ = clopper_pearson(above(few - 1) * trials, trials, level)
    if np.ceil(many) < others:
        _, high = clopper_pearson(above(np.ceil(many)) * trials, trials, level)
    return Rate(value, low, high, n, float("nan"), len(np.unique(members.units)) - 1)


def clopper_pearson(successes: float, trials: float, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a proportion; trials may be an effective number, which is no integer."""
    tail, failures = (1 - level) / 2, trials - successes
    low = beta.ppf(tail, successes, failures + 1) if successes > 0 else 0.0
    high = beta.ppf(1 - tail, successes + 1, failures) if failures > 0 else 1.0
    return float(low), float(high)


class _Sample(NamedTuple):
    scores: Floats
    units: Integers
    blocks: Integers

    @classmethod
    def of(cls, scores: Floats, units: Integers, blocks: Integers | None = None) -> "_Sample":
        present = ~np.isnan(scores)
        models = np.nonzero(present)[0]
        places = np.zeros(len(units), dtype=np.int64) if blocks is None else blocks
        return cls(scores[present], units[models], places[models])

    def within(self, block: int) -> "_Sample":
        chosen = self.blocks == block
        return _Sample(*(part[chosen] for part in self))


def _design_effect(sample: _Sample, share: float) -> float:
    """Variance of the share of pairs above a threshold, by that of as many independent pairs.

    At the share asked for, or the nearest that 20 pairs decide; scores depend on each other less in
    their tails, so that this is rather too much.
    """
    least = min(20 / len(sample.scores), 0.5)
    chosen = np.clip(share, least, 1 - least)
    above = sample.scores > np.quantile(sample.scores, 1 - chosen)
    rate, n = above.mean(), len(above)
    sums = np.bincount(sample.units, above - rate)
    units = len(np.unique(sample.units))
    if not 0 < rate < 1 or units < 2:
        return n / units
    by_units = (sums**2).sum() * units / (units - 1) / n**2
    return float(max(by_units * n / (rate * (1 - rate)), 1.0))


def _by_block(*samples: _Sample) -> Iterator[tuple[_Sample, ...]]:
    for block in np.unique(np.concatenate([sample.blocks for sample in samples])):
        yield tuple(sample.within(block) for sample in samples)


def _components(members: Floats, strangers: Floats) -> tuple[Floats, Floats]:
    """Of every member the share of strangers below it, of every stranger that of members above."""
    m, k = len(members), len(strangers)
    ranks = rankdata(np.concatenate([members, strangers]))
    above = (ranks[:m] - rankdata(members)) / k
    return above, 1 - (ranks[m:] - rankdata(strangers)) / m


def _interval(value: float, influence: Floats, blocks: int, n: int, level: float) -> Rate:
    units = len(influence)
    df, tail = units - blocks, (1 - level) / 2
    if df < 1:
        return Rate(value, 0.0, 1.0, n, float("nan"), 0)
    se = float(np.sqrt((influence**2).sum() * units / df))
    if value in (0.0, 1.0):
        low, high = clopper_pearson(value * units, units, level)
        return Rate(value, low, high, n, float((high - low) / t.ppf(1 - tail, df)), df)
    reach = t.ppf(1 - tail, df) * se / (value * (1 - value))
    low, high = (float(expit(logit(value) + side * reach)) for side in (-1, 1))
    return Rate(value, low, high, n, se, df)


def _absent(note: str) -> Rate:
    nan = float("nan")
    return Rate(nan, nan, nan, 0, nan, 0, note)
