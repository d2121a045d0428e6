"""State vectors of a quantum layer, and what is read of them: Fisher information, entanglement.

They are those of Qiskit's ``Statevector``, its order of basis states included, but for a global
phase, which the engine drops and nothing here depends on.
"""

from dataclasses import replace
from math import prod

import torch
from torch import Tensor
from torch.func import jvp, vmap

from qhu.engine.angles import Parameters
from qhu.engine.ansatz import Ansatz
from qhu.engine.constants import lasting
from qhu.engine.gates import elementary_gates
from qhu.engine.program import MAX_STATE_QUBITS, PreparedProgram, Program, state_program
from qhu.engine.schedule import exact_levels
from qhu.errors import UserError

NUMBERS_AT_ONCE = 2**22
"""Amplitudes of derivatives that are computed in one go: 64 MiB of them."""


@lasting()
def compile_states(ansatz: Ansatz, *, dtype: torch.dtype = torch.complex128) -> Program:
    """Compile the circuit of ``ansatz`` into a function that gives its states, unmeasured.

    Args:
        ansatz: circuit and parameters; the observables play no part.
        dtype: complex dtype of the states.

    Returns:
        State vectors (..., 2ⁿ), differentiable, at features (..., F) and weights (..., W).

    Raises:
        UserError: the circuit holds what the engine does not know, or is too wide to hold a state.
    """
    if ansatz.preparation is not None and ansatz.rest is None:
        plain = compile_states(replace(ansatz, preparation=None), dtype=dtype)
        return PreparedProgram(ansatz.preparation, plain, dtype.to_real())
    start = None if ansatz.preparation is None else ansatz.preparation.state
    circuit = ansatz.circuit if ansatz.rest is None else ansatz.rest
    num_qubits = circuit.num_qubits
    if not num_qubits:
        raise UserError("a quantum layer needs at least one qubit")
    if num_qubits > MAX_STATE_QUBITS:
        raise UserError(
            f"state vectors are held of up to {MAX_STATE_QUBITS} qubits, and the circuit has "
            f"{num_qubits}: use fewer"
        )
    parameters = Parameters(() if start else ansatz.inputs, ansatz.weights)
    # Qiskit's qubit 0 is the lowest bit of a basis state; the engine's is the highest.
    levels = exact_levels(elementary_gates(circuit.reverse_bits()), num_qubits, parameters)
    return state_program(levels, num_qubits, parameters, _unmeasured, dtype, start)


def quantum_fisher(states: Program, inputs: Tensor, weights: Tensor) -> Tensor:
    """Quantum Fisher information of the weights, averaged over samples; real, (..., W, W).

    F_ij = 4 Re(⟨∂_i ψ|∂_j ψ⟩ − ⟨∂_i ψ|ψ⟩⟨ψ|∂_j ψ⟩), so that a small step dθ leaves a fidelity of
    1 − dθᵀ F dθ / 4 (Meyer, arXiv 2103.15191). It bounds the classical Fisher information of every
    measurement. Symmetric and positive semidefinite; singular where weights are redundant.

    Args:
        states: what :func:`compile_states` gave.
        inputs: samples (..., N, F); those of the last leading dimension are averaged over.
        weights: (W,), or a stack (..., W).
    """
    size, width = weights.shape[-1], states(inputs[..., :1, :], weights.unsqueeze(-2)).shape[-1]
    models = prod(torch.broadcast_shapes(inputs.shape[:-2], weights.shape[:-1]))
    rows = max(1, NUMBERS_AT_ONCE // (models * size * width))
    total = sum(_gram(states, part, weights) for part in inputs.split(rows, dim=-2))
    assert isinstance(total, Tensor)
    return 4 * total / inputs.shape[-2]


def concurrence(states: Tensor) -> Tensor:
    """Entanglement (...) of pure states (..., 2ⁿ): 0 of products, 1 of Bell and GHZ states.

    √(2(1 − mean_k tr ρ_k²)) over the qubits k: the root of the measure of Meyer and Wallach
    (J. Math. Phys. 43, 4273), the root mean square of the I-concurrences of each qubit with the
    others (Rungta et al., PRA 64, 042315), and of two qubits Wootters' concurrence.
    """
    num_qubits = (states.shape[-1] - 1).bit_length()
    lost = []
    for qubit in range(num_qubits):
        parts = states.unflatten(-1, (-1, 2, 2**qubit)).transpose(-3, -2).flatten(-2)
        reduced = parts @ parts.mH
        lost.append(1 - reduced.abs().square().sum((-2, -1)))
    return (2 * torch.stack(lost).mean(0)).clamp(min=0).sqrt()


def _unmeasured(states: Tensor) -> Tensor:
    return states


def _gram(states: Program, inputs: Tensor, weights: Tensor) -> Tensor:
    """Σ over samples of the real parts of the inner products (..., W, W) of derivatives of states.

    Of a derivative only what is orthogonal to the state counts; the rest turns its phase.
    """

    basis = torch.eye(weights.shape[-1]).to(weights)

    def along(direction: Tensor) -> tuple[Tensor, Tensor]:
        tangent = direction.expand_as(weights)
        psi, slope = jvp(lambda w: states(inputs, w.unsqueeze(-2)), (weights,), (tangent,))[:2]
        return psi, slope

    psi, slopes = vmap(along)(basis)
    phases = (psi.conj() * slopes).sum(-1, keepdim=True) * psi
    across = torch.view_as_real(slopes - phases).movedim(0, -4).flatten(-3)
    return across @ across.mT
