import pytest
import torch

from qhu.errors import UserError
from qhu.seeding import torch_stream

MNIST = {"front": "cnn", "qubits": 8, "layers": 2, "hidden": (32,)}


@pytest.mark.parametrize(
    ("options", "parameters", "quantum"),
    [(MNIST, 18_018, 48), (MNIST | {"qubits": 10}, 21_232, 60)],
    ids=["mnist", "fashion_mnist"],
)
def test_the_image_networks_have_the_published_size(make_net, options, parameters, quantum):
    net = make_net((28, 28), 10, **options)
    assert net.theta.size == parameters
    assert int(net.theta.mask("quantum").sum()) == quantum
    assert list(net.theta.layers)[:4] == ["front.1", "front.4", "front.8", "quantum.0"]
    assert net(torch.rand(3, 28, 28)).shape == (3, 10)


def test_the_front_passes_gradients_and_angles_stay_within_half_a_turn(make_net):
    net = make_net((28, 28), 10, **MNIST)
    x = torch.rand(4, 28, 28) * 100
    assert net.front(x).abs().max() <= torch.pi
    net(torch.rand(4, 28, 28)).sum().backward()
    assert next(net.front.parameters()).grad.abs().sum() > 0


def test_the_classical_twin_is_the_network_without_the_quantum_layer(make_net):
    net, twin = make_net((28, 28), 10, **MNIST), make_net((28, 28), 10, **MNIST, quantum=False)
    assert twin.theta.size == net.theta.size - 48
    assert not twin.theta.mask("quantum").any()
    x = torch.rand(2, 28, 28)
    assert torch.equal(twin.features(x), twin.front(x))
    state = twin.initial(torch_stream(0, "init"))
    assert state.theta.shape == (twin.theta.size,)


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((28, 28), {}, "need a front"),
        ((4,), {"front": "cnn", "qubits": 4}, "images of 4 × 4"),
        ((2, 9), {"front": "cnn", "qubits": 4}, "images of 4 × 4"),
    ],
)
def test_a_front_that_does_not_fit_is_refused(make_net, shape, options, message):
    with pytest.raises(UserError, match=message):
        make_net(shape, **options)


@pytest.mark.parametrize("options", [{"front": "cnn"}, {"qubits": 3}])
def test_front_and_width_go_together(make_net, options):
    with pytest.raises(ValueError, match="give qubits with a front"):
        make_net(**options)
