import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qhu.seeding import torch_stream


def test_theta_makes_the_round_trip(make_net):
    net = make_net(hidden=(8, 5), batch_norm=True, layers=3)
    theta = torch.randn(net.theta.size)
    net.theta.set(net, theta)
    assert torch.equal(net.theta.get(net), theta)
    named = net.theta.split(theta)
    assert {name: p.shape for name, p in net.named_parameters()} == {
        name: t.shape for name, t in named.items()
    }
    assert torch.equal(torch.cat([t.reshape(-1) for t in named.values()]), theta)


@given(st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=8, deadline=None)
def test_splitting_a_stack_splits_every_model(layers, models):
    from qhu.backends.named import open_backend
    from qhu.model.hybrid import HybridNet
    from qhu.settings.model import ModelSpec

    net = HybridNet(ModelSpec(layers=layers), (2,), 3, open_backend("statevector"))
    stack = torch.randn(models, net.theta.size)
    together = net.theta.split(stack)
    for i in range(models):
        alone = net.theta.split(stack[i])
        assert all(torch.equal(together[name][i], alone[name]) for name in alone)


def test_a_wrong_length_is_refused(make_net):
    net = make_net()
    with pytest.raises(ValueError, match="entries"):
        net.theta.set(net, torch.zeros(net.theta.size + 1))


def test_masks_part_theta(make_net):
    theta = make_net(layers=2, hidden=(16,)).theta
    quantum, classical = theta.mask("quantum"), theta.mask("classical")
    assert int(quantum.sum()) == 2 * 3 * 4
    assert int(classical.sum()) == (4 * 16 + 16) + (16 * 3 + 3)
    assert bool((quantum ^ classical).all()) and bool(theta.mask("all").all())


def test_layers_run_from_circuit_to_head_and_norms_join_their_layer(make_net):
    theta = make_net(layers=2, hidden=(8,), batch_norm=True).theta
    assert list(theta.layers) == ["quantum.0", "quantum.1", "head.0", "head.3"]
    sizes = [place.stop - place.start for place in theta.layers.values()]
    assert sizes == [12, 12, 4 * 8 + 16, 8 * 3 + 3]
    assert sum(sizes) == theta.size
    everything = theta.mask("all")
    assert int(theta.last_layers(1, everything).sum()) == 27
    assert int(theta.last_layers(3, everything).sum()) == 27 + 48 + 12
    assert not theta.last_layers(0, everything).any()
    assert int(theta.last_layers(1, theta.mask("quantum")).sum()) == 12


def test_the_state_makes_the_round_trip_with_buffers(make_net):
    net = make_net(batch_norm=True)
    state = net.initial(torch_stream(0, "init"))
    net.train()
    net(torch.randn(6, 4))
    changed = net.state()
    assert not torch.equal(
        changed.buffers["head.1.running_mean"], state.buffers["head.1.running_mean"]
    )
    net.load(state)
    assert torch.equal(net.state().theta, state.theta)
    assert all(torch.equal(net.state().buffers[k], v) for k, v in state.buffers.items())


def test_initial_states_depend_on_their_stream_only(make_net):
    net = make_net()
    first = net.initial(torch_stream(0, "init"))
    torch.manual_seed(99)
    assert torch.equal(net.initial(torch_stream(0, "init")).theta, first.theta)
    assert not torch.equal(net.initial(torch_stream(1, "init")).theta, first.theta)
    angles = first.theta[net.theta.mask("quantum")]
    assert angles.abs().max() <= torch.pi and angles.abs().max() > 1.5


def test_logits_of_theta_equal_the_loaded_network_and_frozen_parts_get_no_gradient(make_net):
    net = make_net(hidden=(8,), batch_norm=True)
    state, x = net.initial(torch_stream(4, "init")), torch.randn(5, 4)
    net.eval()
    theta = state.theta.clone().requires_grad_()
    logits = net.logits(theta, x, state.buffers, moving=net.theta.mask("classical"))
    net.load(state)
    assert torch.allclose(logits, net(x), atol=1e-6)
    (gradient,) = torch.autograd.grad(logits.square().sum(), theta)
    quantum = net.theta.mask("quantum")
    assert not gradient[quantum].any() and gradient[~quantum].any()
