"""The circuits of the exact layers, written once for all contenders: gates by name.

Angles are computed from inputs and weights by arithmetic alone, so that these may be numbers,
tensors of any library, with samples in any dimension, or Qiskit's parameters.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import pi
from typing import Any

Gate = tuple[str, tuple[int, ...], Any]
"""Name, qubits, and angle or None."""
Circuit = Callable[[Sequence[Any], Sequence[Any], int], Iterator[Gate]]


AXES = ("rx", "ry", "rz")


def rotations_cz(x: Sequence[Any], w: Sequence[Any], layers: int) -> Iterator[Gate]:
    """The layer of arXiv 2512.19253; weights are ordered (layer, axis, qubit)."""
    for q in range(len(x)):
        yield from ((axis, (q,), x[q]) for axis in AXES)
    yield from _trained(len(x), w, layers)


def amplitude(x: Sequence[Any], w: Sequence[Any], layers: int) -> Iterator[Gate]:
    """The same layers behind the state whose amplitudes are x, divided by its length."""
    yield from _trained(len(w) // (3 * layers), w, layers)


def _trained(qubits: int, w: Sequence[Any], layers: int) -> Iterator[Gate]:
    for layer in range(layers):
        for q in range(qubits):
            for number, axis in enumerate(AXES):
                yield axis, (q,), w[(3 * layer + number) * qubits + q]
        for q in range(qubits):
            yield "cz", (q, (q + 1) % qubits), None


def zz_real(x: Sequence[Any], w: Sequence[Any], layers: int) -> Iterator[Gate]:
    """``zz_feature_map(n)`` and ``real_amplitudes(n, reps=layers)`` of Qiskit's library.

    CX P(a) CX is the one gate RZZ(a), for who has it: what follows differs by a global phase.
    """
    qubits = len(x)
    for _ in range(2):
        for q in range(qubits):
            yield "h", (q,), None
            yield "rz", (q,), 2 * x[q]
        for a, b in combinations(range(qubits), 2):
            yield "rzz", (a, b), 2 * (pi - x[a]) * (pi - x[b])
    for layer in range(layers + 1):
        for q in range(qubits):
            yield "ry", (q,), w[layer * qubits + q]
        for q in reversed(range(qubits - 1)) if layer < layers else ():
            yield "cx", (q, q + 1), None


def strongly(x: Sequence[Any], w: Sequence[Any], layers: int) -> Iterator[Gate]:
    """PennyLane's ``AngleEmbedding`` and ``StronglyEntanglingLayers``, weights (L, n, 3)."""
    qubits = len(x)
    for q in range(qubits):
        yield "rx", (q,), x[q]
    for layer in range(layers):
        for q in range(qubits):
            for number, axis in enumerate(("rz", "ry", "rz")):
                yield axis, (q,), w[3 * (layer * qubits + q) + number]
        reach = layer % (qubits - 1) + 1
        for q in range(qubits):
            yield "cx", (q, (q + reach) % qubits), None


CIRCUITS: dict[str, Circuit] = {
    "rotations-cz": rotations_cz,
    "amplitude": amplitude,
    "zz-real": zz_real,
    "strongly": strongly,
}
NUM_WEIGHTS: dict[str, Callable[[int, int], int]] = {
    "rotations-cz": lambda qubits, layers: 3 * qubits * layers,
    "amplitude": lambda qubits, layers: 3 * qubits * layers,
    "zz-real": lambda qubits, layers: qubits * (layers + 1),
    "strongly": lambda qubits, layers: 3 * qubits * layers,
}


def starts_from_amplitudes(problem: dict[str, Any]) -> bool:
    """Whether a row (2ⁿ,), divided by its length, is the state before the gates; its first half has
    qubit 0 in |0⟩."""
    return bool(problem["circuit"] == "amplitude")


def qubits(problem: dict[str, Any]) -> int:
    """Qubits of the problem's circuit."""
    features = len(problem["inputs"][0])
    return features.bit_length() - 1 if starts_from_amplitudes(problem) else features


def gates(problem: dict[str, Any], x: Sequence[Any], w: Sequence[Any]) -> Iterator[Gate]:
    """Gates of a problem's circuit, in time order, for its inputs (n,) and weights (W,)."""
    return CIRCUITS[problem["circuit"]](x, w, problem["layers"])
