"""Rows that are there several times, so that what is forgotten may remain in a copy."""

from dataclasses import replace

import numpy as np

from qhu.data.base import Dataset
from qhu.data.split import Split
from qhu.errors import UserError
from qhu.seeding import numpy_stream
from qhu.settings.kinds import Copies


def with_copies(data: Dataset, split: Split, asked: Copies, seed: int) -> tuple[Dataset, Split]:
    """All rows and, behind them, exact copies of drawn training rows, which are training rows.

    A copy is taught the label of its original, a wrong one of ``data.label_noise``, too.

    Args:
        data: all rows.
        split: where they lie.
        asked: how many rows get copies, and how many each.
        seed: root seed, whose own rows they are.

    Raises:
        UserError: there are not so many training rows.
    """
    if asked.rows > len(split.train):
        raise UserError(
            f"data.copies.rows {asked.rows}: seed {seed} has {len(split.train)} training rows; "
            f"give {len(split.train)} or less"
        )
    drawn = numpy_stream(seed, "copies").choice(split.train, asked.rows, replace=False)
    originals = np.tile(np.sort(drawn), asked.copies)
    added = len(data.y) + np.arange(len(originals))
    longer = replace(
        data,
        x=np.concatenate([data.x, data.x[originals]]),
        y=np.concatenate([data.y, data.y[originals]]),
    )
    return longer, replace(
        split,
        train=np.concatenate([split.train, added]),
        labels=np.concatenate([split.labels, split.labels[originals]]),
        originals=originals,
    )
