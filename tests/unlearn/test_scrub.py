"""SCRUB and its rewind."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from qhu.errors import UserError
from qhu.training import Rows
from qhu.unlearn.losses import distillation
from qhu.unlearn.scrub import Options, alternate
from qhu.unlearn.scrub_rewind import closest, validation_weights


def test_without_max_epochs_it_is_distillation(apply, student, task):
    learner = student(task, steps=7)
    for _ in learner.epochs():
        for rows in learner.batches(task.taught(task.retain)):
            assert torch.allclose(rows.teacher, task.teacher_logits(rows.x), atol=1e-6)
            logits = learner(rows.x)
            learner.descend(
                0.7 * cross_entropy(logits, rows.y) + 0.2 * distillation(logits, rows.teacher, 3.0)
            )
    options = {"msteps": 0, "gamma": 0.7, "alpha": 0.2, "temperature": 3.0}
    assert torch.equal(apply(task, "scrub", options, steps=7).theta, learner.state.theta)


def test_max_epochs_lead_and_then_stop(student, task):
    learner = student(task, steps=40, batch_size=16)
    lengths = [len(learner.history) for _ in alternate(learner, task, Options(msteps=2))]
    sizes = [b - a for a, b in zip([0, *lengths], lengths, strict=False)]
    retain, forget = (-(-len(rows) // 16) for rows in (task.retain, task.forget))
    assert sizes[:3] == [retain + forget, retain + forget, retain]
    assert sum(sizes) == 40


def test_max_epochs_leave_the_teacher_on_the_forget_rows(student, class_task):
    """What they do by themselves: min epochs may drift there on their own, nothing holds them."""
    learner = student(class_task, steps=3, batch_size=10)  # within the first max epoch
    with torch.no_grad():  # at the teacher itself the divergence has no slope
        learner.theta.add_(0.05 * learner.noise())

    def divergence():
        logits = learner(class_task.forget.x, training=False).detach()
        return distillation(logits, class_task.teacher_logits(class_task.forget.x), 1.0)

    before = divergence()
    assert len(list(alternate(learner, class_task, Options(msteps=1)))) == 1
    assert divergence() > 2 * before


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
    monkeypatch.setattr("qhu.unlearn.scrub_rewind.closest", lambda errors, reference: 1)
    rewound = apply(class_task, "scrub_rewind", steps=30)
    assert not torch.equal(rewound.theta, apply(class_task, "scrub", steps=30).theta)


def test_of_equally_close_checkpoints_the_latest():
    assert closest([0.0, 0.3, 0.5, 0.3], 0.35) == 3
    assert closest([0.4, 0.4], 0.4) == 1


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
