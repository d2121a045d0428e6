"""Circuits in words: the same in every process, and no two circuits share them."""

import hashlib
import math
import re
from typing import Any

import numpy as np
from qiskit import QuantumCircuit, qasm3
from qiskit.circuit import Barrier, ControlledGate, Operation, ParameterExpression
from qiskit.circuit.tools import pi_check

from qhu.engine.lowering import is_standard

NUMBER = re.compile(r"(?<![\w.])\d+\.?\d*(?:[eE][+-]?\d+)?")


def circuit_text(circuit: QuantumCircuit) -> str:
    """What a circuit does, exactly, up to its global phase.

    OpenQASM 3 where that says all. It writes what is nearer than 1e-9 to a fraction of π as that
    fraction, and gates that are not its own under names that others may have: such a circuit is
    written out here, with each number to the last bit. Unlike either, QPY bytes differ between
    processes.
    """
    if all(_is_plain(item.operation) for item in circuit.data):
        return str(qasm3.dumps(circuit))
    return "\n".join([f"{circuit.num_qubits} qubits", *_lines(circuit)])


def _is_plain(operation: Operation) -> bool:
    """Whether OpenQASM tells an instruction from all others."""
    if isinstance(operation, Barrier):
        return True
    return is_standard(operation) and all(
        value == _printed(value) for param in operation.params for value in _numbers(param)
    )


def _numbers(param: Any) -> list[float]:
    if isinstance(param, ParameterExpression):
        return [float(number) for number in NUMBER.findall(str(param))]
    return [float(param)]


def _printed(value: float) -> float:
    """The number that a reader of OpenQASM finds for a value."""
    return float(eval(pi_check(value, output="qasm"), {"pi": math.pi}))


def _lines(circuit: QuantumCircuit) -> list[str]:
    lines = []
    for item in circuit.data:
        wires = [circuit.find_bit(bit).index for bit in (*item.qubits, *item.clbits)]
        lines.append(f"{_operation(item.operation)} on {wires}")
    return lines


def _operation(operation: Operation) -> str:
    """Name, parameters, and what else tells it from another of that name."""
    words = [operation.name, *map(_param, getattr(operation, "params", ()))]
    words += [getattr(operation, "unit", None) or ""]  # of a delay
    if isinstance(operation, ControlledGate):
        words.append(f"controls {operation.ctrl_state} of {operation.num_ctrl_qubits}")
    inner = None if is_standard(operation) else getattr(operation, "definition", None)
    if inner is not None:
        phase = _param(inner.global_phase)  # a control makes it count
        words.append(f"is {phase} {{{'; '.join(_lines(inner))}}}")
    return " ".join(words)


def _param(param: Any) -> str:
    if isinstance(param, QuantumCircuit):
        return f"{{{'; '.join(_lines(param))}}}"
    if isinstance(param, np.ndarray):
        body = hashlib.sha256(np.ascontiguousarray(param, complex).tobytes()).hexdigest()
        return f"{param.shape} {body}"
    if isinstance(param, ParameterExpression) and param.parameters:
        return NUMBER.sub(lambda match: float(match[0]).hex(), str(param))
    try:
        return (float(param) + 0.0).hex()  # of two zeros, one
    except (TypeError, ValueError):
        return repr(param)
