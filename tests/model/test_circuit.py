import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Statevector

from qhu.grid.drawing import drawn, pictured
from qhu.model.ansatze.rotations_cz import entangled_pairs
from qhu.model.circuit import build_ansatz
from qhu.settings.model import ModelSpec


def by_statevector(ansatz, x, weights):
    values = dict(zip(ansatz.inputs, x, strict=True)) | dict(
        zip(ansatz.weights, weights, strict=True)
    )
    state = Statevector(ansatz.circuit.assign_parameters(values))
    return [state.expectation_value(o).real for o in ansatz.observables]


def rotation(axis, angle):
    pauli = {
        "x": np.array([[0, 1], [1, 0]]),
        "y": np.array([[0, -1j], [1j, 0]]),
        "z": np.diag([1, -1]),
    }
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * pauli[axis]


def test_output_j_is_qubit_j_and_weights_are_layer_axis_qubit():
    """Without entanglement every qubit is a product of its own six rotations."""
    rng = np.random.default_rng(0)
    ansatz = build_ansatz(ModelSpec(layers=2, entanglement="none"), 3)
    x, w = rng.uniform(-3, 3, 3), rng.uniform(-3, 3, (2, 3, 3))
    expected = []
    for qubit in range(3):
        psi = np.array([1, 0], dtype=complex)
        angles = [[x[qubit]] * 3, w[0, :, qubit], w[1, :, qubit]]
        for block in angles:
            for axis, angle in zip("xyz", block, strict=True):
                psi = rotation(axis, angle) @ psi
        expected.append(abs(psi[0]) ** 2 - abs(psi[1]) ** 2)
    np.testing.assert_allclose(by_statevector(ansatz, x, w.ravel()), expected, atol=1e-12)


def test_the_published_anchor_circuit_has_the_published_gate_counts():
    counts = build_ansatz(ModelSpec(layers=6), 4).circuit.count_ops()
    assert dict(counts) == {"rx": 28, "ry": 28, "rz": 28, "cz": 24}
    assert build_ansatz(ModelSpec(layers=6), 4).circuit.depth() == 45


@given(
    st.integers(0, 100),
    st.sampled_from(["ring", "linear", "full", "none"]),
    st.booleans(),
    st.integers(1, 3),
)
@settings(max_examples=12, deadline=None)
def test_the_layer_equals_qiskits_statevector(make_net_once, seed, entanglement, reupload, layers):
    rng = np.random.default_rng(seed)
    net = make_net_once(entanglement=entanglement, reupload=reupload, layers=layers)
    ansatz = build_ansatz(ModelSpec(entanglement=entanglement, reupload=reupload, layers=layers), 4)
    x = rng.uniform(-3, 3, (2, 4))
    weights = next(net.quantum.parameters()).detach().numpy().astype(float)
    expected = [by_statevector(ansatz, row, weights) for row in x]
    found = net.features(torch.tensor(x, dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.fixture(scope="module")
def make_net_once():
    from qhu.backends.named import open_backend
    from qhu.model.hybrid import HybridNet

    return lambda **options: HybridNet(ModelSpec(**options), (4,), 3, open_backend("statevector"))


def test_entangled_pairs():
    assert entangled_pairs("ring", 4) == [(0, 1), (1, 2), (2, 3), (3, 0)]
    assert entangled_pairs("ring", 2) == [(0, 1)]
    assert entangled_pairs("ring", 1) == []
    assert entangled_pairs("linear", 3) == [(0, 1), (1, 2)]
    assert entangled_pairs("full", 3) == [(0, 1), (0, 2), (1, 2)]
    assert entangled_pairs("none", 3) == []


@pytest.mark.parametrize(
    ("encoding", "count"),
    [
        *(({"name": name}, 1) for name in ("rotations", "zz_feature_map", "iqp", "amplitude")),
        ({"name": "rotations", "reupload": True}, 3),
    ],
)
def test_the_picture_is_the_circuit_with_a_barrier_after_every_encoding(encoding, count):
    model = ModelSpec(layers=3, encoding=encoding)
    plain, picture = build_ansatz(model, 4), pictured(model, 4)
    gates = [gate for gate in written(picture) if gate[0] != "barrier"]
    if plain.rest is None:
        assert gates == written(plain.circuit)
    else:  # the preparation is one box
        assert gates[0][0] == "amplitudes" and gates[1:] == written(plain.rest)
    takes_data = ["inputs" in str(angles) for _, angles, _ in written(picture)]
    takes_weights = ["weights" in str(angles) for _, angles, _ in written(picture)]
    barriers = [n for n, item in enumerate(picture.data) if item.operation.name == "barrier"]
    assert len(barriers) == count
    for number in barriers:
        before, after = number - 1, number + 1
        assert not takes_weights[before] and not takes_data[after]
        assert picture.data[number].qubits == tuple(picture.qubits)
    assert not any(takes_weights[: barriers[0]])
    assert not any(takes_data[barriers[-1] :])


def test_the_drawing_is_one_row():
    """Two rows are twice as high; the number of gates must not matter."""
    heights = []
    for layers in (1, 4):
        svg = drawn(pictured(ModelSpec(layers=layers), 4))
        heights.append(float(re.search(r'height="([\d.]+)pt"', svg)[1]))
    assert heights[0] == pytest.approx(heights[1], rel=0.05)


def written(circuit):
    """Gates by name, angles and qubits: parameters of two circuits are never the same."""
    return [
        (
            item.operation.name,
            list(map(str, item.operation.params)),
            [circuit.find_bit(qubit).index for qubit in item.qubits],
        )
        for item in circuit.data
    ]
