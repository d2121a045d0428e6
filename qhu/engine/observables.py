"""Observables as Pauli sums, and the last step: their expectation values in a batch of states."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby

import numpy as np
import torch
from qiskit.primitives.containers.observables_array import ObservableLike, ObservablesArray
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from qiskit.quantum_info.operators.base_operator import BaseOperator
from torch import Tensor

from qhu.engine.constants import Constants
from qhu.errors import UserError

Bits = tuple[bool, ...]
"""One per qubit, qubit 0 first."""
Readout = Callable[[Tensor], Tensor]
"""What is read (..., M, samples) of states (..., 2ⁿ, samples)."""
TABLE_QUBITS = 12
"""Tables over basis states reach over so many qubits, whatever the width of the circuit."""
MAX_TABLE_BYTES = 2**32
"""What the tables of all observables may take."""


def pauli_sums(observables: ObservablesArray) -> list[SparsePauliOp]:
    """The observables of a PUB, flattened; see :func:`hermitian`."""
    return hermitian(observables.sparse_observables_array().ravel().tolist())


def check_hermitian(observables: ObservablesArray) -> None:
    """Refuse the observables of a PUB that nobody checked, whose imaginary parts would be lost.

    Raises:
        UserError: an observable is not Hermitian.
    """
    flat = observables.sparse_observables_array().ravel()
    hermitian([observable for observable in flat if not np.isreal(observable.coeffs).all()])


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

    The phases of a string are products of one sign per qubit. So a table over the last 12 qubits
    serves, and the few sign patterns of the qubits before them are summed first.

    Args:
        observables: Hermitian operators on n qubits, with real coefficients.
        dtype: complex dtype of the states.

    Raises:
        UserError: the tables would take more than :data:`MAX_TABLE_BYTES`.
    """

    def __init__(self, observables: Sequence[SparsePauliOp], dtype: torch.dtype) -> None:
        self._num_qubits, self._size = observables[0].num_qubits, len(observables)
        flips = _terms_by_flip(observables)
        _check_size(flips, self._num_qubits, dtype)
        self._constants = Constants()
        self._flips = sorted(flips)
        columns: list[int] = []
        for flip in self._flips:
            own = sorted({term.column for term in flips[flip]})
            columns += own
            patterns, table = map(torch.from_numpy, _tables(flips[flip], own, self._num_qubits))
            values = table.flatten(0, 1).mT
            values = values if any(flip) else values.real
            self._constants[f"patterns {flip}"] = patterns.to(dtype.to_real())
            self._constants[f"table {flip}"] = values.to(dtype if any(flip) else dtype.to_real())
        self._direct = columns == list(range(self._size))
        self._constants["columns"] = torch.tensor(columns)

    def __call__(self, states: Tensor) -> Tensor:
        """Expectation values (..., M, samples), real, in the states (..., 2**n, samples)."""
        constants = self._constants.on(states.device)
        values = [self._of_flip(flip, states, constants) for flip in self._flips]
        total = values[0] if len(values) == 1 else torch.cat(values, dim=-2)
        if self._direct:
            return total
        zeros = total.new_zeros(*total.shape[:-2], self._size, total.shape[-1])
        return zeros.index_add(-2, constants["columns"], total)

    def _of_flip(self, flip: Bits, states: Tensor, constants: dict[str, Tensor]) -> Tensor:
        """What the terms of one flip give to each observable that has such terms."""
        if any(flip):
            products = states.conj() * _flipped(states, flip)
        else:
            parts = torch.view_as_real(states).flatten(-2)
            products = parts * parts
        if self._num_qubits > TABLE_QUBITS:
            patterns = constants[f"patterns {flip}"].to(products.dtype)
            products = products.unflatten(-2, (patterns.shape[-1], -1))
            summed = patterns @ products.flatten(-2)
            products = summed.unflatten(-1, products.shape[-2:]).flatten(-3, -2)
        values = constants[f"table {flip}"] @ products
        return values.real if any(flip) else values.unflatten(-1, (-1, 2)).sum(-1)


@dataclass(frozen=True)
class _Term:
    """``factor * (-1)**(z . k)`` in the expectation value number ``column``."""

    column: int
    z: Bits
    factor: complex


def _terms_by_flip(observables: Sequence[SparsePauliOp]) -> dict[Bits, list[_Term]]:
    flips: dict[Bits, list[_Term]] = {}
    for column, observable in enumerate(observables):
        paulis = observable.paulis
        for x, z, coefficient in zip(paulis.x, paulis.z, observable.coeffs.real, strict=True):
            # P = prod_q i^(x z) X^x Z^z sends |l> to (-1)^(z.l) i^(x.z) |l xor flip>, and
            # <psi|P|psi> = sum_k conj(psi_k) phases_k psi_l with l = k xor flip.
            factor = coefficient * (-1j) ** int(np.sum(x & z))
            term = _Term(column, tuple(z.tolist()), factor)
            flips.setdefault(tuple(x.tolist()), []).append(term)
    return flips


def _check_size(flips: dict[Bits, list[_Term]], num_qubits: int, dtype: torch.dtype) -> None:
    before = max(0, num_qubits - TABLE_QUBITS)
    entries = sum(
        len({term.z[:before] for term in terms}) * len({term.column for term in terms})
        for terms in flips.values()
    )
    needed = entries * 2 ** (num_qubits - before) * dtype.itemsize
    if needed > MAX_TABLE_BYTES:
        raise UserError(
            f"the terms of the observables take {needed / 2**30:.1f} GiB of tables, more than "
            f"{MAX_TABLE_BYTES / 2**30:.1f}: measure fewer observables at once"
        )


def _tables(
    terms: Sequence[_Term], columns: Sequence[int], num_qubits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sign patterns (H, 2**high) of the first qubits, and phases (H, 2**low, columns)."""
    before = max(0, num_qubits - TABLE_QUBITS)
    places = {z: h for h, z in enumerate(sorted({term.z[:before] for term in terms}))}
    table = np.zeros((len(places), 2 ** (num_qubits - before), len(columns)), dtype=complex)
    for term in terms:
        own = places[term.z[:before]], slice(None), columns.index(term.column)
        table[own] += term.factor * signs(term.z[before:])
    return np.array([signs(z) for z in places]), table


def _flipped(states: Tensor, flip: Bits) -> Tensor:
    """Amplitudes of ``k xor flip`` at ``k``: a run of flipped bits is an axis back to front."""
    runs = [(flipped, 2 ** len(list(bits))) for flipped, bits in groupby(flip)]
    lead = states.ndim - 2
    axes = [lead + n for n, (flipped, _) in enumerate(runs) if flipped]
    return states.unflatten(-2, [size for _, size in runs]).flip(axes).flatten(lead, -2)


def signs(z: Sequence[bool | int]) -> np.ndarray:
    """``(-1)**(z . k)`` (2**n,) for all basis states k; qubit 0 is the most significant."""
    return reduce(np.kron, [np.array([1.0, -1.0 if bit else 1.0]) for bit in z], np.ones(1))
