"""The balanced subset that the experiments of arXiv 2512.19253 use."""

import numpy as np
from numpy.typing import NDArray

from qhu.errors import UserError


def balanced_rows(y: NDArray[np.integer], per_class: int) -> NDArray[np.int64]:
    """Row numbers of ``per_class`` rows of each class: one permutation per class, one stream.

    A torch generator seeded 0 permutes the rows of class 0, then those of class 1, and so on; the
    first rows of each permutation are kept, in the permutation's order.

    Args:
        y: (N,) labels in the order of the official training and test parts.
        per_class: rows per class.

    Raises:
        UserError: a class has fewer rows.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    chosen = []
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        if not 0 < per_class <= len(rows):
            raise UserError(
                f"class {label} has {len(rows)} rows: per_class must lie in 1..{len(rows)}"
            )
        chosen.append(rows[torch.randperm(len(rows), generator=generator)[:per_class].numpy()])
    return np.concatenate(chosen)
