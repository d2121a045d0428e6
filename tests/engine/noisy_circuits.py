"""Noisy circuits the engine is tested on, and Aer's answer for them."""

import numpy as np
from engine_circuits import bound
from hypothesis import strategies as st
from qiskit.circuit import ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    ReadoutError,
    amplitude_damping_error,
    depolarizing_error,
    pauli_error,
    thermal_relaxation_error,
)

from qhu.engine.ansatz import Ansatz


def noise_model(seed: int, num_qubits: int) -> NoiseModel:
    """Errors of several kinds: on all qubits, on one, on an ordered pair, of the readout."""
    rng = np.random.default_rng(seed)
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.03, 1), ["sx", "x"])
    model.add_quantum_error(amplitude_damping_error(rng.uniform(0, 0.2)), ["sx"], [0])
    model.add_quantum_error(pauli_error([("Y", 0.05), ("I", 0.95)]), ["rx"], [0])
    relaxation = thermal_relaxation_error(50e-6, 70e-6, 1e-6)
    pair = depolarizing_error(0.05, 2).compose(relaxation.tensor(amplitude_damping_error(0.1)))
    model.add_all_qubit_quantum_error(pair, ["ecr", "cz"])
    if num_qubits > 1:
        correlated = pauli_error([("XZ", 0.1), ("IY", 0.05), ("II", 0.85)])
        model.add_quantum_error(correlated, ["ecr"], [1, 0])
    model.add_all_qubit_readout_error(ReadoutError([[0.97, 0.03], [0.06, 0.94]]))
    model.add_readout_error(ReadoutError([[0.9, 0.1], [0.02, 0.98]]), [0])
    return model


@st.composite
def native_circuits(draw: st.DrawFn) -> Ansatz:
    """Random circuits of native gates with inputs and weights anywhere, also in one angle."""
    n = draw(st.integers(1, 5))
    x, w = ParameterVector("x", 2), ParameterVector("w", 3)
    symbols = [*x, *w]
    circuit = QuantumCircuit(n)
    qubits = st.permutations(range(n)).map(lambda order: order[:2])
    for _ in range(draw(st.integers(1, 20))):
        a, *rest = draw(qubits)
        kind = draw(st.sampled_from(["rz", "rx", "sx", "x", "ecr", "cz"][: 6 if n > 1 else 4]))
        if kind in ("rz", "rx"):
            first, second = draw(st.sampled_from(symbols)), draw(st.sampled_from(symbols))
            getattr(circuit, kind)(draw(st.sampled_from([first, first + 0.5 * second - 1, 0.3])), a)
        elif kind in ("sx", "x"):
            getattr(circuit, kind)(a)
        else:
            getattr(circuit, kind)(a, rest[0])
    labels = st.text(alphabet="IZ", min_size=n, max_size=n)
    terms = st.dictionaries(labels, st.sampled_from([1.0, -0.5]), min_size=1, max_size=2)
    observables = [
        SparsePauliOp.from_list(list(o.items()))
        for o in draw(st.lists(terms, min_size=1, max_size=3))
    ]
    return Ansatz(circuit, tuple(x), tuple(w), tuple(observables))


def aer_outcomes(ansatz: Ansatz, noise: NoiseModel, rows: np.ndarray) -> np.ndarray:
    """Aer's probabilities (K, 2**n) after the readout, at values (K, I + W)."""
    n = ansatz.circuit.num_qubits
    simulator = AerSimulator(method="density_matrix", noise_model=noise, zero_threshold=0.0)
    readout = readout_matrices(noise, n)
    outcomes = []
    for row in rows:
        circuit = bound(ansatz, row)
        circuit.save_probabilities()
        found = simulator.run(circuit).result().data()["probabilities"].reshape([2] * n)
        for qubit in range(n):
            axis = n - 1 - qubit
            found = np.moveaxis(np.tensordot(found, readout[qubit], axes=(axis, 0)), -1, axis)
        outcomes.append(found.reshape(-1))
    return np.array(outcomes)


def readout_matrices(noise: NoiseModel, num_qubits: int) -> list[np.ndarray]:
    matrices = [np.eye(2)] * num_qubits
    errors = [e for e in noise.to_dict()["errors"] if e["type"] == "roerror"]
    for error in sorted(errors, key=lambda e: "gate_qubits" in e):
        for (qubit,) in error.get("gate_qubits", [(q,) for q in range(num_qubits)]):
            matrices[qubit] = np.array(error["probabilities"])
    return matrices
