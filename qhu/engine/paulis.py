"""Observables carried back through a circuit, at compile time, as sums of Pauli strings.

In the Heisenberg picture CX and a Clifford diagonal (a layer of CZ gates) turn each string into
another one, and a local layer turns each letter into a sum of X, Y and Z with entries of its Pauli
transfer matrix as coefficients. A shallow circuit leaves few strings on few qubits, however wide it
is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import pi

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from qhu.engine.schedule import Level, LocalRow, Phase

String = tuple[int, ...]
"""One letter per qubit: 0, 1, 2, 3 for I, X, Y, Z."""

PLACE_OF_ONE, PLACE_OF_ZERO = 0, 1
"""Places of a 1 and a 0 in any flattened Pauli transfer matrix: its first two entries."""
MAX_PRODUCTS = 2**16  # entries of one matrix from strings to strings


def _cx_table() -> dict[tuple[int, int], tuple[int, int, int]]:
    """Letters of control and target after CX P CX, and the sign."""
    table = {}
    for control, target in product(range(4), repeat=2):
        (xc, zc), (xt, zt) = _BITS[control], _BITS[target]
        sign = -1 if xc and zt and xt == zc else 1
        table[control, target] = (
            _BITS.index((xc, zc ^ zt)), _BITS.index((xt ^ xc, zt)), sign
        )  # fmt: skip
    return table


_BITS = [(0, 0), (1, 0), (1, 1), (0, 1)]  # x and z of I, X, Y, Z
_CX = _cx_table()


@dataclass(frozen=True)
class PullBack:
    """One local layer: T strings become T' strings.

    Attributes:
        places: where the factors of the coefficient from string t to t' are (k, T, T'), as indices
            into the flattened transfer matrices (R, n, 4, 4) of all local layers.
        signs: signs (T',) from the diagonal before the layer.
    """

    places: NDArray[np.int64]
    signs: NDArray[np.float64]


@dataclass(frozen=True)
class PulledBack:
    """Observables in terms of what is encoded.

    Attributes:
        coefficients: of the M observables in the first strings (M, T).
        steps: local layers, from the observables back to the encoding.
        strings: the strings whose expectation value the encoded state has to give.
    """

    coefficients: NDArray[np.float64]
    steps: tuple[PullBack, ...]
    strings: tuple[String, ...]


def pull_back(
    levels: Sequence[Level[Phase]],
    rows: Sequence[LocalRow],
    observables: Sequence[SparsePauliOp],
    limit: int,
) -> PulledBack | None:
    """Carry observables back to the state before the first diagonal.

    Args:
        levels: the scheduled circuit.
        rows: the local layer of each level; that of level 0 is left to the encoding.
        observables: Hermitian operators.
        limit: how many strings are worth it.

    Returns:
        The result, or None if a diagonal is no Clifford gate or there are too many strings.
    """
    letters, coefficients = _letters(observables)
    strings, signs = list(letters), np.ones(len(letters))
    steps: list[PullBack] = []
    for number in range(len(levels) - 1, -1, -1):
        turned = [_conjugate(string, levels[number]) for string in strings]
        if None in turned:
            return None
        signs = np.array([pair[1] for pair in turned if pair])
        strings = [pair[0] for pair in turned if pair]
        if steps:
            steps[-1] = PullBack(steps[-1].places, signs)
        else:
            coefficients = coefficients * signs
        if number:
            if sum(3 ** np.count_nonzero(string) for string in strings) > MAX_PRODUCTS:
                return None
            entries = [_expand(string, rows[number], number) for string in strings]
            earlier = sorted({string for expansion in entries for string in expansion})
            if len(earlier) > limit or len(earlier) * len(entries) > MAX_PRODUCTS:
                return None
            steps.append(PullBack(_places(entries, earlier), np.ones(len(earlier))))
            strings = earlier
    return PulledBack(coefficients, tuple(steps), tuple(strings))


def _letters(
    observables: Sequence[SparsePauliOp],
) -> tuple[list[String], NDArray[np.float64]]:
    """The distinct strings of the observables and the coefficients (M, T)."""
    terms = [
        (m, tuple(int(letter) for letter in np.select([p.x & p.z, p.x, p.z], [2, 1, 3], 0)), c.real)
        for m, observable in enumerate(observables)
        for p, c in zip(observable.paulis, observable.coeffs, strict=True)
    ]
    strings = sorted({string for _, string, _ in terms})
    coefficients = np.zeros((len(observables), len(strings)))
    for m, string, coefficient in terms:
        coefficients[m, strings.index(string)] += coefficient
    return strings, coefficients


def _conjugate(string: String, level: Level[Phase]) -> tuple[String, float] | None:
    """``U† P U`` for the phases, by multiples of pi/2, and CX of a level; None for other angles."""
    letters, sign = list(string), 1.0 + 0.0j
    for flip in reversed(level.flips):
        control, target = flip.qubits
        pair = letters[control], letters[target]
        letters[control], letters[target], turned = _CX[pair]
        sign *= turned
    for phase in level.joints:
        turns = phase.angle.get((), 0.0) / (pi / 2)
        if phase.source is not None or abs(turns - round(turns)) > 1e-9:
            return None
        if sum(letters[q] in (1, 2) for q in phase.qubits) % 2 == 0:
            continue  # it commutes
        # An anticommuting P becomes P exp(-i angle Z...Z).
        if round(turns) % 4 == 2:
            sign = -sign
        elif round(turns) % 2:
            sign *= -1j if round(turns) % 4 == 1 else 1j
            for q in phase.qubits:
                sign *= (1, -1j, 1j, 1)[letters[q]]
                letters[q] = (3, 2, 1, 0)[letters[q]]
    return tuple(letters), sign.real


def _expand(string: String, row: LocalRow, number: int) -> dict[String, list[int]]:
    """Strings that a local layer makes of one, with the places of the factors of each."""
    num_qubits = len(string)
    choices: list[list[tuple[int, int | None]]] = []
    for qubit, letter in enumerate(string):
        if letter == 0 or qubit not in row.cells:
            choices.append([(letter, None)])
        else:
            start = 16 * (num_qubits * number + qubit) + 4 * letter
            choices.append([(new, start + new) for new in (1, 2, 3)])
    return {
        tuple(letter for letter, _ in choice): [place for _, place in choice if place is not None]
        for choice in product(*choices)
    }


def _places(
    entries: Sequence[dict[String, list[int]]], strings: Sequence[String]
) -> NDArray[np.int64]:
    depth = max([1, *(len(places) for expansion in entries for places in expansion.values())])
    result = np.full((depth, len(entries), len(strings)), PLACE_OF_ONE)
    result[0] = PLACE_OF_ZERO
    index = {string: n for n, string in enumerate(strings)}
    for t, expansion in enumerate(entries):
        for string, places in expansion.items():
            result[:, t, index[string]] = places + [PLACE_OF_ONE] * (depth - len(places))
    return result
