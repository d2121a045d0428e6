"""Fine-tuning, CF-k, EU-k, retraining and the untouched teacher."""

import pytest
import torch


def changed(applied, task):
    """Names of the layers that left the teacher's values."""
    before, after = task.teacher.theta, applied.theta
    layers = task.net.theta.layers
    return [n for n, place in layers.items() if not torch.equal(before[place], after[place])]


def test_finetuning_lowers_the_retain_loss(apply, loss, task):
    after = apply(task, "finetune", steps=20).student.state
    assert loss(task, after, task.retain) < loss(task, task.teacher, task.retain)


@pytest.mark.parametrize("name", ["cf_k", "eu_k"])
@pytest.mark.parametrize("fixture", ["task", "norm_task"])
@pytest.mark.parametrize(
    ("k", "scope", "layers"),
    [
        (1, "all", ["head.last"]),
        (2, "all", ["head.0", "head.last"]),
        (3, "all", ["quantum.0", "head.0", "head.last"]),
        (1, "quantum", ["quantum.0"]),
        (9, "classical", ["head.0", "head.last"]),
    ],
)
def test_only_the_last_k_layers_of_the_scope_move(request, apply, name, fixture, k, scope, layers):
    task = request.getfixturevalue(fixture)
    last = list(task.net.theta.layers)[-1]
    applied = apply(task, name, {"k": k}, scope=scope, steps=3)
    assert changed(applied, task) == [last if n == "head.last" else n for n in layers]


@pytest.mark.parametrize("name", ["cf_k", "eu_k"])
def test_frozen_batch_norm_keeps_its_statistics(apply, norm_task, name):
    applied = apply(norm_task, name, {"k": 1}, steps=3)
    for key, buffer in applied.student.state.buffers.items():
        assert torch.equal(buffer, norm_task.teacher.buffers[key])


def test_eu_k_starts_from_the_initial_state_and_cf_k_from_the_teacher(
    apply, norm_task, monkeypatch
):
    mask = norm_task.net.theta.last_layers(2, norm_task.net.theta.mask("all"))
    starts = {"cf_k": norm_task.teacher, "eu_k": norm_task.init}
    for name, start in starts.items():
        monkeypatch.setattr(f"qhu.unlearn.{name}.train", lambda student, rows: None)
        applied = apply(norm_task, name, {"k": 2})
        assert torch.equal(applied.theta[mask], start.theta[mask])
        for key, buffer in applied.student.state.buffers.items():
            assert torch.equal(buffer, start.buffers[key])


def test_retraining_is_the_oracle_and_none_the_teacher(apply, norm_task):
    assert torch.equal(apply(norm_task, "retrain").theta, norm_task.init.theta)  # of the fixture
    assert torch.equal(apply(norm_task, "none").theta, norm_task.teacher.theta)
