from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from qhu.data.rows import Rows
from qhu.unlearn.fisher import fisher_diagonal


def test_equals_the_closed_form_of_a_linear_head(make_net, student, task):
    """Weights W of logits W·φ + b: F_cj = E p_c·(1 − p_c)·φ_j²."""
    net = make_net(layers=1, hidden=())
    state = net.initial(torch.Generator().manual_seed(0))
    net.load(state)
    features = net.features(task.retain.x).detach()
    p = net.head(features).detach().softmax(1)
    variance = p * (1 - p)
    weights = (variance[:, :, None] * features.square()[:, None]).mean(0)
    here = replace(task, net=net, teacher=state)
    fisher = net.theta.split(fisher_diagonal(student(here), task.retain))
    assert torch.allclose(fisher["head.0.weight"], weights, rtol=1e-4, atol=1e-7)
    assert torch.allclose(fisher["head.0.bias"], variance.mean(0), rtol=1e-4)


@pytest.mark.parametrize("fixture", ["task", "norm_task", "dropout_task"])
def test_batched_equals_row_by_row(request, student, fixture, monkeypatch):
    task = request.getfixturevalue(fixture)
    rows = Rows(task.retain.x[:40], task.retain.y[:40])
    batched = fisher_diagonal(student(task), rows)
    monkeypatch.setattr(task.net, "plain", False)
    assert torch.allclose(batched, fisher_diagonal(student(task), rows), rtol=1e-3, atol=1e-7)
    assert batched.max() > 0


def test_is_neither_a_squared_batch_gradient_nor_about_given_labels(student, task):
    learner = student(task)
    fisher = fisher_diagonal(learner, task.retain)
    gradient = learner.gradient(
        cross_entropy(learner(task.retain.x, training=False), task.retain.y)
    )
    assert fisher.sum() > 2 * gradient.square().sum()
    other = Rows(task.retain.x, 2 - task.retain.y)
    assert torch.equal(fisher, fisher_diagonal(learner, other))


def test_dead_angles_carry_no_information_and_other_scopes_are_zero(student, task):
    fisher = fisher_diagonal(student(task, scope="quantum"), task.retain)
    quantum = task.net.theta.mask("quantum")
    assert torch.all(fisher[~quantum] == 0)
    last_rz = fisher[quantum].reshape(1, 3, 4)[-1, 2]
    assert torch.all(last_rz < 1e-10) and fisher[quantum].max() > 1e-4
