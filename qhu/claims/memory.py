"""What the teachers of a pool owe to their training rows, pair by pair."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qhu.evidence.pool import Pool, PoolBatch
from qhu.record.identity import code_digest
from qhu.study import Study

COLUMNS = ["rows", "pair", "value"]


def make(study: Study, batch: PoolBatch) -> None:
    """A batch of teachers, left in the store."""
    Pool(study).make(batch)


def read(study: Study, at: str) -> pd.DataFrame:
    """Memorisation of a point of a sweep, from the store if it is there.

    Args:
        study: the point's experiment; its section ``evidence`` says how many teachers.
        at: the point.

    Returns:
        Rows ``at, rows, pair, value``.
    """
    pool = Pool(study)
    used = [[pool.key(batch) for batch in pool.batches("teacher")], code_digest(__name__)]
    key = study.key("claims", "evaluate", pool.spec.seed, "memory", used)

    def compute() -> tuple[dict[str, Any], dict[str, Any]]:
        return dict(_values(pool)), {}

    arrays = study.store.get(key, compute).arrays
    rows = [
        (name, pair, value) for name, values in arrays.items() for pair, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).assign(at=at)


def _values(pool: Pool) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Per set of rows, (pairs,) mean over them."""
    train = np.sort(pool.whole.train)
    labels, members = pool.whole.labels[train], pool.members[:, train]
    right = pool.models("teacher").logits[:, train].argmax(axis=2) == labels
    signed = np.where(members, 1.0, -1.0) * right
    gained = signed[::2] + signed[1::2]  # right with the row, less right without it
    yield "all", gained.mean(axis=1)
    if (wrong := labels != pool.whole.data.y[train]).any():
        yield "mislabelled", gained[:, wrong].mean(axis=1)
