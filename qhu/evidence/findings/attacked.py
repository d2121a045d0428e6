"""Attacks on the forget rows, on thirds of them, after each request, and on the rows kept."""

from collections.abc import Iterator

import numpy as np

from qhu import registry
from qhu.evidence.auc import Rate, auc, true_positive_rate
from qhu.evidence.findings.rows import PoolFigure, of_estimate, of_rate
from qhu.evidence.game import Floats, Game
from qhu.evidence.gathered import Gathered
from qhu.evidence.units import UnitEstimate, mean_over_units

PRIMARY = "ulira"
"""The attack whose AUC verdicts are about; declared, never chosen by looking."""
RATES = {"tpr_at_1": 0.01, "tpr_at_01": 0.001}
"""False positive rates at which true positives are counted."""


def attacked(gathered: Gathered) -> Iterator[PoolFigure]:
    """All attacks on forget and retain rows; the primary one on parts and in the other game."""
    attacks = gathered.pool.spec.attacks or tuple(registry.attack.names())
    for tier, game in (("forget", gathered.forget_game()), ("retain", gathered.retain_game())):
        for name in dict.fromkeys((PRIMARY, *attacks)):
            scores = scored(game, name)
            yield of_rate(name, tier, "auc", auc(*scores, game.units, game.blocks))
            for metric, fpr in RATES.items():
                yield of_rate(name, tier, metric, true_positive_rate(*scores, game.units, fpr))
    parts = gathered.tiers()
    if len(gathered.requests) > 1:
        numbers = range(len(gathered.requests))
        parts |= {f"request {k + 1}": gathered.forget_game(request=k) for k in numbers}
    for tier, game in parts.items():
        yield of_rate(PRIMARY, tier, "auc", area(game))
    membership = gathered.membership_game()
    yield of_rate(PRIMARY, "forget", "auc_membership", area(membership))
    yield of_estimate(PRIMARY, "forget", "margin_membership", direction(membership))


def area(game: Game, name: str = PRIMARY) -> Rate:
    """AUC of an attack in a game."""
    return auc(*scored(game, name), game.units, game.blocks)


def scored(game: Game, name: str) -> tuple[Floats, Floats]:
    """Scores (N, R) of an attack, with its own options, inside and outside."""
    entry = registry.attack[name]
    scores: tuple[Floats, Floats] = entry.make(game, registry.attack.options(name, {}))
    return scores


def direction(game: Game) -> UnitEstimate:
    """Mean margin of the pairs inside, less that of the pairs outside, row by row.

    A row has as many pairs inside as outside, so that its mean may be taken off both: how
    difficult rows are does not add to the error.
    """
    inside, outside = (margins[:, game.rows] for margins in game.margins)
    means = np.nanmean(np.concatenate([inside, outside]), axis=0)
    half = mean_over_units(np.concatenate([inside - means, means - outside], axis=1), game.units)
    return UnitEstimate(2 * half.value, 2 * half.error, half.units)
