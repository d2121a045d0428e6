"""Methods of one computed step: selective synaptic dampening and influence."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from qhu import registry
from qhu.data.rows import Rows, joined
from qhu.model.theta import ModelState
from qhu.unlearn.fisher import fisher_diagonal, mean_gradient
from qhu.unlearn.influence import newton


def row_gradients(task, rows, state=None):
    """∇CE (n, d) of every row at its label, one by one."""
    theta = (state or task.teacher).theta.clone().requires_grad_()
    logits = task.net.logits(theta, rows.x, task.teacher.buffers)
    losses = cross_entropy(logits, rows.y, reduction="none")
    return torch.stack([torch.autograd.grad(e, theta, retain_graph=True)[0] for e in losses])


def test_ssd_shrinks_what_forget_rows_depend_on_more(apply, task):
    applied = apply(task, "ssd", {"alpha": 1.5, "dampening": 0.8})
    forget = row_gradients(task, task.forget).square().mean(0)
    overall = row_gradients(task, joined(task.retain, task.forget)).square().mean(0)
    chosen = forget > 1.5 * overall
    shrunk = (0.8 * overall / forget).clamp(max=1) * task.teacher.theta
    assert 0 < chosen.sum() < len(chosen) and applied.student.steps_left == 5
    assert torch.equal(applied.theta[~chosen], task.teacher.theta[~chosen])
    assert torch.allclose(applied.theta[chosen], shrunk[chosen], rtol=1e-3)
    assert float(applied.facts["dampened"]) == pytest.approx(float(chosen.float().mean()))


@pytest.mark.parametrize("alpha", [None, 1.0, 10.0])
def test_ssd_changes_nothing_where_everything_is_to_be_forgotten(apply, task, alpha):
    everything = joined(task.retain, task.forget)
    nothing = Rows(everything.x[:0], everything.y[:0])
    whole = replace(task, retain=nothing, forget=everything)
    assert torch.equal(apply(whole, "ssd", {"alpha": alpha}).theta, task.teacher.theta)


def test_ssd_towards_init_does_not_depend_on_the_gauge_of_angles(apply, task):
    turn = torch.where(task.net.theta.mask("quantum"), 2 * torch.pi, 0.0)

    def turned(state):
        return ModelState(state.theta + turn, state.buffers)

    other = replace(task, teacher=turned(task.teacher), init=turned(task.init))
    for towards, same in (("init", True), ("zero", False)):
        options = {"alpha": 1.5, "towards": towards}
        first, second = (apply(t, "ssd", options).theta for t in (task, other))
        assert torch.allclose(first, second - turn, atol=1e-4) == same


def test_the_given_labels_fisher_is_per_sample(student, task):
    learner, rows = student(task), task.forget
    per_sample = fisher_diagonal(learner, rows, "given")
    assert torch.allclose(per_sample, row_gradients(task, rows).square().mean(0), rtol=1e-3)
    assert per_sample.sum() > 1.2 * mean_gradient(learner, rows).square().sum()


@pytest.mark.parametrize("labels", ["own", "given"])
@pytest.mark.parametrize("fixture", ["task", "norm_task"])
def test_scores_batched_equal_those_row_by_row(request, student, fixture, labels, monkeypatch):
    task = request.getfixturevalue(fixture)
    rows = Rows(task.retain.x[:40], task.retain.y[:40])
    batched = fisher_diagonal(student(task), rows, labels)
    monkeypatch.setattr(task.net, "plain", False)
    alone = fisher_diagonal(student(task), rows, labels)
    assert torch.allclose(batched, alone, rtol=1e-3, atol=1e-7)


def linear_task(task, make_net, labels):
    """A linear head on fixed features, at the minimum of its cross-entropy over all rows."""
    net = make_net(layers=1, hidden=())
    state = net.initial(torch.Generator().manual_seed(0))
    both = replace(joined(task.retain, task.forget), y=labels)
    split = len(task.retain)
    here = replace(
        task,
        net=net,
        teacher=minimum(net, state, both),
        retain=Rows(both.x[:split], both.y[:split]),
        forget=Rows(both.x[split:], both.y[split:]),
    )
    return here, state


def minimum(net, state, rows):
    """Where the cross-entropy of a linear head ends, by second-order steps."""
    theta, head = state.theta.double(), net.theta.mask("classical")

    def loss(part):
        whole = theta.masked_scatter(head, part)
        return cross_entropy(net.logits(whole.float(), rows.x, {}).double(), rows.y)

    part = theta[head].clone().requires_grad_()
    optimizer = torch.optim.LBFGS([part], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        value = loss(part)
        value.backward()
        return value

    optimizer.step(closure)
    return ModelState(theta.masked_scatter(head, part.detach()).float(), {})


def test_influence_reaches_the_oracle_of_a_convex_problem(apply, student, make_net, task):
    count = len(task.retain) + len(task.forget)
    labels = torch.randint(3, (count,), generator=torch.Generator().manual_seed(1))
    here, state = linear_task(task, make_net, labels)  # labels that no model fits: a finite minimum
    oracle = minimum(here.net, state, here.retain)
    kept, pull = (
        mean_gradient(student(here, scope="classical"), r) for r in (here.retain, here.forget)
    )
    share = len(here.forget) / count
    assert torch.allclose(share * (pull - kept), -kept, atol=1e-4)
    after = apply(here, "influence", {"damping": 1e-6}, scope="classical").student.state

    def outputs(model):
        return here.net.infer(model, here.forget.x).softmax(-1)

    before, now = ((outputs(m) - outputs(oracle)).abs().max() for m in (here.teacher, after))
    assert now < before / 5


def test_influence_follows_the_stated_equation(apply, student, task):
    applied = apply(task, "influence", {"alpha": 0.5, "damping": 0.2})
    forget, retain = (row_gradients(task, rows).mean(0) for rows in (task.forget, task.retain))
    share = len(task.forget) / (len(task.forget) + len(task.retain))
    step = newton(student(task), task.retain, share * (forget - retain), 0.2)
    assert torch.allclose(applied.theta - task.teacher.theta, 0.5 * step, atol=1e-5)
    assert applied.student.steps_left == 5


def test_the_curvature_is_the_hessian_of_a_linear_head(student, make_net, task):
    count = len(task.retain) + len(task.forget)
    labels = torch.randint(3, (count,), generator=torch.Generator().manual_seed(1))
    here, _ = linear_task(task, make_net, labels)

    def loss(theta):
        return cross_entropy(here.net.logits(theta, here.retain.x, {}), here.retain.y)

    hessian = torch.func.hessian(loss)(here.teacher.theta)
    head = here.net.theta.mask("classical")
    v = torch.where(head, torch.randn(len(head), generator=torch.Generator().manual_seed(2)), 0.0)
    solved = newton(student(here, scope="classical"), here.retain, v, 0.05)
    assert torch.allclose(
        hessian[head][:, head] @ solved[head] + 0.05 * solved[head], v[head], atol=1e-4
    )
    assert not solved[~head].any()


@pytest.mark.parametrize("name", ["ssd", "influence"])
def test_they_take_one_step_whatever_the_budget(apply, task, name):
    assert apply(task, name, steps=20).student.steps_left == 19
    assert registry.method[name].cites
