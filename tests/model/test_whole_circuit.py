"""Circuits of the user's own, from files and functions."""

import pickle
import sys

import numpy as np
import pytest
import torch
from qiskit import QuantumCircuit, qasm3, qpy
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import real_amplitudes, zz_feature_map
from qiskit.quantum_info import SparsePauliOp, Statevector

from qhu.errors import UserError
from qhu.grid.description import describe
from qhu.model.circuit import build_ansatz
from qhu.settings.experiment import Experiment, make_experiment
from qhu.settings.model import ModelSpec
from qhu.study import Study


def paper_circuit():
    """Twelve inputs, so that their order by name is not that by number."""
    circuit = QuantumCircuit(3)
    x, w = [Parameter(f"x{n}") for n in range(12)], ParameterVector("theta", 3)
    for n, feature in enumerate(x):
        circuit.ry((n + 1) * feature, n % 3)
    for qubit in range(3):
        circuit.rx(w[qubit], qubit)
    circuit.cz(0, 1)
    circuit.cz(1, 2)
    return circuit


def written(circuit, path):
    """The circuit in a file."""
    if path.suffix == ".qpy":
        with path.open("wb") as file:
            qpy.dump(circuit, file)
    else:
        path.write_text(qasm3.dumps(circuit))
    return str(path)


@pytest.mark.parametrize("name", ["c.qpy", "c.qasm"])
@pytest.mark.parametrize("measured", [False, True])
def test_a_file_gives_the_values_of_its_circuit(make_net, tmp_path, name, measured):
    original = paper_circuit()
    kept = original.copy()
    if measured:
        kept.measure_all()
    net = make_net(circuit=written(kept, tmp_path / name), shape=(12,))
    rng = np.random.default_rng(1)
    rows, weights = rng.uniform(-1, 1, (2, 12)), next(net.quantum.parameters()).detach().numpy()
    values = dict(zip(original.parameters, [0.0] * 15, strict=True))
    expected = []
    for row in rows:
        values = {p: row[int(p.name[1:])] for p in original.parameters if p.name[0] == "x"}
        thetas = [p for p in original.parameters if p.name[0] != "x"]
        state = Statevector(
            original.assign_parameters(values | dict(zip(thetas, weights, strict=True)))
        )
        expected.append(
            [
                state.expectation_value(SparsePauliOp.from_sparse_list([("Z", [q], 1)], 3)).real
                for q in range(3)
            ]
        )
    measured_values = net.features(torch.tensor(rows, dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(measured_values, expected, atol=2e-6)
    assert next(iter(net.theta.layers)) == "quantum.0"


def test_a_circuit_without_inputs_stands_behind_the_encoding(make_net, tmp_path):
    path = written(real_amplitudes(4, reps=1), tmp_path / "a.qpy")
    net = make_net(circuit=path, encoding={"angle": 0.5})
    assert int(net.theta.mask("quantum").sum()) == 8
    with pytest.raises(UserError, match="has 4 qubits and no inputs, and the encoding"):
        make_net(circuit=path, shape=(3,))


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "owncircuit.py").write_text(
        "from qiskit.circuit.library import real_amplitudes, zz_feature_map\n"
        "def circuit():\n"
        "    return zz_feature_map(4, reps=1).compose(real_amplitudes(4, reps=2))\n"
        "def broken():\n    raise RuntimeError('no luck')\n"
        "def number():\n    return 3\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "owncircuit"
    sys.modules.pop("owncircuit", None)


def test_a_function_gives_a_circuit(make_net, own):
    net = make_net(circuit=f"{own}:circuit")
    assert int(net.theta.mask("quantum").sum()) == 12
    spec = ModelSpec(circuit=f"{own}:circuit")
    assert ModelSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert "inputs: x[0], x[1], x[2], x[3] (4); weights: θ[0] … θ[11] (12)" in (
        spec.circuit.options.reading
    )


def test_it_travels_without_its_file(tmp_path):
    path = tmp_path / "c.qpy"
    spec = ModelSpec(circuit=written(paper_circuit(), path))
    path.unlink()
    copy = pickle.loads(pickle.dumps(spec))
    assert copy == spec
    assert build_ansatz(copy, 12).circuit.count_ops() == paper_circuit().count_ops()


def test_another_content_is_another_identity(tmp_path):
    path = tmp_path / "c.qpy"
    spec = ModelSpec(circuit=written(paper_circuit(), path))
    again = ModelSpec(circuit=written(paper_circuit(), path))
    assert again.model_dump() == spec.model_dump()
    edited = paper_circuit()
    edited.cz(0, 2)
    other = ModelSpec(circuit=written(edited, path))
    assert other.model_dump() != spec.model_dump()
    with pytest.raises(UserError, match="has changed"):
        ModelSpec.model_validate(spec.model_dump(mode="json"))


X, THETA = [f"x{n}" for n in range(12)], [f"theta[{n}]" for n in range(3)]


@pytest.mark.parametrize(
    ("inputs", "weights", "parted"),
    [
        ("x*", None, (X, THETA)),
        (["x10", "x0", "x1"], None, (["x10", "x0", "x1"], [*THETA, *X[2:10], "x11"])),
        (None, "theta", (X, THETA)),
        (["x3", "x*"], "theta[*]", (["x3", *X[:3], *X[4:]], THETA)),
        (None, ["theta[2]", "theta"], (X, ["theta[2]", "theta[0]", "theta[1]"])),
        (None, None, (X, THETA)),
    ],
)
def test_parameters_are_told_apart_by_name_or_pattern(tmp_path, inputs, weights, parted):
    path = written(paper_circuit(), tmp_path / "c.qpy")
    spec = ModelSpec(circuit={"path": path, "inputs": inputs, "weights": weights})
    assert tuple([p.name for p in part] for part in spec.circuit.options.parted) == parted


def unclear():
    circuit = paper_circuit()
    circuit.rx(Parameter("phase"), 0)
    return circuit


def resets():
    circuit = paper_circuit()
    circuit.reset(1)
    return circuit


def unweighted():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("x"), 0)
    return circuit


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (unclear, {}, "is 'phase' an input or a weight.* phase, theta.0., .*x0"),
        (paper_circuit, {"inputs": "y*"}, "no parameter fits model.circuit.inputs 'y.'"),
        (paper_circuit, {"inputs": "*", "weights": "theta"}, "is 'theta.0.' an input or a weight"),
        (unweighted, {}, "has no weights"),
        (resets, {}, "reset"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, make, options, message):
    path = written(make(), tmp_path / "c.qpy")
    with pytest.raises(UserError, match=message) as caught:
        ModelSpec(circuit={"path": path, **options})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.qpy", b"QISKIT nothing", "holds no circuit that Qiskit reads"),
        ("c.qasm", b"OPENQASM 3.0;\nqubit[2 q;", "holds no circuit that Qiskit reads"),
        ("c.qasm", b"\xff\xfe", "holds no circuit that Qiskit reads"),
        ("c.qasm", b"", "."),
        ("c.txt", b"", "circuit files end in .qasm or .qpy"),
    ],
)
def test_a_damaged_file_is_told_in_a_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        asked({"circuit": str(path)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("absent.qpy", "cannot read absent.qpy"),
        ("owncircuit:broken", r"fails \(RuntimeError: no luck\)"),
        ("owncircuit:number", "gives int, no circuit"),
        ("owncircuit:nothing", "has no class or function 'nothing'"),
        ("circuit", "circuit files end in"),
        (["a"], "model.circuit: give a name"),
    ],
)
def test_a_reference_that_leads_nowhere(own, reference, message):
    with pytest.raises(UserError, match=message):
        asked({"circuit": reference})


def asked(model, *overrides):
    given = {"name": "x", "model": model, "scenarios": {"s": {"label": 0}}, "methods": ["none"]}
    return make_experiment(given, "here", overrides).model


def test_a_circuit_takes_the_place_of_encoding_and_ansatz(tmp_path, own):
    file = {"layers": 3, "angle": 0.5}
    whole = asked(file, f"model.circuit={own}:circuit")
    assert whole.encoding == ModelSpec().encoding and whole.ansatz == ModelSpec().ansatz
    alone = written(real_amplitudes(4, reps=1), tmp_path / "a.qpy")
    assert asked(file, f"model.circuit={alone}").encoding.options.angle == 0.5
    with pytest.raises(UserError, match="stands in the place of encoding"):
        asked({**file, "circuit": f"{own}:circuit"})


def test_widths_must_fit(make_net, tmp_path):
    path = written(paper_circuit(), tmp_path / "c.qpy")
    with pytest.raises(UserError, match="takes 12 inputs and the samples have 4 features"):
        make_net(circuit=path)
    assert make_net(circuit=path, front="torch.nn:Linear", qubits=3)(torch.rand(2, 4)).shape == (
        2,
        3,
    )
    with pytest.raises(UserError, match=r"has 3 qubits: set model\.qubits"):
        make_net(circuit=path, front="torch.nn:Linear", qubits=4)


def test_expressions_and_library_circuits(make_net, tmp_path):
    circuit = zz_feature_map(4, reps=1).compose(real_amplitudes(4, reps=1))
    net = make_net(circuit=written(circuit, tmp_path / "c.qpy"))
    loss = net(torch.rand(3, 4)).square().sum()
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


def test_a_run_says_how_it_read_the_circuit(tmp_path):
    path = written(zz_feature_map(4, reps=1).compose(real_amplitudes(4)), tmp_path / "c.qpy")
    given = {"name": "x", "scenarios": {"s": {"label": 0}}, "methods": ["none"], "seeds": 0}
    lines = list(describe(Study(Experiment(**given, model={"circuit": path}))).lines())
    assert f"circuit: {path}, 4 qubits; inputs: x[0], x[1], x[2], x[3] (4); weights: " in lines[1]
    twin = Study(Experiment(**given, model={"circuit": path, "quantum": False}))
    assert not any(line.startswith("circuit:") for line in describe(twin).lines())
