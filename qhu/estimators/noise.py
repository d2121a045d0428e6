"""Noise models: of a device's calibration, or of a few figures."""

from qiskit.transpiler import Target
from qiskit_aer.noise import NoiseModel, QuantumError, depolarizing_error, thermal_relaxation_error
from qiskit_aer.noise.device import basic_device_gate_errors, basic_device_readout_errors

BASIS_GATES = ("cz", "rz", "sx", "x")
"""Native gates where noise is given by figures; ``rz`` is a change of frame: instant, exact."""


def device_noise(target: Target) -> NoiseModel:
    """Noise of a calibrated device, as Aer's ``NoiseModel.from_backend`` defines it.

    Each gate is followed by depolarizing noise and thermal relaxation that add up to its
    calibrated error; each measurement has its calibrated confusion. Idle qubits do not decay:
    circuits here carry no delays.

    Args:
        target: calibration of every qubit that the circuit uses, and preferably of no others.
    """
    noise = NoiseModel(basis_gates=list(target.operation_names))
    for qubits, error in basic_device_readout_errors(target=target):
        noise.add_readout_error(error, qubits)
    for name, qubits, error in basic_device_gate_errors(target=target):
        noise.add_quantum_error(error, name, qubits)
    return noise


def figures_target(qubits: int) -> Target:
    """A device of the gates that :func:`figures_noise` is about, every pair of qubits coupled."""
    return Target.from_configuration([*BASIS_GATES, "delay", "measure"], num_qubits=qubits)


def figures_noise(
    depolarizing: tuple[float, float] | None,
    readout: tuple[float, float] | None,
    relaxation: tuple[float, float] | None,
    gate_times: tuple[float, float],
) -> NoiseModel:
    """The same noise on every qubit, after each ``sx``, ``x`` and ``cz``.

    Args:
        depolarizing: λ of one- and two-qubit gates: ρ → (1 - λ)ρ + λ·1/2ⁿ.
        readout: P(read 1 | state 0) and P(read 0 | state 1).
        relaxation: T1 and T2 in seconds.
        gate_times: duration of one- and two-qubit gates in seconds.
    """
    noise = NoiseModel(basis_gates=list(BASIS_GATES))
    for qubits, gates in ((1, ["sx", "x"]), (2, ["cz"])):
        parts = []
        if depolarizing:
            parts.append(depolarizing_error(depolarizing[qubits - 1], qubits))
        if relaxation:
            parts.append(_relaxation(relaxation, gate_times[qubits - 1], qubits))
        for error in [parts[0].compose(part) for part in parts[1:]] or parts:
            noise.add_all_qubit_quantum_error(error, gates)
    if readout:
        up, down = readout
        noise.add_all_qubit_readout_error([[1 - up, up], [down, 1 - down]])
    return noise


def _relaxation(times: tuple[float, float], duration: float, qubits: int) -> QuantumError:
    single = thermal_relaxation_error(*times, duration)
    return single if qubits == 1 else single.tensor(single)
