"""The options by which methods become what arXiv 2512.19253 released: each by its definition."""

import copy
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from qhu.data.rows import Rows
from qhu.errors import UserError
from qhu.unlearn.fisher import squared_gradients
from qhu.unlearn.lca import wrong_copies
from qhu.unlearn.losses import complement_cross_entropy
from qhu.unlearn.qmul import similar_classes

ALL = {"batch_size": 200}


def kl(p_logits, q_logits, floor=0.0):
    p, q = (logits.softmax(1).clamp(min=floor) for logits in (p_logits, q_logits))
    return (p * (p.log() - q.log())).sum(1).mean()


def one_step(task, loss, lr=0.01):
    """θ after one step of torch's Adam down ``loss(model)`` from the teacher; all rows at once."""
    theta = task.teacher.theta.clone().requires_grad_()
    task.net.train()
    buffers = {name: buffer.clone() for name, buffer in task.teacher.buffers.items()}
    loss(lambda x: task.net.logits(theta, x, buffers)).backward()
    torch.optim.Adam([theta], lr=lr).step()  # knows the gradient by now
    return theta.detach()


def adam(theta, gradient, lr=0.01):
    moved = theta.clone().requires_grad_()
    moved.grad = gradient
    torch.optim.Adam([moved], lr=lr).step()
    return moved.detach()


def test_one_step_reference_is_adam(task):
    theta = one_step(task, lambda model: cross_entropy(model(task.retain.x), task.retain.y))
    assert float((theta - task.teacher.theta).abs().max()) == pytest.approx(0.01, rel=1e-3)


def test_neggrad_plus_at_one_half_is_the_plain_difference(apply, task):
    """Adam takes no notice of the factor ½."""

    def difference(model):
        kept = cross_entropy(model(task.retain.x), task.retain.y)
        return kept - cross_entropy(model(task.forget.x), task.forget.y)

    after = apply(task, "neggrad_plus", {"alpha": 0.5, "pairing": "zip"}, steps=1, **ALL).theta
    alive = (after - task.teacher.theta).abs() > 1e-3  # the last RZ have rounding for a gradient
    assert torch.allclose(after[alive], one_step(task, difference)[alive], atol=1e-4)


@pytest.mark.parametrize(("floor", "weight"), [(0.0, 1.5), (0.2, 0.7)])
def test_joint_scrub_descends_on_the_difference_of_divergences(apply, norm_task, floor, weight):
    """With batch norm the student in training mode is not at the teacher: gradients are not 0."""
    task = norm_task

    def objective(model):
        retain, forget = model(task.retain.x), model(task.forget.x)
        teacher = [task.teacher_logits(rows.x) for rows in (task.retain, task.forget)]
        task.net.train()
        return 0.5 * kl(teacher[0], retain, floor) - weight * kl(teacher[1], forget, floor)

    options = {"joint": weight, "alpha": 0.5, "gamma": 0, "temperature": 1, "floor": floor}
    after = apply(task, "scrub", {**options, "pairing": "zip"}, steps=1, **ALL).theta
    moved = (after - task.teacher.theta).abs() > 5e-3
    assert moved.float().mean() > 0.5
    assert torch.allclose(after[moved], one_step(task, objective)[moved], atol=1e-3)


def test_cf_k_freezes_the_first_layers_and_climbs(apply, student, task):
    theta = task.net.theta
    after = apply(task, "cf_k", {"k": 1, "move": "rest", "ascend": True}, steps=4).theta
    learner = student(task, steps=4)
    learner.freeze(~theta.mask("quantum"))  # one circuit layer
    for _ in learner.epochs():
        for rows in learner.batches(task.forget):
            learner.descend(-cross_entropy(learner(rows.x), rows.y))
    assert torch.equal(after, learner.theta.detach())
    frozen = theta.mask("quantum")
    assert torch.equal(after[frozen], task.teacher.theta[frozen])
    assert not torch.equal(after[~frozen], task.teacher.theta[~frozen])


def test_cf_k_moves_what_is_not_frozen_inside_the_scope_only(apply, task):
    """Of the two head layers in the scope the first one stays."""
    after = apply(task, "cf_k", {"k": 1, "move": "rest"}, steps=3, scope="classical").theta
    last = task.net.theta.last_layers(1, task.net.theta.mask("all"))
    assert torch.equal(after[~last], task.teacher.theta[~last])
    assert not torch.equal(after[last], task.teacher.theta[last])


def test_eu_k_unfrozen_starts_anew_in_the_last_layer_and_trains_everything(
    apply, norm_task, monkeypatch
):
    options = {"k": 1, "frozen": False}
    task, theta = norm_task, norm_task.net.theta
    last = theta.last_layers(1, theta.mask("all"))
    with monkeypatch.context() as untrained:
        untrained.setattr("qhu.unlearn.eu_k.train", lambda student, rows: None)
        start = apply(task, "eu_k", options)
    assert torch.equal(start.theta, torch.where(last, task.init.theta, task.teacher.theta))
    for key, buffer in start.student.state.buffers.items():
        assert torch.equal(buffer, task.teacher.buffers[key])
    end = apply(task, "eu_k", options, steps=5).theta
    assert (end != start.theta)[~last].float().mean() > 0.5


def test_squared_gradients_are_of_batch_means_at_the_given_labels(student, task):
    learner = student(task, batch_size=7)
    task.net.load(task.teacher)
    total, batches = 0.0, 0
    for first in range(0, len(task.forget), 7):
        task.net.zero_grad()
        rows = slice(first, first + 7)
        cross_entropy(task.net(task.forget.x[rows]), task.forget.y[rows]).backward()
        total = total + torch.cat([p.grad.reshape(-1) for p in task.net.parameters()]).square()
        batches += 1
    assert batches > 1
    found = squared_gradients(learner, task.forget)
    assert torch.allclose(found, total / batches, rtol=1e-4, atol=1e-9)


def test_ewc_ascent_by_the_forget_rows_penalises_what_they_depend_on(apply, student, task):
    """Two steps: the first is ascent, the second feels the penalty at the place it led to."""
    options, lr = {"fisher": "forget", "penalty": 1e4}, 1e-3
    fisher = squared_gradients(student(task), task.forget)
    learner = student(task, steps=2, lr=lr, **ALL)
    for _ in range(2):
        drift = learner.theta.detach() - task.teacher.theta
        ascent = learner.gradient(-cross_entropy(learner(task.forget.x), task.forget.y))
        learner.follow(ascent + 1e4 * fisher * drift)
    after = apply(task, "ewc_ascent", options, steps=2, lr=lr, **ALL).theta
    assert torch.allclose(after, learner.theta.detach(), atol=1e-5)
    plain = apply(task, "gradient_ascent", steps=2, lr=lr, **ALL).theta
    assert not torch.allclose(after, plain, atol=1e-4)


def test_the_most_similar_class_is_the_most_parallel_one(task):
    """Mean logits chosen by hand; class 1 has no retain rows."""
    means = torch.tensor([[1.0, 0.0, 0.0], [9.0, 9.0, 9.0], [1.0, 0.5, 0.0]])
    y = torch.tensor([0, 2, 2, 0])
    rows = Rows(torch.zeros(4, 4), y)
    fixed = copy.copy(task)
    object.__setattr__(fixed, "retain", rows)
    object.__setattr__(fixed, "teacher_logits", lambda x: means[y])
    assert similar_classes(fixed).tolist() == [2, 0, 0]


def test_qmul_away_climbs_on_the_similar_label_with_an_equal_gradient(apply, student, task):
    learner = student(task, **ALL)
    labels = similar_classes(task)[task.forget.y]
    assert torch.all(labels != task.forget.y)
    kept = learner.gradient(cross_entropy(learner(task.retain.x), task.retain.y))
    left = learner.gradient(cross_entropy(learner(task.forget.x), labels))
    expected = adam(task.teacher.theta, kept - kept.norm() / left.norm() * left)
    options = {"similarity": "class", "away": True, "pairing": "zip"}
    after = apply(task, "qmul", options, steps=1, **ALL).theta
    moved = (kept - left).abs() > 1e-5
    assert torch.allclose(after[moved], expected[moved], atol=1e-4)


def test_lca_copies_are_the_complement_in_the_mean(student, task):
    rows = wrong_copies(task.forget, 3)
    assert len(rows) == 2 * len(task.forget)
    for number, (x, y) in enumerate(zip(task.forget.x, task.forget.y, strict=True)):
        two = slice(2 * number, 2 * number + 2)
        assert sorted([*rows.y[two].tolist(), int(y)]) == [0, 1, 2]
        assert torch.equal(rows.x[two], torch.stack([x, x]))
    learner = student(task)
    whole = complement_cross_entropy(learner(task.forget.x), task.forget.y)
    assert torch.allclose(cross_entropy(learner(rows.x), rows.y), whole, rtol=1e-5)


def test_lca_with_copies_sees_a_batch_of_pairs_per_step(apply, task, monkeypatch):
    sizes = []

    def spy(logits, y):
        sizes.append(len(y))
        return cross_entropy(logits, y)

    monkeypatch.setattr("qhu.unlearn.lca.cross_entropy", spy)
    apply(task, "lca", {"copies": True}, steps=2, batch_size=8)
    assert sizes == [8] * 4  # in turn a retain batch and a batch of pairs


def test_noised_gradients_are_adam_and_certify_nothing(apply, task):
    options = {"noise": "gradients", "sigma": 0.05, "clip": 0.3}
    applied = apply(task, "noisy_finetune", options, steps=3, lr=0.02, **ALL)
    theta = task.teacher.theta.clone().requires_grad_()
    optimizer, stream = torch.optim.Adam([theta], lr=0.02), torch.Generator().manual_seed(0)
    for _ in range(3):
        pick = torch.randperm(len(task.retain), generator=stream)
        logits = task.net.logits(theta, task.retain.x[pick], {})
        (gradient,) = torch.autograd.grad(cross_entropy(logits, task.retain.y[pick]), theta)
        gradient *= min(1.0, 0.3 / float(gradient.norm()))
        theta.grad = gradient + 0.05 * torch.randn(len(theta), generator=stream)
        optimizer.step()
    assert torch.allclose(applied.theta, theta.detach(), atol=1e-4)
    assert set(applied.facts) == {"C1", "sigma"}


def test_noised_gradients_need_a_size(apply, task):
    with pytest.raises(UserError, match="give sigma"):
        apply(task, "noisy_finetune", {"noise": "gradients"})


def test_noisy_steps_need_a_step_budget(apply, task):
    from qhu.unlearn.learner import UNBOUNDED

    with pytest.raises(UserError, match="give noisy_finetune steps"):
        apply(task, "noisy_finetune", steps=UNBOUNDED)


def test_scrub_rewind_takes_no_patience(apply, student, class_task):
    """The best epoch by another score is not gone back to before the rewind."""
    from qhu import registry

    learner = student(class_task, steps=12)
    learner.patience, learner.score = 1, lambda state: 0.0
    options = registry.method.options("scrub_rewind", {})
    registry.method["scrub_rewind"].make(learner, class_task, options)
    plain = apply(class_task, "scrub_rewind", steps=12)
    assert torch.equal(learner.theta.detach(), plain.theta)


@pytest.mark.parametrize("name", ["neggrad_plus", "lca", "adv_uniform"])
def test_zip_ends_an_epoch_with_the_shorter_set(student, task, name):
    from qhu import registry

    few = replace(task, forget=Rows(task.forget.x[:5], task.forget.y[:5]))
    lengths = {}
    for pairing in ("cycle", "zip"):
        learner = student(few, steps=10**6, batch_size=4)
        learner.max_epochs = 2
        options = registry.method.options(name, {"pairing": pairing})
        registry.method[name].make(learner, few, options)
        lengths[pairing] = len(learner.histories[0])
    assert lengths == {"cycle": 2 * -(-len(task.retain) // 4), "zip": 2 * 2}
