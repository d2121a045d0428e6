"""The gap attack."""

import numpy as np

import qhu


@qhu.attack("gap", cites=["yeom2018privacy"])
def gap(game: qhu.Game, options: qhu.Options) -> tuple[np.ndarray, np.ndarray]:
    """Whether the prediction is right. Yeom et al. 2018."""
    return game.scored(lambda logits, labels: (logits.argmax(axis=1) == labels).astype(float))
