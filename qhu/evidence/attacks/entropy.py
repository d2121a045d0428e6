"""Entropy attack."""

import numpy as np
from scipy.special import log_softmax

from qhu.evidence.game import Floats, Game, Integers
from qhu.registry import Options, attack


@attack("entropy", cites=["song2021systematic"])
def entropy(game: Game, options: Options) -> tuple[Floats, Floats]:
    """Negative entropy of the prediction, ``Σ_c p_c log p_c``, whatever the label."""

    def score(logits: Floats, labels: Integers) -> Floats:
        log_p = log_softmax(logits, axis=-1)
        return (np.exp(log_p) * log_p).sum(axis=-1)

    return game.scored(score)
