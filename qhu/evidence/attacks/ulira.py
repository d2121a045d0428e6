"""U-LiRA: unlearned models against models that never saw the row."""

from qhu.evidence.game import Floats, Game
from qhu.evidence.gaussians import FitOptions, likelihood_ratio
from qhu.registry import attack


@attack("ulira", cites=["hayes2024inexact"])
def ulira(game: Game, options: FitOptions) -> tuple[Floats, Floats]:
    """Likelihood ratio per row: trained on it and then unlearned, against never trained on it.

    Normal distributions are fitted to the margins of both worlds, row by row, on other models;
    any difference between them is seen, over-forgetting as well.
    """
    return game.learned(likelihood_ratio(*game.margins, options), game.margins)
