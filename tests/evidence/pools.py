"""Simulated pools: margins of forget rows under unlearned models and oracles, and their AUC.

An independent way to the numbers that verdicts rest on: margins with a known law, a per-row
Gaussian likelihood ratio fitted on earlier units, and the variance of a clustered AUC.
"""

import numpy as np

from qhu.evidence.units import UnitEstimate, mean_over_units

ROWS = 10
BLOCKS = 8
BIMODAL = (0, 3, 6)
"""Hard rows: half of the models get them right by 3, half wrong by 3."""


def margins(rng, units, rows=ROWS, shift=0.0, *, clustering=0.5, paired=0.5, spread=1.0):
    """Margins (N, rows) of unlearned models and oracles, and which pairs were requested.

    A model's rows share a part of their variance (`clustering`), a model and its oracle, which
    come from one half of the training rows, another (`paired`).
    """
    number = np.repeat(np.arange(units), 2)
    first = rng.random((units, rows)) < 0.5
    requested = np.stack([first, ~first], axis=1).reshape(2 * units, rows)
    level = rng.normal(size=(2, 2 * units, 1)) * np.sqrt(clustering)
    own = rng.normal(size=(2, 2 * units, rows)) * np.sqrt(1 - clustering)
    half = rng.normal(size=(2 * units, rows))
    noise = np.sqrt(1 - paired) * (level + own) + np.sqrt(paired) * half
    mode = np.where(rng.random((2, 2 * units, rows)) < 0.5, 3.0, -3.0)
    mode *= np.isin(np.arange(rows), BIMODAL)
    unlearned, oracle = 2 + noise + mode
    return (unlearned - 2) * spread + 2 + shift, oracle, requested, number


def likelihood_ratio(inside, outside, requested, units):
    """Per row, log N(in) − log N(out), both fitted on the blocks of units before a unit's own.

    What all other blocks have in common would be taken for knowledge: scored by all of them, the
    AUC without a leak varies by up to twice the variance that its units show.
    """
    scores = np.full((2, *inside.shape), np.nan)
    values = np.where(requested, [inside, outside], np.nan)
    block = block_of(units)
    for number in range(1, block.max() + 1):
        earlier, own = block < number, block == number
        mean = np.nanmean(values[:, earlier], axis=1)[:, None]
        spread = np.nanstd(values[:, earlier], axis=1, ddof=1)[:, None]
        for world in (0, 1):
            z = (values[world, own][None] - mean) / spread
            density = -(z**2) / 2 - np.log(spread)
            scores[world, own] = density[0] - density[1]
    return scores


def block_of(units):
    count = units.max() + 1
    return units * min(BLOCKS, count // 2) // count


def clustered_auc(scores, units):
    """AUC of all requested pairs of a block, averaged; its error from the influence of units."""
    block = block_of(units)
    played = range(1, block.max() + 1)
    areas = [area(scores[:, block == number], units[block == number]) for number in played]
    value = np.mean([value for value, _ in areas])
    influence = np.concatenate([influence for _, influence in areas]) / len(areas)
    count = len(influence)
    error = np.sqrt(count / (count - len(areas)) * (influence**2).sum())
    return UnitEstimate(float(value), float(error), count)


def area(scores, units):
    """Share of pairs in the right order, and what each unit contributes to it."""
    inside, outside = (world[np.isfinite(world)] for world in scores)
    shares = _share_below(inside, outside), _share_below(outside, inside)
    influence = np.zeros(len(np.unique(units)))
    for world, share, sign in zip(scores, shares, (1, -1), strict=True):
        owner = np.broadcast_to(units[:, None], world.shape)[np.isfinite(world)] - units.min()
        np.add.at(influence, owner, sign * (share - share.mean()) / len(share))
    return shares[0].mean(), influence


def _share_below(values, others):
    """For each value, the share of the others below it, ties counted half."""
    ranked = np.sort(others)
    below = np.searchsorted(ranked, values, "left") + np.searchsorted(ranked, values, "right")
    return below / (2 * len(ranked))


def measured(rng, units, shift=0.0, rows=ROWS, **law):
    """(leakage, direction) of one simulated pool."""
    inside, outside, requested, number = margins(rng, units, rows, shift, **law)
    scores = likelihood_ratio(inside, outside, requested, number)
    difference = np.where(requested, inside - outside, np.nan)
    return clustered_auc(scores, number), mean_over_units(difference, number)
