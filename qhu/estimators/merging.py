"""Many PUBs of one circuit become a single one: all parameter sets times all observables.

A stock ``EstimatorQNN`` sends one PUB per observable and thousands per gradient. Each PUB has a
fixed cost (a noise model serialised, a job entry), and observables that commute can share one
measurement only inside a PUB.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray

from qhu.engine.bindings import parameter_sets
from qhu.engine.observables import check_hermitian


@dataclass(frozen=True)
class PubPart:
    """Where the values of one original PUB lie among the merged ones.

    Attributes:
        index: position of the PUB in the caller's list.
        observables: row of the merged values for each of its values, in the PUB's shape.
        sets: column of the merged values, likewise.
    """

    index: int
    observables: NDArray[np.intp]
    sets: NDArray[np.intp]


@dataclass(frozen=True)
class Merged:
    """One PUB of shape (observables M, parameter sets K) and the PUBs that it answers."""

    pub: EstimatorPub
    parts: tuple[PubPart, ...]


@dataclass
class _Group:
    """PUBs of one circuit and precision, gathered.

    Equal observables, and equal arrays of parameter values, are kept once. Rows inside an array
    stay apart even when equal, so that two samples never share their shot noise.
    """

    circuit: QuantumCircuit
    precision: float | None
    observables: list[object] = field(default_factory=list)
    observable_at: dict[object, int] = field(default_factory=dict)
    sets: list[NDArray[np.float64]] = field(default_factory=list)
    sets_at: dict[tuple[tuple[int, ...], bytes], int] = field(default_factory=dict)
    size: int = 0
    parts: list[PubPart] = field(default_factory=list)

    def add(self, index: int, pub: EstimatorPub) -> None:
        check_hermitian(pub.observables)
        shape = pub.observables.shape
        rows = [self._observable(item) for item in pub.observables.ravel()]
        first, count = self._sets(pub)
        columns = np.arange(first, first + count).reshape(pub.parameter_values.shape)
        self.parts.append(
            PubPart(
                index,
                np.broadcast_to(np.array(rows, dtype=np.intp).reshape(shape), pub.shape),
                np.broadcast_to(columns, pub.shape),
            )
        )

    def _observable(self, item: dict[str, float]) -> int:
        key = tuple(sorted(item.items()))
        if key not in self.observable_at:
            self.observable_at[key] = len(self.observables)
            self.observables.append(item)
        return self.observable_at[key]

    def _sets(self, pub: EstimatorPub) -> tuple[int, int]:
        values = parameter_sets(pub)
        key = (values.shape, values.tobytes())
        if key not in self.sets_at:
            self.sets_at[key] = self.size
            self.sets.append(values)
            self.size += len(values)
        return self.sets_at[key], len(values)

    def merged(self) -> Merged:
        observables = ObservablesArray(self.observables).reshape(len(self.observables), 1)
        if self.circuit.num_parameters:
            values = {tuple(self.circuit.parameters): np.concatenate(self.sets)}
            sets = BindingsArray(values, shape=(self.size,))
        else:
            sets = BindingsArray(shape=(self.size,))
        pub = EstimatorPub(self.circuit, observables, sets, self.precision, validate=False)
        return Merged(pub, tuple(self.parts))


def merge(pubs: Iterable[EstimatorPub]) -> list[Merged]:
    """Group PUBs by circuit (the same object) and precision, in order of first appearance."""
    groups: dict[tuple[int, float | None], _Group] = {}
    for index, pub in enumerate(pubs):
        key = (id(pub.circuit), pub.precision)
        groups.setdefault(key, _Group(pub.circuit, pub.precision)).add(index, pub)
    return [group.merged() for group in groups.values()]


def split(merged: Sequence[Merged], results: Sequence[PubResult]) -> PrimitiveResult:
    """Results of the original PUBs, in their order, from the results of the merged ones."""
    by_index: dict[int, PubResult] = {}
    for group, result in zip(merged, results, strict=True):
        for part in group.parts:
            at = (part.observables, part.sets)
            evs, stds = (np.asarray(a[at]) for a in (result.data.evs, result.data.stds))
            data = DataBin(evs=evs, stds=stds, shape=evs.shape)
            by_index[part.index] = PubResult(data, metadata=result.metadata)
    return PrimitiveResult([by_index[index] for index in sorted(by_index)], metadata={"version": 2})


def finished(result: PrimitiveResult) -> PrimitiveJob:
    """A job whose work was done before it was made, and not by a thread of its own."""
    job = PrimitiveJob(lambda: result)
    job._submit()
    return job
