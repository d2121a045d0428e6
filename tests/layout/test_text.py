"""Circuits in words: no two share them, and they were OpenQASM where that is exact."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, qasm3
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import RXGate, UnitaryGate

from qhu.layout.text import circuit_text


def around(*instructions):
    circuit = QuantumCircuit(2)
    for gate, *qubits in instructions:
        circuit.append(gate, qubits)
    return circuit


def own(angle, name="mine"):
    inner = QuantumCircuit(1)
    inner.rx(angle, 0)
    gate = Gate(name, 1, [])
    gate.definition = inner
    return gate


X = Parameter("x")
PAIRS = {
    "an angle near a fraction of π": [RXGate(math.pi / 2), RXGate(math.pi / 2 + 1e-10)],
    "the next number": [RXGate(math.pi / 3), RXGate(np.nextafter(math.pi / 3, 4))],
    "an angle near zero": [RXGate(0.0), RXGate(1e-12)],
    "a constant in an expression": [RXGate(X + math.pi / 4), RXGate(X + math.pi / 4 + 1e-10)],
    "gates of one name": [own(0.1), own(0.2)],
    "matrices": [UnitaryGate(np.diag([1, np.exp(1j * a)])) for a in (0.5, 0.5 + 1e-12)],
    "open and closed controls": [
        RXGate(0.3).control(1, ctrl_state=state, annotated=False) for state in (0, 1)
    ],
    "a phase that a control makes count": [
        own(phase).control(1, annotated=False) for phase in (0.4, 0.4 + 2 * math.pi)
    ],
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_different_circuits_never_share_their_text(pair):
    first, second = (around((gate, *range(gate.num_qubits))) for gate in pair)
    assert circuit_text(first) != circuit_text(second)
    assert circuit_text(first) == circuit_text(first.copy())


@given(st.floats(-7, 7), st.floats(-7, 7))
@settings(max_examples=100, deadline=None)
def test_texts_are_equal_exactly_where_angles_are(first, second):
    texts = [circuit_text(around((RXGate(angle), 0))) for angle in (first, second)]
    assert (texts[0] == texts[1]) == (first == second)


@pytest.mark.parametrize("angle", [0.3, math.pi / 2, -math.pi, 0.1 + 0.2, 0.0, X, 2 * X + 0.5])
def test_what_openqasm_says_exactly_keeps_its_text(angle):
    """So what was asked under that text is still answered."""
    circuit = around((RXGate(angle), 1))
    assert circuit_text(circuit) == qasm3.dumps(circuit)


def test_the_global_phase_is_no_part_of_it():
    circuit = around((RXGate(1e-12), 0))
    turned = circuit.copy()
    turned.global_phase = 1.0
    assert circuit_text(circuit) == circuit_text(turned)


def test_the_text_is_the_same_in_every_process():
    script = (
        "import math; from qiskit import QuantumCircuit; from qiskit.circuit import *\n"
        "from qhu.layout.text import circuit_text\n"
        "inner = QuantumCircuit(1); inner.rx(Parameter('b') + math.pi / 4 + 1e-10, 0)\n"
        "outer = QuantumCircuit(2); outer.append(inner.to_gate(), [1]); outer.delay(100, 0)\n"
        "print(circuit_text(outer))"
    )
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True) for _ in range(2)]
    assert runs[0].stdout and runs[0].stdout == runs[1].stdout, runs[0].stderr
