"""What a dataset is."""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qhu.errors import UserError
from qhu.record.sources import short_hash

MAX_BYTES = 800_000_000
"""Of the features of a dataset as float64: 100 million values, twice all of MNIST."""


@dataclass(frozen=True)
class Dataset:
    """Rows and labels.

    Attributes:
        x: (N, ...) finite floats.
        y: (N,) class labels 0..C-1.
        classes: names of the C classes.
        features: names of the columns of a table; empty where they have none.
    """

    x: NDArray[np.float64]
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise UserError(
                f"data has {len(self.x)} rows but {len(self.y)} labels: make them equal"
            )
        if not np.isfinite(self.x).all():
            bad = np.flatnonzero(~np.isfinite(self.x).reshape(len(self.x), -1).all(axis=1))
            raise UserError(
                f"data holds NaN or infinite values in {len(bad)} rows (first: row {bad[0]}): "
                "remove or impute them"
            )
        if self.features and len(self.features) != self.x.shape[1]:
            raise UserError(
                f"data of shape {self.x.shape} has {len(self.features)} names of features: "
                "give one per column"
            )
        if self.y.min(initial=0) < 0 or self.y.max(initial=0) >= len(self.classes):
            raise UserError(f"labels must lie in 0..{len(self.classes) - 1}")

    @functools.cached_property
    def content(self) -> str:
        """Hash of the classes, all rows and labels, part of the key of every stage."""
        about = [self.classes, *((part.shape, part.dtype.str) for part in (self.x, self.y))]
        return short_hash(repr(about).encode() + self.x.tobytes() + self.y.tobytes())
