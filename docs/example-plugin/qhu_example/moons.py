"""Two interleaving half circles."""

import numpy as np
from pydantic import Field
from sklearn.datasets import make_moons

import qhu


class MoonsOptions(qhu.Options):
    """Size and difficulty."""

    rows: int = Field(120, ge=20)
    """number of rows, half of them in each moon"""
    noise: float = Field(0.1, ge=0)
    """standard deviation of the noise on both coordinates"""
    seed: int = Field(0, ge=0)
    """of the noise"""


@qhu.dataset("moons")
def moons(options: MoonsOptions) -> qhu.Dataset:
    """Two moons: 2 features, 2 classes, made by scikit-learn."""
    x, y = make_moons(options.rows, noise=options.noise, random_state=options.seed)
    return qhu.Dataset(np.asarray(x, np.float64), np.asarray(y, np.int64), ("upper", "lower"))
