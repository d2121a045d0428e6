"""Attack by modified entropy."""

import numpy as np
from scipy.special import log_softmax

from qhu.evidence.game import Floats, Game, Integers, margin
from qhu.registry import Options, attack


@attack("modified_entropy", cites=["song2021systematic"])
def modified_entropy(game: Game, options: Options) -> tuple[Floats, Floats]:
    """Negative modified entropy, ``(1 − p_y) log p_y + Σ_{c≠y} p_c log(1 − p_c)``.

    Entropy that knows the label: being certain of a wrong class counts as uncertain.
    """

    def score(logits: Floats, labels: Integers) -> Floats:
        log_p = log_softmax(logits, axis=-1)
        classes, largest = np.arange(logits.shape[-1]), logits.argmax(axis=-1)[:, None]
        sure = np.take_along_axis(log_p, largest, -1) - margin(logits, largest[:, 0])[:, None]
        with np.errstate(divide="ignore"):  # 1 − p_c cancels where p_c is near 1
            log_rest = np.where(classes == largest, sure, np.log1p(-np.exp(log_p)))
        own = classes == labels[:, None]
        terms = np.where(own, np.exp(log_rest) * log_p, np.exp(log_p) * log_rest)
        return terms.sum(axis=-1)

    return game.scored(score)
