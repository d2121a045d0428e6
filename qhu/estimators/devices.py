"""Noise by what a user has, a device or a noise model, on the qubits that a circuit uses."""

import copy
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Barrier
from qiskit.providers import BackendV2
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target
from qiskit_aer.noise import NoiseModel

from qhu.engine.ansatz import Ansatz
from qhu.engine.noise import NoiseModel as ReadNoise
from qhu.errors import UserError
from qhu.estimators.noise import device_noise
from qhu.layout.isa import reduce_ansatz, reduce_target
from qhu.layout.snapshots import fake_name, snapshot

NARROW = 10
"""Circuits of so many qubits are simulated as they are, idle qubits included."""


class NoiseSource:
    """The noise of a device or of a noise model.

    Args:
        noise: a noise model, a backend with its calibration, or the name of a device whose snapshot
            ships with qiskit-ibm-runtime (``fake_brisbane``, ``ibm_brisbane``).

    Raises:
        UserError: no snapshot has that name.
    """

    def __init__(self, noise: NoiseModel | BackendV2 | str) -> None:
        if isinstance(noise, str):
            noise = snapshot(fake_name(noise))
        self._target = noise.target if isinstance(noise, BackendV2) else None
        # A copy: circuits that come later have the errors that earlier ones had.
        self._model = None if isinstance(noise, BackendV2) else copy.deepcopy(noise)
        self._of_qubits = lru_cache(self._on)

    def reduced(
        self, circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]
    ) -> tuple[Ansatz, tuple[int, ...]]:
        """A wide circuit without the qubits that nothing happens on, and which are left.

        Raises:
            UserError: the circuit is not in the gates of the device.
        """
        if self._target is not None:
            _check_native(circuit, self._target)
        ansatz = Ansatz(circuit, tuple(circuit.parameters), (), tuple(observables))
        if circuit.num_qubits <= NARROW:
            return ansatz, tuple(range(circuit.num_qubits))
        return reduce_ansatz(ansatz)

    def on(self, qubits: tuple[int, ...]) -> ReadNoise:
        """The noise of some qubits, renumbered 0 … k-1."""
        noise: ReadNoise = self._of_qubits(qubits)
        return noise

    def _on(self, qubits: tuple[int, ...]) -> ReadNoise:
        if self._target is not None:
            return device_noise(reduce_target(self._target, qubits))
        assert self._model is not None
        renumbered = qubits != tuple(range(len(qubits)))
        return Renumbered(self._model, qubits) if renumbered else self._model

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_of_qubits"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._of_qubits = lru_cache(self._on)


class Renumbered:
    """A noise model on some of its qubits, in their order.

    Args:
        model: the noise model.
        qubits: its qubits that are to be 0 … k-1.
    """

    def __init__(self, model: NoiseModel, qubits: Sequence[int]) -> None:
        self._model, self._at = model, {qubit: k for k, qubit in enumerate(qubits)}

    @property
    def basis_gates(self) -> list[str]:
        """Names of the native gates."""
        return list(self._model.basis_gates)

    def to_dict(self, serializable: bool = False) -> dict[str, Any]:
        """Errors of gates and of readout, without those of other qubits."""
        given: dict[str, Any] = self._model.to_dict(serializable)
        return {**given, "errors": [new for error in given["errors"] for new in self._moved(error)]}

    def _moved(self, error: dict[str, Any]) -> list[dict[str, Any]]:
        if "gate_qubits" not in error:
            return [error]
        here = [place for place in error["gate_qubits"] if self._at.keys() >= set(place)]
        places = [tuple(self._at[qubit] for qubit in place) for place in here]
        return [{**error, "gate_qubits": places}] if places else []


def _check_native(circuit: QuantumCircuit, target: Target) -> None:
    names = {
        item.operation.name for item in circuit.data if not isinstance(item.operation, Barrier)
    }
    foreign = sorted(names - set(target.operation_names))
    if foreign:
        raise UserError(
            f"'{foreign[0]}' is no gate of the device, whose noise belongs to its own gates: "
            "transpile the circuit for it, and lay the observables out with it"
        )
