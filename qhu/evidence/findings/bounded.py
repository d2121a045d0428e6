"""Bounds on what any measurement of the quantum layer's states can tell apart."""

from collections.abc import Iterator

import numpy as np

from qhu.evidence.findings.rows import PoolFigure
from qhu.evidence.findings.state_bounds import bound_rows
from qhu.evidence.gathered import Gathered
from qhu.study import FLOOR


def bounded(gathered: Gathered) -> Iterator[PoolFigure]:
    """Of the states of forget rows, beside those that a second oracle has with the first."""
    pool, last = gathered.pool, len(gathered.requests) - 1
    rows = np.flatnonzero(gathered.requests[last])
    yield from bound_rows(
        pool.study.net("evaluate"),
        unlearned=gathered.models.states,
        oracle=gathered.oracles().states,
        floor=pool.models(FLOOR, gathered.enquiry.scenario, last).states,
        x=pool.whole.samples[rows].to(pool.study.torch_device),
        pairs=gathered.requested[:, rows],
        units=gathered.units,
    )
