"""Observables as Pauli sums, and the last step: their expectation values in a batch of states."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from qiskit.primitives.containers.observables_array import ObservableLike, ObservablesArray
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from qiskit.quantum_info.operators.base_operator import BaseOperator
from torch import Tensor

from qhu.engine.constants import Constants
from qhu.errors import UserError


def pauli_sums(observables: ObservablesArray) -> list[SparsePauliOp]:
    """The observables of a PUB, flattened; see :func:`hermitian`."""
    return hermitian(observables.sparse_observables_array().ravel().tolist())


def hermitian(observables: Sequence[ObservableLike]) -> list[SparsePauliOp]:
    """Observables as Pauli sums with real coefficients, read as Qiskit's estimators read them.

    Projectors (``0``, ``+``, ``r`` …) become Pauli sums.

    Raises:
        UserError: an observable is not Hermitian, or zero, or nothing that Qiskit measures.
    """
    real = []
    for number, observable in enumerate(observables):
        try:
            real.append(_pauli_sum(observable))
        except (TypeError, ValueError) as error:
            raise UserError(f"observable {number} cannot be measured: {error}") from None
    return real


def of_gradient(observables: Sequence[ObservableLike] | ObservableLike) -> list[SparsePauliOp]:
    """Observables of a gradient call, one per entry; an object given twice stays one object.

    Raises:
        TypeError, ValueError: those of Qiskit's estimators.
    """
    if isinstance(observables, BaseOperator | SparseObservable | Mapping | str):
        observables = [observables]
    distinct = {id(observable): observable for observable in observables}
    sums = {key: _pauli_sum(observable) for key, observable in distinct.items()}
    return [sums[id(observable)] for observable in observables]


def _pauli_sum(observable: ObservableLike) -> SparsePauliOp:
    coerced = ObservablesArray.coerce_observable(observable)
    if not np.isfinite(coerced.coeffs).all():
        raise ValueError("its coefficients must be finite")
    if isinstance(observable, SparsePauliOp) and np.isreal(observable.coeffs).all():
        return observable  # in its own order of terms, so that sums round alike
    return SparsePauliOp.from_sparse_observable(coerced)


class Expectations:
    """Expectation values of ``M`` observables in states of ``n`` qubits.

    Terms are grouped by the basis states they connect: a Pauli string maps ``|k>`` to a phase times
    ``|k xor flip>``, so each distinct ``flip`` costs one product of the state with itself. Diagonal
    observables have the single flip 0 and need the probabilities only.

    Args:
        observables: Hermitian operators on n qubits.
        dtype: complex dtype of the states.

    Raises:
        UserError: an observable is not Hermitian, or zero.
    """

    def __init__(self, observables: Sequence[SparsePauliOp], dtype: torch.dtype) -> None:
        tables: dict[int, np.ndarray] = {}
        for m, observable in enumerate(hermitian(observables)):
            for pauli, coefficient in zip(observable.paulis, observable.coeffs.real, strict=True):
                flip, phases = _action(pauli.x, pauli.z)
                shape = (2 ** len(pauli.x), len(observables))
                table = tables.setdefault(flip, np.zeros(shape, dtype=complex))
                table[:, m] += coefficient * phases
        self._constants = Constants()
        self._flips = sorted(tables)
        for flip, table in tables.items():
            indices = np.arange(len(table)) ^ flip
            # Re(conj(psi_k) psi_l phase) is linear in the real and imaginary part of the product.
            split = np.stack([table.real, -table.imag], axis=1).reshape(-1, len(observables))
            values = np.repeat(table.real, 2, axis=0) if flip == 0 else split
            self._constants[f"partner {flip}"] = torch.from_numpy(indices)
            self._constants[f"table {flip}"] = torch.from_numpy(values).to(dtype.to_real())

    def __call__(self, states: Tensor) -> Tensor:
        """Expectation values (..., M), real, in the states (..., 2**n)."""
        constants = self._constants.on(states.device)
        values = []
        for flip in self._flips:
            if flip == 0:
                parts = torch.view_as_real(states).flatten(-2)
                products = parts * parts
            else:
                partners = states.index_select(-1, constants[f"partner {flip}"])
                products = torch.view_as_real(states.conj() * partners).flatten(-2)
            values.append(products @ constants[f"table {flip}"])
        return sum(values[1:], start=values[0])


def _action(x: np.ndarray, z: np.ndarray) -> tuple[int, np.ndarray]:
    """``flip`` and phases with <psi|P|psi> = sum_k conj(psi_k) phases_k psi_(k xor flip)."""
    bits = basis_bits(len(x))
    flip = int(sum(1 << (len(x) - 1 - q) for q in np.flatnonzero(x)))
    # P = prod_q i^(x z) X^x Z^z sends |l> to (-1)^(z.l) i^(x.z) |l xor flip>, with l = k xor flip.
    signs = (-1.0) ** ((bits ^ x.astype(int)) @ z.astype(int))
    return flip, signs * 1j ** int(np.sum(x & z))


def basis_bits(num_qubits: int) -> np.ndarray:
    """Bits (2**n, n) of the basis states; qubit 0 is the most significant in the engine."""
    index = np.arange(2**num_qubits)
    return (index[:, None] >> np.arange(num_qubits)[::-1]) & 1
