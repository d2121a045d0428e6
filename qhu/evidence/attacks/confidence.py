"""Confidence attack."""

from scipy.special import log_softmax

from qhu.evidence.game import Floats, Game
from qhu.registry import Options, attack


@attack("confidence", cites=["salem2019leaks"])
def confidence(game: Game, options: Options) -> tuple[Floats, Floats]:
    """Largest class probability, ``max_c log p_c``, whatever the label."""
    return game.scored(lambda logits, labels: log_softmax(logits, axis=-1).max(axis=-1))
