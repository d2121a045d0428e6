"""LiRA, online: teachers that saw the row against teachers that did not."""

from qhu.evidence.game import Floats, Game
from qhu.evidence.gaussians import FitOptions, likelihood_ratio
from qhu.registry import attack


@attack("lira", cites=["carlini2022membership"])
def lira(game: Game, options: FitOptions) -> tuple[Floats, Floats]:
    """Likelihood ratio per row: teachers trained on it, against teachers that were not.

    The attacker does not know that models were unlearned: normal distributions are fitted to the
    margins of other models without unlearning, and the models of both worlds are scored by them.
    """
    return game.learned(likelihood_ratio(*game.teacher_margins, options), game.margins)
