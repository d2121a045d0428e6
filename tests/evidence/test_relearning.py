import numpy as np
import pytest
import torch

from qhu.backends.named import open_backend
from qhu.data.rows import Rows
from qhu.evidence.relearning import Curve, Lesson, faster, relearn
from qhu.model.hybrid import HybridNet
from qhu.model.theta import together
from qhu.seeding import torch_stream
from qhu.settings.model import ModelSpec

MODELS, ROWS = 3, 5


@pytest.fixture(scope="module")
def net():
    spec = ModelSpec(layers=1, hidden=(4,))
    return HybridNet(spec, (2,), 3, open_backend("statevector"))


@pytest.fixture(scope="module")
def stack(net):
    return together([net.initial(torch_stream(seed, "init")) for seed in range(MODELS)])


@pytest.fixture(scope="module")
def rows():
    stream = torch_stream(1, "rows")
    x = torch.randn(MODELS, ROWS, 2, generator=stream)
    return Rows(x, torch.randint(3, (MODELS, ROWS), generator=stream))


def by_hand(net, state, rows, lesson):
    """One model, as torch's own modules, loss and gradients have it; all rows in every step."""
    net.load(state)
    losses = []
    for _ in range(lesson.steps + 1):
        loss = torch.nn.functional.cross_entropy(net(rows.x), rows.y)
        losses.append(loss.item())
        net.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter -= lesson.lr * parameter.grad
    return losses


def test_a_stack_is_taught_as_every_model_alone_by_hand(net, stack, rows):
    lesson = Lesson(steps=6, lr=0.5)
    before = stack.theta.clone()
    curve = relearn(net, stack, rows, lesson)
    assert curve.loss.shape == curve.accuracy.shape == (7, MODELS)
    for model in range(MODELS):
        expected = by_hand(net, stack.model(model), rows[model], lesson)
        assert curve.loss[:, model] == pytest.approx(expected, rel=1e-4)
    assert torch.equal(stack.theta, before)
    assert (curve.loss[-1] < curve.loss[0]).all()


def test_batches_come_in_one_order_for_all_and_always(net, stack, rows):
    lesson = Lesson(steps=7, batch_size=2, seed=3)
    curve, again = (relearn(net, stack, rows, lesson) for _ in range(2))
    assert np.array_equal(curve.loss, again.loss)
    twins = together([stack.model(0)] * 2)
    same = Rows(rows.x[[0, 0]], rows.y[[0, 0]])
    twin = relearn(net, twins, same, lesson)
    assert twin.loss[:, 0] == pytest.approx(twin.loss[:, 1], rel=1e-6)
    assert twin.loss[:, 0] == pytest.approx(curve.loss[:, 0], rel=1e-4)
    other = relearn(net, stack, rows, Lesson(steps=7, batch_size=2, seed=4))
    assert not np.allclose(other.loss[1:], curve.loss[1:])


def test_networks_that_cannot_be_stacked_are_taught_one_by_one(rows):
    spec = ModelSpec(layers=1, hidden=(4,), dropout=0.5)
    net = HybridNet(spec, (2,), 3, open_backend("statevector"))
    assert not net.stacked
    stack = together([net.initial(torch_stream(seed, "init")) for seed in range(MODELS)])
    curve = relearn(net, stack, rows, Lesson(steps=2))
    assert curve.loss.shape == (3, MODELS)
    again = relearn(net, stack, rows, Lesson(steps=2))  # dropout draws nothing
    assert np.array_equal(curve.loss, again.loss)


def test_first_passages_and_those_that_never_happen():
    loss = np.array([[1.0, 3.0, 0.2], [0.5, 2.0, np.nan], [0.6, 1.0, np.nan]])
    curve = Curve(loss, 1 - loss / 4)
    assert curve.steps_to_loss(0.5) == pytest.approx([1, np.nan, 0], nan_ok=True)
    assert curve.steps_to_loss(np.array([2.0, 1.0, 0.1])) == pytest.approx(
        [0, 2, np.nan], nan_ok=True
    )
    assert curve.steps_to_accuracy(0.75) == pytest.approx([0, 2, 0], nan_ok=True)


def test_who_does_not_arrive_is_the_slowest():
    nan, units = np.nan, np.arange(4)
    slow = np.array([nan, nan, 9, 9])
    assert faster(np.array([1, 2, 3, 4.0]), slow, units, 9).value == 1
    assert faster(slow, slow, units, 9).value == 0.5
    assert faster(np.full(4, nan), np.array([nan, nan, nan, 9]), units, 9).value == 3 / 8
