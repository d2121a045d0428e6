"""The engine behind Qiskit's interfaces: an exact batched estimator and its gradient.

Both plug into ``EstimatorQNN``, which sends one PUB per observable forward and one circuit per
sample and observable backward; here each of these calls is one evaluation of a compiled program.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservableLike, ObservablesArray
from qiskit.providers import Options
from qiskit_machine_learning.algorithm_job import AlgorithmJob
from qiskit_machine_learning.gradients import BaseEstimatorGradient, EstimatorGradientResult

from qhu.engine.ansatz import Ansatz
from qhu.engine.bindings import finite, parameter_sets
from qhu.engine.cache import CircuitCache
from qhu.engine.lowering import lowered
from qhu.engine.noise import NoiseModel
from qhu.engine.observables import check_hermitian, of_gradient, pauli_sums
from qhu.engine.options import EstimatorOptions
from qhu.engine.program import Program, compile_circuit
from qhu.errors import UserError

Values = NDArray[np.float64]
Label = tuple[tuple[str, float], ...]
"""An observable by content: strings of Paulis and projectors, and their coefficients."""

Thing = TypeVar("Thing")

_NO_WEIGHTS = torch.from_numpy(np.zeros(0))


def _compile(
    noise: NoiseModel | None, circuit: QuantumCircuit, observables: tuple[Label, ...]
) -> Program:
    """Program in float64 with all parameters as inputs and one output per observable."""
    operators = tuple(pauli_sums(ObservablesArray([dict(terms) for terms in observables])))
    ansatz = Ansatz(circuit, tuple(circuit.parameters), (), operators)
    return compile_circuit(ansatz, dtype=torch.complex128, noise=noise)


class EngineEstimator(BaseEstimatorV2):
    """Exact expectation values in float64; any requested precision is met, ``stds`` are zero.

    PUBs that share a circuit and an array of parameter values, as those of ``EstimatorQNN`` do, are
    evaluated together. Memory: see the program; all parameter sets of a PUB form one batch.

    Args:
        noise: errors of the gates and the readout of the circuits, which then are in native gates.

    Attributes:
        options: as of Qiskit's estimators; no value depends on them.
    """

    def __init__(self, noise: NoiseModel | None = None) -> None:
        self.options = EstimatorOptions()
        # A copy: circuits that come later have the errors that earlier ones had.
        self._programs = CircuitCache(partial(_compile, copy.deepcopy(noise)))

    def run(
        self, pubs: Iterable[Any], *, precision: float | None = None
    ) -> PrimitiveJob[PrimitiveResult[PubResult]]:
        """Estimate the expectation values of PUBs; see ``BaseEstimatorV2.run``.

        Args:
            pubs: circuits without measurements, observables, parameter values.
            precision: kept in the results' metadata; that of the options by default.
        """
        default = self.options.default_precision if precision is None else precision
        groups: dict[tuple[int, int], list[int]] = {}
        coerced: list[EstimatorPub] = []
        raw = list(pubs)
        for position, pub in enumerate(raw):
            coerced.append(EstimatorPub.coerce(pub, default))
            groups.setdefault(_identity(pub), []).append(position)
        job: PrimitiveJob[PrimitiveResult[PubResult]] = PrimitiveJob(
            self._run, coerced, list(groups.values())
        )
        job._submit()
        return job

    def _run(
        self, pubs: Sequence[EstimatorPub], groups: Sequence[Sequence[int]]
    ) -> PrimitiveResult[PubResult]:
        results: dict[int, PubResult] = {}
        together = [[pubs[position] for position in positions] for positions in groups]
        # All are compiled before the first is evaluated: what is refused is refused at once.
        evaluations = [self._evaluation(pubs) for pubs in together]
        for positions, same, evaluate in zip(groups, together, evaluations, strict=True):
            results.update(zip(positions, _split(same, evaluate()), strict=True))
        return PrimitiveResult([results[n] for n in range(len(pubs))], metadata={"version": 2})

    def _evaluation(self, pubs: Sequence[EstimatorPub]) -> Callable[[], Values]:
        """What gives the values (K, M) of PUBs with one circuit and K parameter sets in common."""
        circuit, sets = pubs[0].circuit, parameter_sets(pubs[0])
        observables = tuple(chain.from_iterable(_labels(pub.observables) for pub in pubs))
        if not len(sets) or not observables:
            lowered(circuit)
            return lambda: np.zeros((len(sets), len(observables)))
        program = self._programs.get(circuit, observables)

        def values() -> Values:
            with torch.no_grad():
                return program(torch.from_numpy(sets), _NO_WEIGHTS).numpy()

        return values


class EngineGradient(BaseEstimatorGradient):
    """Exact gradients of expectation values in float64, for all samples and observables at once.

    Args:
        estimator: shares its compiled programs; a new one by default.
    """

    def __init__(self, estimator: EngineEstimator | None = None) -> None:
        super().__init__(estimator or EngineEstimator())

    def run(
        self,
        circuits: Sequence[QuantumCircuit] | QuantumCircuit,
        observables: Sequence[ObservableLike] | ObservableLike,
        parameter_values: Sequence[Sequence[float]] | Values,
        parameters: Sequence[Sequence[Parameter] | None] | None = None,
        **options: Any,
    ) -> AlgorithmJob:
        """Gradients of many circuits; see ``BaseEstimatorGradient.run``.

        Raises:
            ValueError: numbers, widths or parameters do not fit, or an observable is not Hermitian.
        """
        if isinstance(circuits, QuantumCircuit):
            circuits = (circuits,)
        if parameters is None:
            # One list per circuit, where the base makes one per entry.
            lists = {key: circuit.parameters for key, circuit in _by_identity(circuits).items()}
            parameters = [lists[id(circuit)] for circuit in circuits]
        operators = of_gradient(observables)
        return super().run(circuits, operators, parameter_values, parameters, **options)

    @staticmethod
    def _validate_arguments(*columns: Any) -> None:
        """The checks of the base, once for equal entries: an ``EstimatorQNN`` sends hundreds."""
        check = BaseEstimatorGradient._validate_arguments
        if len({len(column) for column in columns}) > 1:
            check(*columns)
        distinct = {
            (id(circuit), id(observable), len(values), id(wanted)): (
                circuit,
                observable,
                values,
                wanted,
            )
            for circuit, observable, values, wanted in zip(*columns, strict=True)
        }
        try:
            check(*(zip(*distinct.values(), strict=True) if distinct else columns))
        except ValueError:
            check(*columns)  # whose message numbers all entries
            raise

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[ObservableLike],
        parameter_values: Sequence[Sequence[float]] | Values,
        parameters: Sequence[Sequence[Parameter]],
        **options: Any,
    ) -> EstimatorGradientResult:
        groups: dict[int, list[int]] = {}
        for position, circuit in enumerate(circuits):
            groups.setdefault(id(circuit), []).append(position)
        gradients: dict[int, Values] = {}
        for positions in groups.values():
            circuit = circuits[positions[0]]
            values = finite(np.asarray([parameter_values[p] for p in positions], dtype=float))
            full = self._full_gradients(circuit, [observables[p] for p in positions], values)
            lists = _by_identity(parameters[p] for p in positions)
            columns = {key: _columns(circuit, wanted) for key, wanted in lists.items()}
            for position, gradient in zip(positions, full, strict=True):
                gradients[position] = gradient[columns[id(parameters[position])]]
        if not all(np.isfinite(gradient).all() for gradient in gradients.values()):
            raise UserError(
                "the derivative of an angle of the circuit is not finite at the parameter values"
            )
        return EstimatorGradientResult(
            gradients=[gradients[n] for n in range(len(circuits))],
            metadata=[{"parameters": wanted} for wanted in parameters],
            options=Options(**options),
        )

    def _full_gradients(
        self, circuit: QuantumCircuit, observables: Sequence[ObservableLike], values: Values
    ) -> Values:
        """Gradients (K, P) of observable k at the parameter values k of (K, P).

        All different observables are evaluated at all different parameter values.
        """
        distinct = _by_identity(observables)
        order = {key: n for n, key in enumerate(distinct)}
        labels = _labels(ObservablesArray(list(distinct.values())))
        rows, inverse = np.unique(values, axis=0, return_inverse=True)
        jacobian = _jacobian(self._estimator._programs.get(circuit, tuple(labels)), rows)
        columns = [order[id(observable)] for observable in observables]
        return jacobian[columns, inverse.reshape(-1)]


def _jacobian(program: Program, values: Values) -> Values:
    """Derivatives (M, K, P) of the M outputs at each of the K rows of values (K, P)."""
    with torch.enable_grad():
        inputs = torch.from_numpy(values).requires_grad_()
        outputs = program(inputs, _NO_WEIGHTS)
        samples, size = outputs.shape
        if not outputs.requires_grad:  # no parameter can be seen
            return np.zeros((size, *values.shape))
        seeds = torch.eye(size).to(outputs)[:, None, :].expand(size, samples, size)
        return torch.autograd.grad(outputs, inputs, seeds, is_grads_batched=True)[0].numpy()


def _identity(pub: Any) -> tuple[int, int]:
    """What a PUB shares with those it can be merged with: its circuit and its values."""
    if isinstance(pub, tuple) and len(pub) > 2:
        return id(pub[0]), id(pub[2])
    return id(pub), 0


def _split(pubs: Sequence[EstimatorPub], table: Values) -> list[PubResult]:
    """Results of PUBs from the values (K, M) of all their observables, one PUB after the other."""
    results, start = [], 0
    bindings = pubs[0].parameter_values
    rows = np.arange(bindings.size).reshape(bindings.shape)
    for pub in pubs:
        own = pub.observables
        columns = np.arange(start, start + own.size).reshape(own.shape)
        start += own.size
        results.append(_result(pub, np.asarray(table[rows, columns])))
    return results


def _labels(observables: ObservablesArray) -> list[Label]:
    check_hermitian(observables)
    return [tuple(terms.items()) for terms in observables.ravel().tolist()]


def _result(pub: EstimatorPub, evs: Values) -> PubResult:
    data = DataBin(evs=evs, stds=np.zeros_like(evs), shape=evs.shape)
    return PubResult(
        data,
        metadata={"target_precision": pub.precision, "circuit_metadata": pub.circuit.metadata},
    )


def _columns(circuit: QuantumCircuit, wanted: Sequence[Parameter]) -> list[int]:
    """Places of the wanted parameters among those of the circuit."""
    index = {parameter: n for n, parameter in enumerate(circuit.parameters)}
    return [index[parameter] for parameter in wanted]


def _by_identity(items: Iterable[Thing]) -> dict[int, Thing]:
    """The different objects among the items, which the caller holds."""
    return {id(item): item for item in items}
