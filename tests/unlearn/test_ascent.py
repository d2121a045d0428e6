"""Gradient ascent, NegGrad+ and ascent under an elastic penalty."""

import pytest
import torch


def test_one_small_step_of_ascent_raises_the_forget_loss(apply, loss, task):
    after = apply(task, "gradient_ascent", steps=1, lr=1e-4).student.state
    assert loss(task, after, task.forget) > loss(task, task.teacher, task.forget)


@pytest.mark.parametrize("batch_size", [32, 200])
def test_neggrad_plus_with_all_weight_on_retain_is_finetuning(apply, task, batch_size):
    epoch = -(-len(task.retain) // batch_size)  # later epochs see other batches
    kwargs = {"steps": epoch, "batch_size": batch_size}
    negative = apply(task, "neggrad_plus", {"alpha": 1.0}, **kwargs)
    assert torch.allclose(negative.theta, apply(task, "finetune", **kwargs).theta, atol=1e-6)


def test_neggrad_plus_cycles_the_forget_rows_over_the_whole_retain_epoch(apply, task):
    history = apply(task, "neggrad_plus", steps=20, batch_size=8).student.histories[0]
    assert len(history) == 20 and len(task.forget) <= 16 < len(task.retain)


def test_neggrad_plus_raises_the_forget_loss_beside_finetuning(apply, loss, class_task):
    negative = apply(class_task, "neggrad_plus", steps=15).student.state
    tuned = apply(class_task, "finetune", steps=15).student.state
    rows = class_task.forget
    assert loss(class_task, negative, rows) > 2 * loss(class_task, tuned, rows)


def test_without_penalty_ewc_is_ascent_and_with_it_retains_more(apply, loss, task):
    def ewc(penalty):
        return apply(task, "ewc_ascent", {"penalty": penalty}, steps=15, lr=3e-3)

    plain = apply(task, "gradient_ascent", steps=15, lr=3e-3)
    assert torch.allclose(ewc(0).theta, plain.theta, atol=1e-6)
    held = loss(task, ewc(100).student.state, task.retain)
    assert held < loss(task, plain.student.state, task.retain)
