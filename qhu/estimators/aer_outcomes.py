"""Outcome distributions by Aer: a check of the engine, and what it is timed against."""

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit.library import IGate
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from qhu.engine.bindings import check_angles
from qhu.engine.gate_error import Transfer
from qhu.engine.lowering import lowered
from qhu.engine.noise import Noise
from qhu.engine.outcomes import proper

METHOD = "density_matrix"


class AerOutcomes:
    """The same as :class:`qhu.engine.outcomes.Outcomes` from Aer's density matrices.

    Args:
        circuit: native gates, without measurements.
        noise: errors of its gates and of the readout, which Aer itself leaves out.
    """

    def __init__(self, circuit: QuantumCircuit, noise: NoiseModel) -> None:
        errors = Noise(noise)
        # Aer goes by the labels and names of instructions: none may be a user's own.
        self._circuit = _named(lowered(circuit, errors.takes), errors)
        # No probability depends on it, and Aer cannot bind it while it runs.
        self._circuit.global_phase = 0
        self._order = list(circuit.parameters)
        measured = IGate(label="measure")  # Aer applies the error of a label
        if errors.takes(measured):
            for qubit in range(circuit.num_qubits):
                self._circuit.append(measured, [qubit])
        self._circuit.save_probabilities()
        self._simulator = AerSimulator(
            method=METHOD,
            noise_model=noise,
            runtime_parameter_bind_enable=True,
            # A few qubits: threads cost more than they bring, and workers share the cores.
            max_parallel_threads=1,
        )
        self._read: Transfer = np.ones((1, 1))
        for qubit in range(circuit.num_qubits):
            self._read = np.kron(errors.confusion(qubit), self._read)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities (K, 2**n) of the outcomes at the parameter sets (K, P)."""
        columns = {parameter: values[:, k] for k, parameter in enumerate(self._order)}
        binds = {p: columns[p].tolist() for p in self._circuit.parameters}
        check_angles(self._circuit, values[:, [self._order.index(p) for p in binds]])
        job = self._simulator.run(self._circuit, parameter_binds=[binds] if binds else None)
        result = job.result()
        outcomes = np.stack([result.data(k)["probabilities"] for k in range(len(result.results))])
        # A circuit without parameters ran once, whatever the number of (empty) sets.
        outcomes = np.broadcast_to(outcomes, (len(values), outcomes.shape[1]))
        return proper(outcomes @ self._read)


def _named(circuit: QuantumCircuit, errors: Noise) -> QuantumCircuit:
    """A copy where each label is what the noise model calls the instruction."""
    copy = circuit.copy_empty_like()
    for item in circuit.data:
        label = getattr(item.operation, "label", None)
        if label and errors.name_of(item.operation) != label:
            operation = item.operation.to_mutable()
            operation.label = None
            item = item.replace(operation=operation)
        copy.append(item)
    return copy
