"""Registered ansätze against Qiskit's library, numpy and a heavy-hex device."""

import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector, library
from qiskit.quantum_info import Operator

from qhu import registry
from qhu.engine.connector import engine_layer
from qhu.errors import UserError
from qhu.layout.isa import compile_ansatz
from qhu.layout.snapshots import snapshot
from qhu.model.ansatze.hardware_efficient import rings
from qhu.model.circuit import build_ansatz
from qhu.model.entanglement import PATTERNS
from qhu.model.gates import standard_gates
from qhu.settings.model import ModelSpec


def layers(name, qubits, **options):
    return registry.ansatz[name].make(qubits, registry.ansatz.options(name, options))


def composed(parts):
    """One circuit, its weights in the order of the layers."""
    weights = iter(ParameterVector("w", sum(part.num_parameters for part in parts)))
    whole = QuantumCircuit(parts[0].num_qubits)
    for part in parts:
        whole.compose(
            part.assign_parameters([next(weights) for _ in part.parameters]), inplace=True
        )
    return whole


def operations(circuit):
    """Gates, their qubits and the numbers of their weights."""
    order = {parameter: k for k, parameter in enumerate(circuit.parameters)}
    return [
        (
            gate.operation.name,
            [circuit.find_bit(bit).index for bit in gate.qubits],
            [order.get(p, p) for p in gate.operation.params],
        )
        for gate in circuit.data
    ]


@pytest.mark.parametrize(
    ("name", "make", "blocks"),
    [
        ("real_amplitudes", library.real_amplitudes, {}),
        ("efficient_su2", library.efficient_su2, {"su2_gates": ["rx", "u"]}),
        (
            "two_local",
            library.n_local,
            {"rotation_blocks": ["ry", "h"], "entanglement_blocks": ["crx", "rzz"]},
        ),
        (
            "two_local",
            library.n_local,
            {"rotation_blocks": [], "entanglement_blocks": ["cu3", "rxx", "cp"]},
        ),
    ],
)
@given(
    qubits=st.integers(2, 5),
    reps=st.integers(1, 4),
    entanglement=st.sampled_from([*PATTERNS, [[1, 0]], [[0, 1], [1, 0]]]),
    skip=st.booleans(),
    unentangled=st.booleans(),
)
@settings(max_examples=15, deadline=None)
def test_layers_together_are_the_librarys_circuit(
    name, make, blocks, qubits, reps, entanglement, skip, unentangled
):
    shape = {
        "entanglement": entanglement,
        "reps": reps,
        "skip_final_rotation_layer": skip,
        "skip_unentangled_qubits": unentangled,
    }
    parts = layers(name, qubits, **shape, **blocks)
    if entanglement not in PATTERNS:
        shape["entanglement"] = [entanglement] * len(blocks.get("entanglement_blocks", "1"))
    whole = make(qubits, **shape, **blocks)
    assert operations(composed(parts)) == operations(whole)
    final = not skip and blocks.get("rotation_blocks") != []
    assert len(parts) == reps + final
    assert sum(part.num_parameters for part in parts) == whole.num_parameters


def test_every_standard_gate_on_one_and_two_qubits_is_computed(exact):
    one, two = standard_gates(1), standard_gates(2)
    assert {"rx", "u", "sx", "id"} <= set(one) and {"cx", "rzz", "cu", "ecr"} <= set(two)
    blocks = {"rotation_blocks": one, "entanglement_blocks": two, "entanglement": "linear"}
    ansatz = build_ansatz(ModelSpec(ansatz={"name": "two_local", "reps": 1, **blocks}), 2)
    rng = np.random.default_rng(0)
    x, w = rng.uniform(-3, 3, (1, 2)), rng.uniform(-3, 3, len(ansatz.weights))
    layer = engine_layer(ansatz).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(w))
        found = layer(torch.tensor(x)).numpy()
    np.testing.assert_allclose(found, exact(ansatz, [[*x[0], *w]]), atol=1e-10)


@pytest.mark.parametrize("qubits", [1, 2, 3, 5])
def test_strongly_entangling_layers_are_pennylanes(qubits):
    """Rot(φ, θ, ω) = RZ(ω) RY(θ) RZ(φ), then CNOT(i, i + r), with r = 1, 2, … modulo n − 1."""
    made = composed(layers("strongly_entangling", qubits, layers=3))
    w = np.random.default_rng(qubits).uniform(-3, 3, (3, qubits, 3))
    expected = np.eye(2**qubits)
    for number, layer in enumerate(w):
        rotations = np.eye(1)
        for phi, theta, omega in layer:  # qubit 0 is the last factor
            rotations = np.kron(rz(omega) @ ry(theta) @ rz(phi), rotations)
        expected = rotations @ expected
        for control in range(qubits if qubits > 1 else 0):
            target = (control + number % (qubits - 1) + 1) % qubits
            expected = cnot(control, target, qubits) @ expected
    bound = made.assign_parameters(w.ravel())
    np.testing.assert_allclose(Operator(bound).data, expected, atol=1e-12)


def rz(angle):
    return np.diag(np.exp([-0.5j * angle, 0.5j * angle]))


def ry(angle):
    c, s = np.cos(angle / 2), np.sin(angle / 2)
    return np.array([[c, -s], [s, c]])


def cnot(control, target, qubits):
    states = np.arange(2**qubits)
    return np.eye(2**qubits)[states ^ ((states >> control & 1) << target)]


def test_ranges_can_be_chosen():
    parts = layers("strongly_entangling", 4, layers=2, ranges=[3, 1])
    pairs = [[q for name, q, _ in operations(part) if name == "cx"] for part in parts]
    assert pairs[0] == [[0, 3], [1, 0], [2, 1], [3, 2]]
    assert pairs[1] == [[0, 1], [1, 2], [2, 3], [3, 0]]


@pytest.mark.parametrize("lattice", ["chain", "rings"])
@pytest.mark.parametrize("qubits", [2, 5, 11, 12, 13, 16, 21, 30])
def test_a_heavy_hex_device_runs_hardware_efficient_layers_without_swaps(lattice, qubits):
    ansatz = {"name": "hardware_efficient", "lattice": lattice, "reps": 2}
    before = build_ansatz(ModelSpec(ansatz=ansatz), qubits)
    target = snapshot("fake_brisbane").target
    after = compile_ansatz(before, target, optimization_level=3, seed=0)
    assert couplings(after) == couplings(before)


def couplings(ansatz):
    return sum(len(gate.qubits) == 2 for gate in ansatz.circuit.data)


@pytest.mark.parametrize("qubits", range(2, 40))
def test_rings_are_part_of_a_heavy_hex_lattice_and_connected(qubits):
    pairs = rings(qubits)
    degree = Counter(itertools.chain(*pairs))
    assert len(set(map(frozenset, pairs))) == len(pairs)
    assert set(degree) == set(range(qubits)) and max(degree.values()) <= 3
    assert parts_of(qubits, pairs) == 1
    closed = len(pairs) - qubits + 1
    assert closed == max(0, (qubits - 3) // 9)


def parts_of(qubits, pairs):
    """Number of connected parts."""
    part = list(range(qubits))
    for a, b in pairs:
        part = [part[a] if p == part[b] else p for p in part]
    return len(set(part))


@pytest.mark.parametrize(
    ("ansatz", "qubits", "message"),
    [
        (
            {"name": "real_amplitudes", "entanglement": [[0, 4]]},
            4,
            "names qubit 4, and the circuit",
        ),
        ({"name": "real_amplitudes", "entanglement": [[0, 1, 2]]}, 4, "no gate couples the 3"),
        ({"name": "real_amplitudes", "entanglement": "pairwise"}, 1, "a gate on 2 qubits does not"),
        (
            {"name": "two_local", "entanglement_blocks": [], "entanglement": [[0, 1]]},
            2,
            "no gate couples the 2",
        ),
        ({"name": "two_local", "rotation_blocks": "h"}, 2, "no gate has an angle to train"),
        ({"name": "efficient_su2", "su2_gates": ["x", "h"]}, 2, "no gate has an angle to train"),
        ({"name": "hardware_efficient"}, 1, "take two or more"),
        ({"name": "strongly_entangling", "ranges": [1]}, 4, "give one per layer, 2 of them"),
        ({"name": "strongly_entangling", "ranges": [1, 4]}, 4, "each is from 1 to 3"),
    ],
)
def test_layers_that_do_not_fit_the_circuit_are_refused(ansatz, qubits, message):
    with pytest.raises(UserError, match=message):
        build_ansatz(ModelSpec(ansatz=ansatz), qubits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"entanglement": "ful"}, "did you mean 'full'"),
        ({"entanglement": [[0, 0]]}, "names a qubit twice"),
        ({"entanglement": [[0, -1]]}, "give a list of groups"),
        ({"entanglement": [0, 1]}, "give a list of groups"),
        ({"entanglement": [[0, True]]}, "must be a whole number"),
        ({"entanglement": []}, "give a list of groups"),
        ({"entanglement": None}, "give a list of groups"),
        ({"rotation_blocks": "cx"}, "unknown gate on one qubit 'cx'"),
        ({"rotation_blocks": "measure"}, "unknown gate on one qubit 'measure'"),
        ({"entanglement_blocks": "ccx"}, "unknown gate on two qubits 'ccx'"),
        ({"entanglement_blocks": [3]}, "give names of gates"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        ModelSpec(ansatz={"name": "two_local", **options})


def test_a_ring_that_the_lattice_lacks_needs_swaps():
    """The check of the test above: it can tell."""
    ansatz = {"name": "two_local", "entanglement": "circular", "reps": 1}
    before = build_ansatz(ModelSpec(ansatz=ansatz), 5)
    target = snapshot("fake_brisbane").target
    after = compile_ansatz(before, target, optimization_level=3, seed=0)
    assert couplings(after) > couplings(before)
