"""Registered encodings against Qiskit's library and numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import Parameter, library
from qiskit.quantum_info import Statevector

from qhu import registry
from qhu.checks import check
from qhu.errors import UserError
from qhu.model.circuit import build_ansatz
from qhu.model.entanglement import PATTERNS
from qhu.settings.experiment import make_experiment
from qhu.settings.model import ModelSpec
from qhu.study import Study


def state(name, x, **options):
    """The state that a row is encoded as."""
    encoding = registry.encoding[name].make(registry.encoding.options(name, options))
    features = [Parameter(f"f{k}") for k in range(len(x))]
    circuit = encoding.circuit(features)
    return Statevector(circuit.assign_parameters(dict(zip(features, x, strict=True))))


@pytest.mark.parametrize(
    ("name", "make", "has"),
    [
        ("z_feature_map", library.z_feature_map, ()),
        ("zz_feature_map", library.zz_feature_map, ("entanglement",)),
        ("pauli_feature_map", library.pauli_feature_map, ("entanglement", "paulis")),
    ],
)
@given(
    entanglement=st.sampled_from(PATTERNS),
    paulis=st.lists(st.sampled_from(["X", "Y", "Z", "XY", "ZZ"]), min_size=1, max_size=3),
    reps=st.integers(1, 3),
    alpha=st.sampled_from([2.0, 0.7]),
    angle=st.sampled_from([1.0, 0.25]),
    seed=st.integers(0, 99),
)
@settings(max_examples=12, deadline=None)
def test_feature_maps_are_qiskits_at_the_scaled_features(
    name, make, has, entanglement, paulis, reps, alpha, angle, seed
):
    choices = {"entanglement": entanglement, "paulis": paulis}
    chosen = {key: choices[key] for key in has} | {"reps": reps, "alpha": alpha}
    x = np.random.default_rng(seed).uniform(-np.pi, np.pi, 3)
    stock = make(3, **chosen)
    expected = Statevector(stock.assign_parameters(angle * x))
    np.testing.assert_allclose(state(name, x, angle=angle, **chosen), expected, atol=1e-10)


def test_groups_of_qubits_are_coupled_and_single_qubits_all():
    x = np.array([0.3, -1.2, 2.0])
    stock = library.pauli_feature_map(
        3, 2, {1: [(0,), (1,), (2,)], 2: [(2, 0)]}, paulis=["Y", "ZX"]
    )
    expected = Statevector(stock.assign_parameters(x))
    options = {"paulis": ["Y", "ZX"], "entanglement": [[2, 0]]}
    np.testing.assert_allclose(state("pauli_feature_map", x, **options), expected, atol=1e-10)


@pytest.mark.parametrize("reps", [1, 2])
def test_iqp_is_phases_by_features_and_their_products_between_layers_of_h(reps):
    x = np.array([0.4, -1.3, 2.2])
    angle, pairs = 0.5, [(0, 1), (1, 2)]
    z = 1 - 2 * ((np.arange(8)[:, None] >> np.arange(3)) & 1)
    phase = z @ (angle * x) + sum(angle**2 * x[a] * x[b] * z[:, a] * z[:, b] for a, b in pairs)
    h = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    psi = np.eye(8)[0]
    for _ in range(reps):
        psi = np.exp(-0.5j * phase) * (np.kron(np.kron(h, h), h) @ psi)
    found = state("iqp", x, reps=reps, angle=angle, entanglement=[list(p) for p in pairs])
    np.testing.assert_allclose(found, psi, atol=1e-12)


def test_at_angle_1_ends_and_middle_are_one_state_and_at_a_smaller_one_they_are_not():
    """The trap that the docs name, in every encoding that turns by a feature."""
    for name in ("rotations", "z_feature_map"):
        ends = [state(name, [value], angle=1) for value in (-np.pi, 0, np.pi)]
        assert all(ends[0].equiv(other) for other in ends)
        apart = [state(name, [value], angle=0.45) for value in (-np.pi, 0, np.pi)]
        assert not any(a.equiv(b) for a, b in ((apart[0], apart[1]), (apart[0], apart[2])))


def test_bits_are_basis_states():
    for row in ([0, 0, 0], [1, 0, 1], [0, 1, 1]):
        (outcome,) = state("basis", row).probabilities_dict(decimals=12)
        assert outcome == "".join(map(str, reversed(row)))


@pytest.fixture
def bits(tmp_path):
    """An experiment on a table of bits."""
    rows = [f"{k & 1},{k >> 1 & 1},{(k ^ k >> 1) & 1},{'ab'[k % 2]}" for k in range(40)]
    path = tmp_path / "bits.csv"
    path.write_text("\n".join(["p,q,r,kind", *rows]))

    def made(scale):
        given = {
            "name": "bits",
            "data": {"source": "file", "options": {"path": str(path)}, "scale": scale},
            "model": {"encoding": "basis"},
            "scenarios": {"a": {"label": 0}},
            "methods": ["none"],
            "seeds": [0],
        }
        return Study(make_experiment(given, "here", ()))

    return made


def test_rows_that_are_no_bits_are_refused_before_a_run_and_never_rounded(bits):
    check(bits("none"))
    with pytest.raises(UserError, match=r"row 0 is -3\.14159 after scaling.*data\.scale to none"):
        check(bits("angles"))
    basis = registry.encoding["basis"].make(registry.encoding["basis"].options())
    for value in (0.5, 1 - 1e-7, -1, float("nan")):
        with pytest.raises(UserError, match="0 or 1"):
            basis.check(torch.tensor([[0.0, 1.0], [1.0, value]]))
    with pytest.raises(UserError, match="which a front does not promise"):
        build_features(ModelSpec(encoding="basis", front="cnn", qubits=4))


def build_features(spec):
    from qhu.model.circuit import encoded_features

    return encoded_features(spec, (8, 8))


@pytest.mark.parametrize(
    ("encoding", "features", "message"),
    [
        ({"name": "zz_feature_map"}, 1, "a gate on 2 qubits does not fit a circuit of 1"),
        ({"name": "iqp"}, 1, "a gate on 2 qubits does not fit a circuit of 1"),
        ({"name": "iqp", "entanglement": [[0, 3]]}, 3, "names qubit 3"),
        ({"name": "pauli_feature_map", "paulis": ["ZZZZ"]}, 3, "a gate on 4 qubits does not fit"),
        (
            {"name": "pauli_feature_map", "paulis": ["ZZZ"], "entanglement": "pairwise"},
            3,
            "pairwise couples two qubits, and a gate has 3",
        ),
        (
            {"name": "pauli_feature_map", "paulis": ["ZZ"], "entanglement": [[0, 1]]},
            3,
            "only 2 of 3 features enter a gate",
        ),
        (
            {
                "name": "pauli_feature_map",
                "paulis": ["ZZ", "XXX"],
                "entanglement": [[0, 1], [1, 2]],
            },
            3,
            "add groups of 3 qubits",
        ),
        ({"name": "zz_feature_map", "entanglement": [[0, 1, 2]]}, 3, "no gate couples the 3"),
    ],
)
def test_maps_that_do_not_fit_the_features_are_refused(encoding, features, message):
    with pytest.raises(UserError, match=message):
        build_ansatz(ModelSpec(encoding=encoding), features)


@pytest.mark.parametrize("paulis", [["ZQ"], ["I"], ["II"], ["zz"], [""], [], ["Z Z"], "ZZ"])
def test_what_is_no_pauli_string_is_refused(paulis):
    with pytest.raises(UserError, match="paulis"):
        ModelSpec(encoding={"name": "pauli_feature_map", "paulis": paulis})
