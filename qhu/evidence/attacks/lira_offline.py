"""LiRA, offline: teachers that did not see the row."""

from qhu.evidence.game import Booleans, Floats, Game, Score
from qhu.evidence.gaussians import FitOptions, Gaussians
from qhu.registry import attack


@attack("lira_offline", cites=["carlini2022membership"])
def lira_offline(game: Game, options: FitOptions) -> tuple[Floats, Floats]:
    """How far the margin lies above those of teachers that did not see the row.

    In their standard deviations: the one-sided test of the paper orders models by its p-value,
    which is the same order. A margin that is too low counts as not trained on.
    """
    _, never = game.teacher_margins

    def learn(earlier: Booleans) -> Score:
        return Gaussians.of(never[earlier], options.pooled_below).standardised

    return game.learned(learn, game.margins)
