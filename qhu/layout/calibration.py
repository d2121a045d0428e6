"""The calibration of the qubits that a circuit uses, as text that outlives the device."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import InstructionProperties, QubitProperties, Target

from qhu.layout.figures import figure


@dataclass(frozen=True)
class Clock:
    """Seconds that a device needs.

    Attributes:
        delay: between two executions.
        readout: to measure all qubits.
    """

    delay: float
    readout: float


def freeze(target: Target, qubits: Sequence[int]) -> dict[str, Any]:
    """Errors, durations and relaxation times of some qubits, JSON-serialisable.

    Args:
        target: the device's calibration.
        qubits: physical qubits, in the order of the result's qubits 0 … k-1.
    """
    at = {physical: k for k, physical in enumerate(qubits)}
    standard = get_standard_gate_name_mapping()
    gates = [
        [name, [at[q] for q in where], figures and figures.error, figures and figures.duration]
        for name in sorted(target.operation_names)
        if name in standard
        for where, figures in target[name].items()
        if where is not None and at.keys() >= set(where)
    ]
    properties = target.qubit_properties or [None] * (target.num_qubits or 0)
    # None, not known, is no relaxation to Aer; a time of 0 is none that it can reckon with.
    times = [
        [figure(getattr(properties[q], t, None)) or None for t in ("t1", "t2")] for q in qubits
    ]
    return {"dt": target.dt, "gates": gates, "times": times}


def thaw(frozen: Mapping[str, Any]) -> Target:
    """The target that :func:`freeze` wrote down, on qubits 0 … k-1."""
    times = [QubitProperties(t1=t1, t2=t2) for t1, t2 in frozen["times"]]
    target = Target(num_qubits=len(times), dt=frozen["dt"], qubit_properties=times)
    standard = get_standard_gate_name_mapping()
    by_name: dict[str, dict[tuple[int, ...], InstructionProperties]] = {}
    for name, where, error, duration in frozen["gates"]:
        figures = InstructionProperties(error=error, duration=duration)
        by_name.setdefault(name, {})[tuple(where)] = figures
    for name, figured in by_name.items():
        target.add_instruction(standard[name], figured, name=name)
    return target


def success(circuit: QuantumCircuit, measured: Sequence[int], target: Target) -> float:
    """Probability that no gate of the circuit and no readout errs, by the calibration.

    Args:
        circuit: on physical qubits.
        measured: physical qubits that are read.
        target: the device's calibration; what it does not know counts as perfect.
    """
    used = [(i.operation.name, [circuit.find_bit(q).index for q in i.qubits]) for i in circuit.data]
    used += [("measure", [qubit]) for qubit in measured]
    product = 1.0
    for name, where in used:
        figures = target[name].get(tuple(where)) if name in target else None
        product *= 1 - (figures.error or 0.0 if figures else 0.0)
    return product


def clock(target: Target, measured: Sequence[int], delay: float) -> Clock:
    """How long the device takes beside the gates of a circuit.

    Args:
        target: the device's calibration.
        measured: physical qubits that are read.
        delay: seconds between executions.
    """
    figures = [target["measure"].get((q,)) for q in measured]
    readout = max((f.duration or 0.0 for f in figures if f), default=0.0)
    return Clock(delay, readout)


def length(circuit: QuantumCircuit, target: Target) -> float:
    """Duration of a circuit in seconds, its longest path through the calibrated gates."""
    return float(circuit.estimate_duration(target, "s")) if circuit.data else 0.0


def name_of(properties: Mapping[str, Any]) -> str:
    """Short hash that names a calibration: equal figures have equal names."""
    text = json.dumps(properties, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
