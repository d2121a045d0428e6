"""What a method costs: optimiser steps, seconds on one thread, circuits on a device.

Circuits are counted by the run itself: the quantum layer over an estimator, as on a device, with
gradients by parameter shift, where an estimator that counts stands in the device's place. A circuit
is a set of parameters in a measured basis; shots multiply it.
"""

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd
from qiskit.primitives import PrimitiveJob
from qiskit.primitives.base import BaseEstimatorV2
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.quantum_info import PauliList
from qiskit_machine_learning.connectors import TorchConnector

from qhu.backends.base import Backend
from qhu.engine.ansatz import Ansatz
from qhu.engine.estimator import EngineEstimator
from qhu.estimators.layer import estimator_layer
from qhu.estimators.merging import finished, merge, split
from qhu.pipeline import train, unlearn
from qhu.record.identity import code_digest, identity
from qhu.record.stage import Stage
from qhu.registry import Options
from qhu.settings.experiment import ALWAYS_RUN, Experiment
from qhu.study import Cell, Fit, Study

RETRAIN = "retrain"
"""Training from scratch, what every method is compared with."""


class MethodCost(NamedTuple):
    """What one unlearning, or one training from scratch, took."""

    method: str
    seed: int
    steps: int
    seconds: float
    circuits: int | None


class Counter(BaseEstimatorV2):
    """Exact values, and how many circuits a device had run for them.

    Attributes:
        circuits: sets of parameters times measured bases, of all calls.
    """

    def __init__(self) -> None:
        self.exact, self.circuits = EngineEstimator(), 0

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob:
        """Estimate the expectation values; see ``BaseEstimatorV2.run``."""
        merged = merge([EstimatorPub.coerce(pub, precision) for pub in pubs])
        for group in merged:
            terms = {label for item in group.pub.observables.ravel() for label in item}
            bases = PauliList(sorted(terms)).group_commuting(qubit_wise=True)
            self.circuits += group.pub.shape[1] * len(bases)
        return finished(split(merged, self.exact.run([group.pub for group in merged]).result()))


class CountingBackend(Backend):
    """Layers over one counter."""

    def __init__(self) -> None:
        super().__init__("counting", Options())
        self.counter = Counter()

    def layer(self, ansatz: Ansatz, seed: int) -> TorchConnector:
        """As on a device."""
        return estimator_layer(ansatz, self.counter, 0.0)

    def effective(self) -> dict[str, Any]:
        """Nothing to choose."""
        return {"kind": "counting"}


def read(study: Study, seed: int) -> pd.DataFrame:
    """All methods of a study on a seed, from the store if they are there.

    Args:
        study: an experiment on an exact backend; its first scenario is what is asked to be
            forgotten.
        seed: whose rows and models.

    Returns:
        Rows ``method, seed, steps, seconds, circuits``; training again is ``retrain``. Circuits
        depend on the numbers of rows alone: they are counted on the first seed, NaN elsewhere.
    """
    asked = study.experiment
    counts = seed == asked.seeds[0]
    own = identity(asked.model_copy(update={"seeds": (seed,)}))
    used = [own, counts, code_digest(__name__)]
    key = study.key("claims", "unlearn", seed, "costs", *used)

    def compute() -> tuple[dict[str, Any], dict[str, Any]]:
        works = [_exact(asked, seed), *([_counted(asked, seed)] if counts else [])]
        return {}, {"costs": [list(cost) for cost in map(_merged, zip(*works, strict=True))]}

    rows = study.store.get(key, compute).facts["costs"]
    return pd.DataFrame(rows, columns=MethodCost._fields).astype({"circuits": "float64"})


def _exact(asked: Experiment, seed: int) -> Iterator[MethodCost]:
    """Every method on the clock."""
    study = Study(asked)
    for method, work in _works(study, seed):
        begun = time.perf_counter()
        stage = work()
        yield MethodCost(method, seed, stage.facts["steps"], time.perf_counter() - begun, None)


def _counted(asked: Experiment, seed: int) -> Iterator[MethodCost]:
    """Every method with its circuits counted."""
    study, backend = Study(asked), CountingBackend()
    study.backends |= {"train": backend, "unlearn": backend}
    for method, work in _works(study, seed):
        before = backend.counter.circuits
        stage = work()
        circuits = backend.counter.circuits - before
        yield MethodCost(method, seed, stage.facts["steps"], 0.0, circuits)


def _works(study: Study, seed: int) -> Iterator[tuple[str, Callable[[], Stage]]]:
    """Training again, then every method, each given its trained teacher."""
    scenario = next(iter(study.experiment.scenarios))
    train(study, [Fit("teacher", seed)])
    yield RETRAIN, lambda: train(study, [Fit("oracle", seed, scenario)])[0]
    for method in study.experiment.methods:
        if method not in ALWAYS_RUN:
            yield method, functools.partial(unlearn, study, Cell(scenario, method, seed))


def _merged(costs: Sequence[MethodCost]) -> MethodCost:
    """What was timed, with the circuits of what was counted."""
    return costs[0]._replace(circuits=costs[-1].circuits)
