"""Bounds on what any measurement of the quantum layer's states can tell apart."""

from collections.abc import Iterator

import numpy as np
import torch

from qhu.engine.connector import EngineConnector
from qhu.evidence.bounds import auc_bound, average_distance, copies_needed, fidelity
from qhu.evidence.findings.rows import PoolFigure, of_estimate
from qhu.evidence.gathered import Gathered
from qhu.evidence.pool import Models
from qhu.evidence.units import UnitEstimate, mean_over_units
from qhu.model.states import states

LARGEST = 2**8
"""Dimension of states up to which average states are compared."""


def bounded(gathered: Gathered) -> Iterator[PoolFigure]:
    """Fidelity with the oracle's state, and Helstrom's bound on the AUC beside its floor.

    Only of networks whose rows are encoded alike in both worlds: without a trained front.
    """
    net = gathered.pool.study.net("train")
    trained_front = any(True for _ in net.front.parameters())
    if not isinstance(net.quantum, EngineConnector) or trained_front:
        return
    if 2**net.quantum.neural_network.circuit.num_qubits > LARGEST:
        return
    rows = np.flatnonzero(gathered.requests[-1])
    floor = gathered.pool.models("floor", gathered.enquiry.scenario, len(gathered.requests) - 1)
    own, goal, again = (
        _states(gathered, models, rows) for models in (gathered.models, gathered.oracles(), floor)
    )
    overlap = np.where(gathered.requested[:, rows], fidelity(own, goal), np.nan)
    yield of_estimate("bound", "forget", "fidelity_mean", mean_over_units(overlap, gathered.units))
    copies = float(np.median([copies_needed(float(f)) for f in overlap[np.isfinite(overlap)]]))
    unknown = float("nan")
    yield PoolFigure("bound", "forget", "copies_needed", copies, unknown, unknown, gathered.count)
    for metric, ensemble in (("helstrom_auc", own), ("helstrom_auc_floor", again)):
        places = enumerate(rows.tolist())
        apart = [_distance(gathered, ensemble, goal, place, row) for place, row in places]
        bound = UnitEstimate(
            auc_bound(float(np.mean(apart))), np.nan, len(np.unique(gathered.units))
        )
        yield of_estimate("bound", "forget", metric, bound)


def _states(gathered: Gathered, models: Models, rows: np.ndarray) -> np.ndarray:
    """(N, n, 2ⁿ) states of some rows under every model."""
    pool = gathered.pool
    x = pool.whole.samples[rows].to(pool.study.torch_device)
    x = x.expand(len(models.states.theta), *x.shape)
    with torch.no_grad():
        return states(pool.study.net("train"), models.states, x).to(torch.complex64).cpu().numpy()


def _distance(gathered: Gathered, own: np.ndarray, goal: np.ndarray, place: int, row: int) -> float:
    """Trace distance of the average states of a row, over the models that were to forget it."""
    asked = gathered.requested[:, row]
    return average_distance(own[asked, place], goal[asked, place])
