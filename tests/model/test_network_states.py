"""A network's states: rows, fronts and stacks as the network itself sees them."""

import pytest
import torch

from qhu.backends.aer import AerBackend
from qhu.backends.aer import Options as Noise
from qhu.backends.statevector import StatevectorBackend
from qhu.errors import UserError
from qhu.model.hybrid import HybridNet
from qhu.model.states import check_states, quantum_fisher, states
from qhu.model.theta import ModelState, together
from qhu.registry import Options
from qhu.settings.model import ModelSpec


def initial(net, seed):
    return net.initial(torch.Generator().manual_seed(seed))


def stacked(net, count):
    models = [initial(net, seed) for seed in range(count)]
    return models, together(models)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((4,), {"layers": 2}),
        ((4,), {"encoding": "amplitude", "layers": 3}),
        ((8, 8), {"front": "cnn", "qubits": 3, "layers": 1}),
        ((3,), {"layers": 2, "reupload": True, "front": "none"}),
    ],
)
def test_expectation_values_of_the_states_are_the_networks_features(make_net, shape, options):
    net = make_net(shape, **options)
    x = torch.rand(5, *shape)
    models, stack = stacked(net, 3)
    stacked_states = states(net, stack, x.expand(3, *x.shape))
    for model, psi in zip(models, stacked_states, strict=True):
        alone = states(net, model, x)
        overlaps = (alone.conj() * psi).sum(-1).abs()
        torch.testing.assert_close(overlaps, torch.ones_like(overlaps), atol=1e-6, rtol=0)
        features, _ = net.outputs(model, x)
        size = psi.shape[-1]
        qubits = range((size - 1).bit_length())
        signs = torch.tensor([[1.0 - 2 * (k >> q & 1) for k in range(size)] for q in qubits])
        expected = psi.abs().square() @ signs.mT.double()
        torch.testing.assert_close(features, expected, atol=1e-5, rtol=0)
    information = quantum_fisher(net, stack, x.expand(3, *x.shape))
    alone = torch.stack([quantum_fisher(net, model, x) for model in models])
    torch.testing.assert_close(information, alone, atol=1e-5, rtol=1e-5)
    assert information.shape == (3, *2 * [sum(net.theta.mask("quantum"))])


def test_states_are_differentiable_and_the_information_leaves_no_graph(make_net):
    net = make_net()
    model = initial(net, 0)
    theta = model.theta.requires_grad_()
    psi = states(net, ModelState(theta, model.buffers), torch.rand(2, 4))
    (slope,) = torch.autograd.grad(psi[0, 0].abs(), theta)
    mask = net.theta.mask("quantum")
    assert slope[mask].any() and not slope[~mask].any()
    assert not quantum_fisher(net, ModelState(theta, {}), torch.rand(2, 4)).requires_grad


EXACT = StatevectorBackend("exact", Options())
NOISY = AerBackend("noisy", Noise(depolarizing=(0.01, 0.01)))
SAMPLED = AerBackend("sampled", Noise(depolarizing=(0.01, 0.01), shots=100))


@pytest.mark.parametrize(
    ("backend", "quantum", "words"),
    [
        (EXACT, False, "no quantum layer"),
        (NOISY, True, "under noise has no state vectors"),
        (SAMPLED, True, "estimates expectation values"),
    ],
)
def test_a_network_without_states_is_refused_in_a_line(backend, quantum, words):
    net = HybridNet(ModelSpec(quantum=quantum), (4,), 3, backend)
    with pytest.raises(UserError, match=words):
        check_states(net)
