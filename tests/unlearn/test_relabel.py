"""Methods that give the forget rows other targets: labels, or outputs of an untrained model."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from qhu import registry
from qhu.data.rows import Rows
from qhu.unlearn.adv_uniform import craft
from qhu.unlearn.bad_teacher import bad_teacher
from qhu.unlearn.losses import complement_cross_entropy, distillation, divergence_from_uniform
from qhu.unlearn.qmul import balance, gradient_norm, similar_labels
from qhu.unlearn.random_label import draw_labels
from qhu.unlearn.salun import salient, salun


def predictions(task, state, rows):
    task.net.eval()
    with torch.no_grad():
        return task.net.logits(state.theta, rows.x, state.buffers)


@pytest.mark.parametrize(("exclude_true", "share"), [(False, 1 / 4), (True, 0)])
def test_random_labels_are_uniform(student, task, exclude_true, share):
    true = torch.arange(4).repeat(5000)
    drawn = draw_labels(student(task), true, 4, exclude_true)
    assert float((drawn == true).float().mean()) == pytest.approx(share, abs=0.02)
    counts = torch.bincount(drawn, minlength=4) / len(drawn)
    assert torch.allclose(counts, torch.full((4,), 0.25), atol=0.02)


@pytest.mark.parametrize("resample", [True, False])
def test_random_labels_are_drawn_every_epoch_or_once(apply, task, monkeypatch, resample):
    drawn = []

    def record(*args):
        drawn.append(draw_labels(*args))
        return drawn[-1]

    monkeypatch.setattr("qhu.unlearn.random_label.draw_labels", record)
    per_epoch = sum(-(-len(rows) // 32) for rows in (task.retain, task.forget))
    apply(task, "random_label", {"resample": resample}, steps=3 * per_epoch)
    assert len(drawn) == (3 if resample else 1)


def test_qmul_labels_are_the_closest_wrong_class(student, task):
    learner = student(task)
    p = predictions(task, task.teacher, task.forget).softmax(1)
    labels = similar_labels(learner, task.forget, "probability")
    assert torch.all(labels != task.forget.y)
    for row, true, label in zip(p, task.forget.y, labels, strict=True):
        wrong = [c for c in range(3) if c != true]
        assert label == min(wrong, key=lambda c: abs(row[c] - row[true]))


def test_qmul_weights_add_to_one_and_balance_the_gradients(student, task):
    learner = student(task)
    similar = Rows(task.forget.x, similar_labels(learner, task.forget, "probability"))
    norms = gradient_norm(learner, similar), gradient_norm(learner, task.retain)
    forget, retain = balance(*norms)
    assert float(forget + retain) == pytest.approx(1)
    assert float(forget * norms[0]) == pytest.approx(float(retain * norms[1]))
    assert [float(w) for w in balance(torch.tensor(0.0), torch.tensor(0.0))] == [0.5, 0.5]


@pytest.mark.parametrize("similarity", ["probability", "logit"])
def test_qmul_descends_on_the_similar_label(apply, student, task, similarity):
    labels = similar_labels(student(task), task.forget, similarity)
    after = apply(task, "qmul", {"similarity": similarity}, steps=5, lr=1e-3).student.state
    before = cross_entropy(predictions(task, task.teacher, task.forget), labels)
    assert cross_entropy(predictions(task, after, task.forget), labels) < before


def test_lca_moves_towards_the_wrong_classes(apply, task):
    after = apply(task, "lca", steps=10).student.state
    before, now = (
        complement_cross_entropy(predictions(task, state, task.forget), task.forget.y)
        for state in (task.teacher, after)
    )
    assert now < before


@pytest.mark.parametrize(("name", "weight"), [("lca", "beta"), ("adv_uniform", "weight")])
def test_without_weight_on_forget_they_are_finetuning(apply, task, name, weight):
    batch = {"steps": 1, "batch_size": 200}
    expected = apply(task, "finetune", **batch).theta
    assert torch.allclose(apply(task, name, {weight: 0.0}, **batch).theta, expected, atol=1e-6)


def test_adversarial_rows_are_close_inside_the_span_and_surer(student, norm_task):
    learner, x = student(norm_task), norm_task.forget.x
    crafted = craft(learner, x, 0.05, norm_task.span)
    assert (crafted - x).abs().max() <= 0.05 + 1e-6
    assert crafted.abs().max() <= torch.pi + 1e-6 and not crafted.requires_grad
    before, after = (
        divergence_from_uniform(learner(rows, training=False)) for rows in (x, crafted)
    )
    assert after > before


def test_crafting_leaves_batch_norm_alone(student, norm_task):
    learner = student(norm_task)
    craft(learner, norm_task.forget.x, 0.1, norm_task.span)
    for key, buffer in learner.state.buffers.items():
        assert torch.equal(buffer, norm_task.teacher.buffers[key])


def test_adv_uniform_makes_forget_rows_less_sure_than_finetuning(apply, task):
    adversarial, tuned = (
        apply(task, name, steps=20).student.state for name in ("adv_uniform", "finetune")
    )
    sure = [
        divergence_from_uniform(predictions(task, s, task.forget)) for s in (adversarial, tuned)
    ]
    assert sure[0] < sure[1]


@pytest.mark.parametrize("optimizer", [{}, {"momentum": 0.9, "weight_decay": 0.1}])
def test_salun_moves_the_salient_half_alone(student, norm_task, optimizer):
    learner = student(norm_task, steps=12)
    if optimizer:
        learner.use("sgd", **optimizer)
    mask = salient(learner, norm_task, 0.5)
    salun(learner, norm_task, registry.method.options("salun", {}))
    before, after = norm_task.teacher.theta, learner.state.theta
    assert torch.equal(after[~mask], before[~mask])
    assert (after[mask] != before[mask]).all() and learner.steps_left < 6
    mean = "head.1.running_mean"
    assert not torch.equal(learner.state.buffers[mean], norm_task.teacher.buffers[mean])


@pytest.mark.parametrize("scope", ["all", "classical"])
def test_salient_entries_are_the_largest_gradients_of_the_scope(student, task, scope):
    learner = student(task, scope=scope)
    theta = task.teacher.theta.clone().requires_grad_()
    logits = task.net.logits(theta, task.forget.x, {})
    cross_entropy(logits, task.forget.y).backward()
    inside = task.net.theta.mask(scope)
    mask = salient(learner, task, 0.25)
    assert not mask[~inside].any() and int(mask.sum()) == -(-int(inside.sum()) // 4)
    assert theta.grad[mask].abs().min() >= theta.grad[inside & ~mask].abs().max() - 1e-6


def test_salun_of_all_weights_is_random_label(apply, task):
    whole, plain = (
        apply(task, name, options, steps=10).theta
        for name, options in (("salun", {"share": 1.0}), ("random_label", {}))
    )
    assert torch.equal(whole, plain)


def test_bad_teacher_moves_forget_rows_to_the_untrained_outputs(apply, task):
    after = apply(task, "bad_teacher", steps=30).student.state
    untrained = predictions(task, task.init, task.forget)
    before, now = (
        distillation(predictions(task, state, task.forget), untrained, 1.0)
        for state in (task.teacher, after)
    )
    assert now < before / 2


def test_bad_teacher_with_the_teacher_as_its_bad_one_moves_nothing(apply, task):
    same = replace(task, init=task.teacher)
    assert torch.equal(apply(same, "bad_teacher", steps=10).theta, task.teacher.theta)


def test_bad_teacher_takes_the_share_of_retain_rows(student, task):
    for share in (0.3, 1.0):
        learner = student(task, steps=50, batch_size=200)
        sizes = []
        learner.picks = lambda count, sizes=sizes: sizes.append(count) or iter([torch.arange(2)])
        bad_teacher(learner, task, registry.method.options("bad_teacher", {"retain_share": share}))
        assert set(sizes) == {len(task.forget) + math.ceil(share * len(task.retain))}
