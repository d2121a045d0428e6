"""SCRUB and its rewind."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from qhu.data.rows import Rows
from qhu.errors import UserError
from qhu.unlearn.losses import beyond_rounding, distillation
from qhu.unlearn.scrub import Options, alternate
from qhu.unlearn.scrub_rewind import closest, validation_weights


def test_without_max_epochs_it_is_distillation(apply, student, task):
    learner = student(task, steps=2 * -(-len(task.retain) // 32))
    for _ in learner.epochs():
        for rows in learner.batches(task.taught(task.retain)):
            assert torch.allclose(rows.teacher, task.teacher_logits(rows.x), atol=1e-6)
            logits = learner(rows.x)
            learner.descend(
                0.7 * cross_entropy(logits, rows.y) + 0.2 * distillation(logits, rows.teacher, 3.0)
            )
    options = {"msteps": 0, "gamma": 0.7, "alpha": 0.2, "temperature": 3.0}
    after = apply(task, "scrub", options, steps=learner.budget + 1)
    assert torch.allclose(after.theta, learner.theta, rtol=0, atol=1e-6)  # no rounding at the start


def after_each_step(learner, look):
    """What ``look()`` gives after every step that the learner takes from here on."""
    seen, follow = [], learner.follow

    def watched(gradient, **logged):
        follow(gradient, **logged)
        seen.append(look())

    learner.follow = watched
    return seen


@pytest.mark.parametrize(
    ("steps", "epochs", "msteps", "sizes"),
    [  # by hand: a max epoch takes 1 step, a min epoch 6
        (40, None, 2, [7, 7, 6, 6, 6, 6]),
        (39, None, 5, [7, 7, 7, 6, 6, 6]),  # three, and two without; a fourth needs seven epochs
        (32, None, 5, [7, 7, 6, 6, 6]),  # three need 33 steps
        (26, None, 5, [7, 7, 6, 6]),
        (25, None, 5, [7, 6, 6, 6]),
        (7, None, 5, [7]),
        (12, None, 5, [7]),
        (10**6, 5, 5, [7, 7, 7, 6, 6]),
        (10**6, 4, 5, [7, 7, 6, 6]),
        (12, None, 0, [6, 6]),
    ],
)
def test_max_epochs_lead_and_leave_a_tail(student, task, steps, epochs, msteps, sizes):
    learner = student(task, steps=steps, batch_size=16)
    learner.max_epochs = epochs
    ends = [len(learner.histories[0]) for _ in alternate(learner, task, Options(msteps=msteps))]
    assert [b - a for a, b in zip([0, *ends], ends, strict=False)] == sizes


def test_a_budget_without_a_whole_epoch_is_refused(apply, task):
    for name in ("scrub", "scrub_rewind", "random_label"):
        with pytest.raises(UserError, match=r"one takes 7 steps and the budget has 6; raise steps"):
            apply(task, name, steps=6, batch_size=16)


@pytest.mark.parametrize("gamma", [1.0, 0.0])
def test_the_first_max_epoch_starts_at_rest(student, task, gamma):
    """At the teacher the divergence is smallest: its slope is 0, and Adam stays where it is.

    Without cross-entropy the same holds of the min epoch.
    """
    learner = student(task, steps=7, batch_size=16)
    thetas = after_each_step(learner, lambda: learner.theta.detach().clone())
    list(alternate(learner, task, Options(gamma=gamma)))
    assert torch.equal(thetas[0], task.teacher.theta)
    assert torch.equal(thetas[-1], task.teacher.theta) == (gamma == 0)


def test_away_from_the_teacher_nothing_counts_as_rounding(task):
    """Two per cent of a step of Adam, 2e-4, in one entry of θ leaves the loss and slope alone."""
    logits = task.teacher_logits(task.forget.x)
    moved = task.teacher.theta.clone()
    moved[-1] += 2e-4
    near = task.net.logits(moved, task.forget.x, {})
    assert torch.equal(beyond_rounding(near, logits), near)


def test_max_epochs_leave_the_teacher_on_the_forget_rows(student, class_task):
    """What they do by themselves: min epochs may drift there on their own, nothing holds them."""
    learner = student(class_task, steps=11, batch_size=10)  # an epoch of 4 max and 7 min steps
    with torch.no_grad():  # at the teacher itself the divergence has no slope
        learner.theta.add_(0.05 * learner.noise())

    def divergence():
        logits = learner(class_task.forget.x, training=False).detach()
        return distillation(logits, class_task.teacher_logits(class_task.forget.x), 1.0)

    before = divergence()
    after = after_each_step(learner, divergence)
    assert len(list(alternate(learner, class_task, Options(msteps=1)))) == 1
    assert after[3] > 2 * before


def test_rewinds_to_the_checkpoint_whose_forget_error_is_closest(apply, student, class_task):
    applied = apply(class_task, "scrub_rewind", {"msteps": 6}, steps=30)
    learner = student(class_task, steps=30)
    checkpoints = [learner.state.clone() for _ in alternate(learner, class_task, Options(msteps=6))]

    def error(state, rows):
        logits = class_task.net.logits(state.theta, rows.x, state.buffers)
        return float((logits.argmax(1) != rows.y).float().mean())

    same_class = class_task.val.y == 0
    unseen = Rows(class_task.val.x[same_class], class_task.val.y[same_class])
    reference = error(checkpoints[-1], unseen)
    gaps = [abs(error(state, class_task.forget) - reference) for state in checkpoints]
    chosen = int(applied.facts["epoch"])
    assert gaps[chosen] == min(gaps)
    assert applied.facts["reference_error"] == pytest.approx(reference)
    assert torch.equal(applied.theta, checkpoints[chosen].theta.detach())


def test_rewind_really_goes_back(apply, class_task, monkeypatch):
    monkeypatch.setattr(
        "qhu.unlearn.scrub_rewind.closest", lambda errors, reference: torch.tensor(1)
    )
    rewound = apply(class_task, "scrub_rewind", steps=30)
    assert not torch.equal(rewound.theta, apply(class_task, "scrub", steps=30).theta)


def test_of_equally_close_checkpoints_the_latest():
    assert closest(torch.tensor([0.0, 0.3, 0.5, 0.3]), torch.tensor(0.35)) == 3
    assert closest(torch.tensor([0.4, 0.4]), torch.tensor(0.4)) == 1
    of_two = torch.tensor([[0.0, 0.9], [0.3, 0.1], [0.5, 0.2]])
    assert closest(of_two, torch.tensor([0.35, 1.0])).tolist() == [1, 0]


def test_reference_rows_are_distributed_like_the_forget_rows(task):
    few = replace(task, forget=Rows(task.forget.x[:4], torch.tensor([0, 0, 0, 2])))
    weights = validation_weights(few)
    shares = torch.zeros(3).index_add(0, few.val.y, weights)
    assert torch.allclose(shares, torch.tensor([0.75, 0.0, 0.25]))


def test_rewind_needs_validation_rows_of_the_forgotten_classes(apply, class_task):
    others = class_task.val.y != 0
    blind = replace(class_task, val=Rows(class_task.val.x[others], class_task.val.y[others]))
    with pytest.raises(UserError, match=r"data\.val"):
        apply(blind, "scrub_rewind")
