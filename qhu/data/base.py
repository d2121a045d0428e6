"""What a dataset is."""

import functools
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qhu.data.choice import chosen
from qhu.errors import UserError, shortened
from qhu.record.sources import short_hash

MAX_BYTES = 800_000_000
"""Of the features of a dataset as float64: 100 million values, twice all of MNIST."""


@dataclass(frozen=True)
class Dataset:
    """Rows and labels.

    A class without rows is none: it is left out, and the others are numbered anew in their order,
    so that no network has an output, and no method a wrong label, that no row has.

    Attributes:
        x: (N, ...) finite floats.
        y: (N,) class numbers 0..C-1, each of them at least once.
        classes: names of the C classes, two or more.
        features: names of the features where they have any, one per column of ``x`` (N, F).
        remarks: what the user should know of how the rows were read, a phrase each.
    """

    x: NDArray[np.float64]
    y: NDArray[np.int64]
    classes: tuple[str, ...]
    features: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

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
        self._keep_present()

    def _keep_present(self) -> None:
        present, numbers = np.unique(self.y, return_inverse=True)
        names = tuple(self.classes[number] for number in present)
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise UserError(f"two classes are called '{shortened(twice[0])}': rename one")
        if len(names) < 2:
            only = f"all labels are '{shortened(names[0])}'" if names else "data has no rows"
            raise UserError(f"{only}: classification needs two or more classes")
        if names != self.classes:
            object.__setattr__(self, "y", numbers.astype(np.int64))
            object.__setattr__(self, "classes", names)

    @functools.cached_property
    def content(self) -> str:
        """Hash of the classes, all rows and labels, part of the key of every stage."""
        about = [self.classes, *((part.shape, part.dtype.str) for part in (self.x, self.y))]
        return short_hash(repr(about).encode() + self.x.tobytes() + self.y.tobytes())

    def class_number(self, label: bool | int | str) -> int:
        """Number of the class that a label in settings means: by its name, else by its number.

        Raises:
            UserError: there is no such class, or the label could mean two.
        """
        return chosen(label, self.classes, "class", "classes")
