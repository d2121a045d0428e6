"""Parameter-shift gradients of all samples, parameters and observables in one estimator call.

Rule: d⟨O⟩/dα = (⟨O⟩(α + π/2) - ⟨O⟩(α - π/2)) / 2 for each occurrence α of an angle in a gate
whose generator has two eigenvalues one apart (Mitarai et al. 2018; Schuld et al. 2019); the
chain rule then sums over occurrences. It stays exact under any noise that does not depend on α.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterExpression, ParameterVector
from qiskit.primitives import BaseEstimatorV2
from qiskit.primitives.containers.observables_array import ObservableLike
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.algorithm_job import AlgorithmJob
from qiskit_machine_learning.gradients import BaseEstimatorGradient, EstimatorGradientResult

from qhu.engine.bindings import finite
from qhu.engine.cache import CircuitCache
from qhu.engine.functions import FunctionTable, whole_function
from qhu.engine.lowering import lowered, standard_types
from qhu.engine.observables import of_gradient
from qhu.errors import UserError

SHIFTABLE = ("p", "rx", "rxx", "ry", "ryy", "rz", "rzx", "rzz", "u", "u1", "u2", "u3")
"""Gates each of whose angles obeys the two-term rule."""


@dataclass(frozen=True)
class Unrolled:
    """A circuit whose every parametrised angle is a parameter of its own.

    Attributes:
        source: the circuit before.
        circuit: the same gates, angles ``angle[0] … angle[A-1]``.
        angles: expression of each angle in the parameters of ``source``.
        evaluate: angles (N, A) at parameter values (N, P) of ``source``.
    """

    source: QuantumCircuit
    circuit: QuantumCircuit
    angles: tuple[ParameterExpression, ...]
    evaluate: FunctionTable


class MergedParamShift(BaseEstimatorGradient):
    """Parameter-shift gradient that sends one broadcast PUB per call.

    Both shifted evaluations are rows of that PUB, so their shot noise is independent and does
    not cancel in the difference.

    Args:
        estimator: any V2 estimator.
        precision: asked of the estimator, the same as for forward passes.
    """

    def __init__(self, estimator: BaseEstimatorV2, precision: float) -> None:
        super().__init__(estimator)
        self._precision = precision
        self._unrolled = CircuitCache(unroll)

    def run(
        self,
        circuits: Sequence[QuantumCircuit] | QuantumCircuit,
        observables: Sequence[ObservableLike] | ObservableLike,
        parameter_values: Any,
        parameters: Sequence[Sequence[Parameter] | None] | None = None,
        **options: Any,
    ) -> AlgorithmJob:
        """Gradients of one circuit; see ``BaseEstimatorGradient.run``.

        Raises:
            ValueError: numbers, widths or parameters do not fit, or an observable is not Hermitian.
            UserError: several circuits, or an angle that has no parameter-shift rule or no finite
                value or derivative.
        """
        operators = of_gradient(observables)
        job = super().run(circuits, operators, parameter_values, parameters, **options)
        job.result()  # here: the caller's network makes an error of its own of what comes later
        return job

    def _run(
        self,
        circuits: Sequence[QuantumCircuit],
        observables: Sequence[SparsePauliOp],
        parameter_values: Any,
        parameters: Sequence[Sequence[Parameter]],
        **options: Any,
    ) -> EstimatorGradientResult:
        if not circuits:
            return EstimatorGradientResult([], [], self._default_options)
        circuit, wanted = circuits[0], list(parameters[0])
        if any(c is not circuit for c in circuits) or any(list(p) != wanted for p in parameters):
            raise UserError("one gradient call takes one circuit and one list of parameters")
        values = finite(np.asarray(parameter_values, dtype=np.float64))
        unique, which, sets, rows = _distinct(observables, values)
        jacobian = self._jacobian(self._unrolled.get(circuit), unique, values[sets], wanted)
        return EstimatorGradientResult(
            gradients=list(jacobian[which, rows]),
            metadata=[{"parameters": wanted}] * len(circuits),
            options=self._default_options,
        )

    def _jacobian(
        self,
        unrolled: Unrolled,
        observables: list[SparsePauliOp],
        values: NDArray[np.float64],
        wanted: list[Parameter],
    ) -> NDArray[np.float64]:
        """Derivatives by the wanted parameters, shape (M, N, len(wanted))."""
        used = [k for k, a in enumerate(unrolled.angles) if a.parameters & set(wanted)]
        if not used:
            return np.zeros((len(observables), len(values), len(wanted)))
        angles, slopes = _derivatives(unrolled, values, used, wanted)
        shifts = np.pi / 2 * np.eye(len(unrolled.angles))[used]
        rows = angles + np.stack([shifts, -shifts])[:, :, None]  # (2, used, N, angles)
        pub = (unrolled.circuit, [[o] for o in observables], rows.reshape(-1, rows.shape[-1]))
        evs = self._estimator.run([pub], precision=self._precision).result()[0].data.evs
        plus, minus = np.moveaxis(np.reshape(evs, (-1, *rows.shape[:-1])), 1, 0)
        return np.einsum("mun,unp->mnp", (plus - minus) / 2, slopes)


def unroll(circuit: QuantumCircuit) -> Unrolled:
    """Give every occurrence of a parametrised angle its own parameter.

    The global phase is dropped: no expectation value depends on it.

    Raises:
        UserError: a gate with an angle that the two-term rule does not fit, or one that cannot be
            evaluated as Qiskit binds it.
    """
    lowered(circuit)  # refuses what has no place in a layer
    free = [p for item in circuit.data for p in item.operation.params if _free(p)]
    vector = ParameterVector("angle", len(free))
    fresh = iter(vector)
    new = QuantumCircuit(circuit.num_qubits)
    for item in circuit.data:
        operation = item.operation
        if any(_free(p) for p in operation.params):
            if operation.base_class not in {standard_types()[name] for name in SHIFTABLE}:
                raise UserError(
                    f"no parameter-shift rule for the angle of gate '{operation.name}': "
                    f"write the circuit with {', '.join(SHIFTABLE)}"
                )
            operation = operation.to_mutable()
            operation.params = [next(fresh) if _free(p) else p for p in operation.params]
        new.append(operation, [circuit.find_bit(q).index for q in item.qubits])
    index = {parameter: number for number, parameter in enumerate(circuit.parameters)}
    functions = [whole_function(angle, index) for angle in free]
    table = FunctionTable(functions, range(len(index)), torch.float64)
    return Unrolled(circuit, new, tuple(free), table)


def _free(value: Any) -> TypeGuard[ParameterExpression]:
    return isinstance(value, ParameterExpression) and bool(value.parameters)


def _derivatives(
    unrolled: Unrolled, values: NDArray[np.float64], used: list[int], wanted: list[Parameter]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Angles (N, A), and derivatives (used, N, wanted) of those used by the wanted parameters.

    Raises:
        UserError: an angle or a derivative is not finite at the values (N, P).
    """
    order = list(unrolled.source.parameters)
    columns = [order.index(parameter) for parameter in wanted]
    with torch.enable_grad():
        parameters = torch.from_numpy(values).requires_grad_()
        angles = unrolled.evaluate(parameters)
        seeds = torch.eye(angles.shape[-1], dtype=angles.dtype)[used]
        (slopes,) = torch.autograd.grad(angles.sum(0), parameters, seeds, is_grads_batched=True)
    wrong = ~slopes[..., columns].isfinite().all(-1).all(-1)
    if wrong.any():
        angle = unrolled.angles[used[int(wrong.nonzero()[0])]]
        raise UserError(f"the derivative of the angle '{angle}' is not finite at a sample's values")
    return angles.detach().numpy(), slopes[..., columns].numpy()


def _distinct(
    observables: Sequence[SparsePauliOp], values: NDArray[np.float64]
) -> tuple[list[SparsePauliOp], list[int], list[int], list[int]]:
    """Tell the observables from the samples in a list of (observable, parameter set) entries.

    The k-th entry of a parameter set under one observable is taken for the same sample as the
    k-th under another; equal samples stay apart, with shot noise of their own.

    Returns:
        The observables; for each entry its observable; entries that introduce a sample; for
        each entry its sample.
    """
    numbers: dict[int, int] = {}
    seen: dict[tuple[int, bytes], int] = {}
    samples: dict[tuple[bytes, int], int] = {}
    operators: list[SparsePauliOp] = []
    which, sets, rows = [], [], []
    for entry, (observable, row) in enumerate(zip(observables, values, strict=True)):
        if id(observable) not in numbers:
            numbers[id(observable)] = len(operators)
            operators.append(observable)
        number, data = numbers[id(observable)], row.tobytes()
        copy = seen[number, data] = seen.get((number, data), -1) + 1
        if (data, copy) not in samples:
            samples[data, copy] = len(samples)
            sets.append(entry)
        which.append(number)
        rows.append(samples[data, copy])
    return operators, which, sets, rows
