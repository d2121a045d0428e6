"""Loss attack."""

from qhu.evidence.game import Floats, Game, log_probability
from qhu.registry import Options, attack


@attack("loss", cites=["yeom2018privacy"])
def loss(game: Game, options: Options) -> tuple[Floats, Floats]:
    """Negative cross-entropy on the row's label, ``log p_y``."""
    return game.scored(log_probability)
