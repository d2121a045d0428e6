"""Circuits the engine is tested on."""

import numpy as np
from hypothesis import strategies as st
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qhu.engine.ansatz import Ansatz

ONE_QUBIT = ("h", "x", "sx")
ROTATIONS = ("rx", "ry", "rz", "p")
TWO_QUBITS = ("cx", "cz", "ecr")
TWO_QUBIT_ROTATIONS = ("rzz", "rxx", "rzx", "cp", "crz")


def ring(num_qubits: int, layers: int) -> Ansatz:
    """Angle encoding and layers of rotations with a CZ ring, Z on every qubit."""
    x = ParameterVector("x", num_qubits)
    w = ParameterVector("w", 3 * num_qubits * layers)
    circuit = QuantumCircuit(num_qubits)
    for q in range(num_qubits):
        circuit.rx(x[q], q)
        circuit.ry(x[q], q)
        circuit.rz(x[q], q)
    for layer in range(layers):
        for axis, gate in enumerate(("rx", "ry", "rz")):
            for q in range(num_qubits):
                getattr(circuit, gate)(w[(3 * layer + axis) * num_qubits + q], q)
        for q in range(num_qubits if num_qubits > 2 else num_qubits - 1):
            circuit.cz(q, (q + 1) % num_qubits)
    return Ansatz(circuit, tuple(x), tuple(w), z_observables(num_qubits))


def z_observables(num_qubits: int) -> tuple[SparsePauliOp, ...]:
    """Z on each qubit."""
    return tuple(
        SparsePauliOp.from_sparse_list([("Z", [q], 1.0)], num_qubits=num_qubits)
        for q in range(num_qubits)
    )


def values(ansatz: Ansatz, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs (samples, I) and weights (W,)."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-3, 3, (samples, len(ansatz.inputs))), rng.uniform(
        -3, 3, len(ansatz.weights)
    )


def bound(ansatz: Ansatz, row: np.ndarray) -> QuantumCircuit:
    """The circuit at the values (I + W,) of inputs and weights."""
    values = dict(zip([*ansatz.inputs, *ansatz.weights], row, strict=True))
    used = {p: v for p, v in values.items() if p in ansatz.circuit.parameters}
    return ansatz.circuit.assign_parameters(used)


@st.composite
def ansatzes(draw: st.DrawFn, max_qubits: int = 6, max_gates: int = 16) -> Ansatz:
    """Random circuits: shared, scaled and multiplied parameters, several multi-term observables."""
    n = draw(st.integers(1, max_qubits))
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    symbols = [*x, *w]
    circuit = QuantumCircuit(n)
    angles = st.one_of(
        st.sampled_from(symbols),
        st.builds(
            lambda a, b, c: 2 * a + c * b - 0.3,
            st.sampled_from(symbols),
            st.sampled_from(symbols),
            st.sampled_from([0.5, -1.0]),
        ),
        st.builds(
            lambda a, b: 2 * (np.pi - a) * (1.0 - b),
            st.sampled_from(symbols),
            st.sampled_from(symbols),
        ),
        st.just(0.7),
    )
    qubits = st.permutations(range(n)).map(lambda order: order[:2])
    for _ in range(draw(st.integers(1, max_gates))):
        kind = draw(st.integers(0, 4 if n > 1 else 2))
        a, *rest = draw(qubits)
        if kind <= 1:
            getattr(circuit, draw(st.sampled_from(ROTATIONS)))(draw(angles), a)
        elif kind == 2:
            getattr(circuit, draw(st.sampled_from(ONE_QUBIT)))(a)
        elif kind == 3:
            getattr(circuit, draw(st.sampled_from(TWO_QUBITS)))(a, rest[0])
        else:
            getattr(circuit, draw(st.sampled_from(TWO_QUBIT_ROTATIONS)))(draw(angles), a, rest[0])
    # Every parameter occurs, so that the circuit's parameters are inputs and weights.
    for symbol in symbols:
        circuit.ry(symbol, draw(st.integers(0, n - 1)))
    labels = st.text(alphabet="IXYZ", min_size=n, max_size=n)
    terms = st.dictionaries(labels, st.sampled_from([1.0, -0.5, 0.25]), min_size=1, max_size=3)
    observables = draw(st.lists(terms, min_size=1, max_size=3))
    return Ansatz(
        circuit,
        tuple(x),
        tuple(w),
        tuple(SparsePauliOp.from_list(list(o.items())) for o in observables),
    )
