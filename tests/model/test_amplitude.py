"""The encoding ``amplitude`` in a network, from its settings to its backends."""

import numpy as np
import pytest
import torch

from qhu.backends.aer import AerBackend, Options
from qhu.backends.named import open_backend
from qhu.checks import check
from qhu.errors import UserError
from qhu.grid.drawing import drawing, pictured
from qhu.model.circuit import build_ansatz
from qhu.model.hybrid import HybridNet
from qhu.seeding import torch_stream
from qhu.settings.experiment import make_experiment
from qhu.settings.model import ModelSpec
from qhu.study import Study


def test_as_many_qubits_as_amplitudes_take(make_net):
    for features, qubits in ((2, 1), (4, 2), (8, 3), (64, 6)):
        ansatz = build_ansatz(ModelSpec(encoding="amplitude", layers=1), features)
        assert ansatz.circuit.num_qubits == qubits == len(ansatz.observables)
        assert (ansatz.features, len(ansatz.inputs)) == (features, features - 1)
    net = make_net((5,), encoding={"name": "amplitude", "pad": 0.5})
    assert net.features(torch.rand(7, 5)).shape == (7, 3)
    assert make_net((1,), encoding="amplitude", pad=1)(torch.rand(2, 1)).shape == (2, 3)


def test_a_front_gives_an_amplitude_per_basis_state(make_net):
    net = make_net((28, 28), encoding="amplitude", front="cnn", qubits=4)
    x = torch.rand(3, 28, 28)
    assert net.front(x).shape == (3, 16) and net(x).shape == (3, 3)
    net(x).square().sum().backward()
    gradients = [p.grad for p in net.front.parameters()]
    assert all(g.isfinite().all() and g.any() for g in gradients)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((5,), {}, "takes 2, 4, 8, 16, … features, got 5: set model.encoding.pad"),
        ((1,), {}, "takes 2, 4, 8, 16, … features, got 1"),
        ((5000,), {"pad": 0}, "takes up to 4096 features, got 5000"),
        ((4,), {"reupload": True}, "'amplitude' has no such option"),
        ((4,), {"pad": float("nan")}, "pad: must be a finite number"),
        ((28, 28), {"front": "cnn", "qubits": 13}, "takes up to 12 qubits, got 13"),
    ],
)
def test_what_does_not_fit_is_refused(make_net, shape, options, message):
    with pytest.raises(UserError, match=message):
        make_net(shape, encoding="amplitude", **options)


def test_what_is_trained_exactly_loads_everywhere():
    spec, x = ModelSpec(encoding="amplitude", layers=1), torch.rand(3, 4)
    x[0, 2:] = 0
    nets = [
        HybridNet(spec, (4,), 3, backend)
        for backend in (
            open_backend("statevector"),
            AerBackend("qhu", Options(depolarizing=(0, 0))),
            AerBackend("aer", Options(depolarizing=(0, 0), simulator="aer")),
        )
    ]
    state = nets[0].initial(torch_stream(0, "init"))
    outputs = []
    for net in nets:
        assert list(net.theta.slices) == list(nets[0].theta.slices)
        outputs.append(net.outputs(state, x)[0].numpy())
    np.testing.assert_allclose(outputs[1], outputs[0], atol=1e-5)
    np.testing.assert_allclose(outputs[2], outputs[0], atol=1e-5)


def study(tmp_path, rows, **settings):
    table = np.column_stack([rows, np.arange(len(rows)) % 2])
    np.savetxt(tmp_path / "table.csv", table, delimiter=",", fmt="%g")
    data = {"source": "file", "options": {"path": str(tmp_path / "table.csv")}, "scale": "none"}
    given = {"name": "x", "scenarios": {"s": {"fraction": 0.1}}, "methods": ["none"], "data": data}
    model = {"encoding": "amplitude"}
    given["model"] = model | settings.pop("model", {})
    return Study(make_experiment(given, "here", [f"{k}={v}" for k, v in settings.items()]))


@pytest.fixture
def rows():
    table = np.random.default_rng(0).normal(size=(60, 4))
    table[17] = 0
    return table


@pytest.mark.parametrize("pad", [{}, {"pad": 2.0}])
def test_rows_of_zeros_are_refused_before_a_run(tmp_path, rows, pad):
    with pytest.raises(UserError, match=r"cannot take rows of zeros, and there are 1.*row 17\)"):
        check(study(tmp_path, rows, model=pad))
    check(study(tmp_path, rows, **{"data.scale": "angles"}))
    check(study(tmp_path, np.delete(rows, 17, axis=0)))


def test_rows_that_are_filled_up_are_never_empty(tmp_path, rows):
    check(study(tmp_path, rows[:, :3], model={"pad": 0.5}))
    with pytest.raises(UserError, match="cannot take rows of zeros"):
        check(study(tmp_path, rows[:, :3], model={"pad": 0}))
    check(study(tmp_path, rows, model={"quantum": False}))


def test_a_front_that_ends_in_zeros_is_told_in_a_line(make_net):
    front = {"name": "torch.nn:Linear"}
    net = make_net(encoding="amplitude", front=front, qubits=2, head="torch.nn:Linear", layers=1)
    torch.nn.init.zeros_(net.front.weight), torch.nn.init.zeros_(net.front.bias)
    with pytest.raises(UserError, match="a row of zeros reached the quantum layer") as caught:
        net(torch.rand(2, 4))
    assert "\n" not in str(caught.value)


def test_the_drawing_shows_the_preparation_as_a_box():
    model = ModelSpec(encoding="amplitude")
    picture = pictured(model, 4)
    counts = picture.count_ops()
    assert counts["amplitudes"] == 1 and "cx" not in counts
    weights = build_ansatz(model, 4).rest.parameters
    assert [p.name for p in picture.parameters] == [p.name for p in weights]
    assert [item.name for item in picture.data[:2]] == ["amplitudes", "barrier"]


def test_a_network_without_a_quantum_layer_has_nodrawing(tmp_path, rows):
    assert drawing(study(tmp_path, rows[:, :3], model={"quantum": False})) == ""
    assert "<svg" in drawing(study(tmp_path, rows))
