"""Compiles a quantum layer into a function of tensors.

The way of a gate: :mod:`~qhu.engine.lowering` writes whatever it is in standard gates;
:mod:`~qhu.engine.gates` takes these apart into rotations and phases;
:mod:`~qhu.engine.schedule` sorts them into layers, where :mod:`~qhu.engine.series` makes one
trigonometric polynomial of the rotations that meet on a qubit; one of these programs evaluates the
layers:

========================================  ======================================================
:mod:`~qhu.engine.heisenberg`             shallow circuits of any width, as few Pauli strings
:mod:`~qhu.engine.cones`                  wide circuits, as narrow ones, each observable its own
:mod:`~qhu.engine.unitary`                few qubits, as one matrix for all samples
:mod:`~qhu.engine.statevector`            everything else
:mod:`~qhu.engine.noisy`                  gates under noise, through
                                          :mod:`~qhu.engine.noise`, :mod:`~qhu.engine.channels`
                                          and :mod:`~qhu.engine.evolution`
========================================  ======================================================

Where a state is prepared from the features (:mod:`~qhu.engine.preparation`), exact programs start
from it; noisy ones run its gates, their angles computed from the features.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import torch
from qiskit.quantum_info import PauliList, SparsePauliOp
from torch import Tensor

from qhu.engine.angles import Parameters
from qhu.engine.ansatz import Ansatz
from qhu.engine.channels import noisy_levels
from qhu.engine.cones import ConeProgram, light_cones
from qhu.engine.constants import lasting
from qhu.engine.evolution import Evolution
from qhu.engine.gates import ElementaryGate, elementary_gates
from qhu.engine.heisenberg import HeisenbergProgram
from qhu.engine.noise import Noise, NoiseModel
from qhu.engine.noisy import NoisyProgram
from qhu.engine.observables import MAX_TABLE_BYTES, Expectations, Readout, hermitian
from qhu.engine.preparation import Amplitudes
from qhu.engine.readout import read_observables
from qhu.engine.schedule import Level, Phase, exact_levels, visible_gates
from qhu.engine.statevector import StatevectorProgram
from qhu.engine.unitary import MAX_UNITARY_QUBITS, UnitaryProgram, encoding_first
from qhu.errors import UserError

MAX_STATE_QUBITS, MAX_DENSITY_QUBITS = 28, 14
"""Whose state, exact or noisy, takes 2 GB."""


class Program(Protocol):
    """Expectation values of a compiled quantum layer, differentiable any number of times."""

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Expectation values (..., M) at features (..., F) and weights (..., W), both real.

        Leading dimensions broadcast: weights (W,) are shared by a batch, weights (models, 1, W)
        with inputs (models, batch, I) evaluate many models at once.
        """


@lasting()
def compile_circuit(
    ansatz: Ansatz, *, dtype: torch.dtype = torch.complex64, noise: NoiseModel | None = None
) -> Program:
    """Compile the circuit and observables of ``ansatz``.

    Args:
        ansatz: circuit, parameters and observables.
        dtype: ``torch.complex64`` (float32 results) or ``torch.complex128`` (float64 results).
        noise: errors of the gates and of the readout of the circuit, which then is in native gates.

    Raises:
        UserError: the circuit holds an instruction or an angle that the engine does not know, or an
            observable is not Hermitian, or the circuit is too wide.
    """
    if ansatz.preparation is not None:
        return _prepared_program(ansatz, ansatz.preparation, dtype, noise)
    parameters = Parameters(ansatz.inputs, ansatz.weights)
    if not ansatz.circuit.num_qubits or not ansatz.observables:
        raise UserError("a quantum layer needs at least one qubit and one observable")
    observables = hermitian(ansatz.observables)
    if noise is not None:
        _check_width(ansatz.circuit.num_qubits, MAX_DENSITY_QUBITS, "under noise")
        needed = 8 * len(observables) * 4**ansatz.circuit.num_qubits
        if needed > MAX_TABLE_BYTES:
            raise UserError(
                f"{len(observables)} observables on {ansatz.circuit.num_qubits} qubits take "
                f"{needed / 2**30:.0f} GiB under noise, more than {MAX_TABLE_BYTES / 2**30:.0f}: "
                "measure fewer at once, or use fewer qubits"
            )
        return _noisy_program(ansatz, Noise(noise), dtype.to_real())
    gates = elementary_gates(ansatz.circuit)
    return _exact_program(gates, observables, parameters, dtype)


def _exact_program(
    gates: Sequence[ElementaryGate],
    observables: Sequence[SparsePauliOp],
    parameters: Parameters,
    dtype: torch.dtype,
) -> Program:
    """The first program that serves; only the last two have memory that grows with 2**n."""
    gates, num_qubits = visible_gates(gates, observables), observables[0].num_qubits
    levels = exact_levels(gates, num_qubits, parameters)
    pulled = HeisenbergProgram.pulled_back(levels, num_qubits, observables)
    if pulled is not None:
        return HeisenbergProgram(levels, num_qubits, parameters, pulled, dtype.to_real())
    cones = light_cones(gates, observables)
    if cones is not None:
        parts = [
            (_exact_program(cone.gates, cone.observables, parameters, dtype), cone.columns)
            for cone in cones
        ]
        return ConeProgram(parts, len(observables))
    _check_width(num_qubits, MAX_STATE_QUBITS, "exactly")
    return state_program(levels, num_qubits, parameters, Expectations(observables, dtype), dtype)


def state_program(
    levels: Sequence[Level[Phase]],
    num_qubits: int,
    parameters: Parameters,
    readout: Readout,
    dtype: torch.dtype,
    start: Callable[[Tensor], Tensor] | None = None,
) -> Program:
    """The program that computes whole states; see :class:`StatevectorProgram`."""
    small = num_qubits <= MAX_UNITARY_QUBITS and encoding_first(levels)
    kind = UnitaryProgram if small else StatevectorProgram
    return kind(levels, num_qubits, parameters, readout, dtype, start)


def _check_width(num_qubits: int, widest: int, how: str) -> None:
    if num_qubits > widest:
        raise UserError(
            f"up to {widest} qubits are simulated {how} where an observable depends on all of "
            f"them, and here it takes {num_qubits}: use fewer features or layers, or a front"
        )


class PreparedProgram:
    """A program behind the preparation that computes its inputs.

    Args:
        preparation: computes angles from features.
        program: takes the angles.
        dtype: real dtype that the angles are computed in.
    """

    def __init__(self, preparation: Amplitudes, program: Program, dtype: torch.dtype) -> None:
        self._preparation, self._program, self._dtype = preparation, program, dtype

    def __call__(self, inputs: Tensor, weights: Tensor) -> Tensor:
        """Expectation values (..., M) at features (..., F) and weights (..., W)."""
        return self._program(self._preparation.angles(inputs.to(self._dtype)), weights)


def _prepared_program(
    ansatz: Ansatz, preparation: Amplitudes, dtype: torch.dtype, noise: NoiseModel | None
) -> Program:
    if noise is not None or ansatz.rest is None:
        plain = replace(ansatz, preparation=None)
        program = compile_circuit(plain, dtype=dtype, noise=noise)
        return PreparedProgram(preparation, program, dtype.to_real())
    num_qubits = ansatz.rest.num_qubits
    _check_width(num_qubits, MAX_STATE_QUBITS, "exactly")
    # A row is in Qiskit's order, whose qubit 0 is the lowest bit; the engine's is the highest.
    observables = [_reversed(observable) for observable in hermitian(ansatz.observables)]
    parameters = Parameters((), ansatz.weights)
    gates = visible_gates(elementary_gates(ansatz.rest.reverse_bits()), observables)
    levels = exact_levels(gates, num_qubits, parameters)
    readout = Expectations(observables, dtype)
    return state_program(levels, num_qubits, parameters, readout, dtype, preparation.state)


def _reversed(observable: SparsePauliOp) -> SparsePauliOp:
    z, x = observable.paulis.z[:, ::-1], observable.paulis.x[:, ::-1]
    return SparsePauliOp(PauliList.from_symplectic(z, x), observable.coeffs)


def _noisy_program(ansatz: Ansatz, noise: Noise, dtype: torch.dtype) -> Program:
    parameters = Parameters(ansatz.inputs, ansatz.weights)
    levels = noisy_levels(ansatz.circuit, noise, parameters)
    evolution = Evolution(levels, ansatz.circuit.num_qubits, parameters, dtype)
    return NoisyProgram(evolution, read_observables(ansatz.observables, noise), dtype)
