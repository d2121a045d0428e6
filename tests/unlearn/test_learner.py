"""What methods rely on: the learner's scope covers batch norm, its stream covers dropout."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from qhu.data.rows import Rows
from qhu.seeding import torch_stream
from qhu.settings.parts import TrainSpec
from qhu.training import FitJob, fit
from qhu.unlearn.learner import UNBOUNDED


def test_dropout_comes_from_the_models_own_stream(make_net, student, task):
    net = make_net(layers=1, hidden=(8,), dropout=0.5)

    def trained():
        init = net.initial(torch_stream(0, "init"))
        job = FitJob(task.retain, task.val, init, torch_stream(0, "order"))
        return fit(net, [job], TrainSpec(epochs=2))[0].state.theta

    first = trained()
    torch.rand(5)  # another model's draws
    assert torch.equal(first, trained())


def test_a_single_row_trains_under_batch_norm(make_net, task):
    net = make_net(layers=1, batch_norm=True)
    rows = Rows(task.retain.x[:5], task.retain.y[:5])  # batches of four and one
    job = FitJob(rows, task.val, net.initial(torch_stream(0, "init")), torch_stream(0, "order"))
    (result,) = fit(net, [job], TrainSpec(epochs=2, batch_size=4))
    assert result.state.theta.isfinite().all()


def test_batch_norm_outside_the_scope_keeps_its_statistics(student, norm_task):
    for scope, still in (("quantum", True), ("classical", False)):
        learner = student(norm_task, scope=scope)
        learner(norm_task.retain.x)
        learner.load(norm_task.teacher if scope == "classical" else norm_task.init)
        learner(norm_task.retain.x)
        mean = "head.1.running_mean"
        kept = torch.equal(learner.state.buffers[mean], norm_task.teacher.buffers[mean])
        assert kept == still


def climb(learner, rows):
    for _ in learner.epochs():
        for batch in learner.batches(rows):
            learner.descend(-cross_entropy(learner(batch.x), batch.y))


def test_epochs_bound_the_steps(student, task):
    learner = student(task, steps=UNBOUNDED, batch_size=4)
    learner.max_epochs = 3
    climb(learner, task.forget)
    assert len(learner.histories[0]) == 3 * -(-len(task.forget) // 4)
    assert learner.kept == []


def test_patience_goes_back_to_the_best_epoch(student, norm_task):
    """Scores by hand: the third epoch is best, the fifth is as good and too late."""
    learner = student(norm_task, steps=UNBOUNDED, batch_size=4)
    scores, seen = iter([0.2, 0.1, 0.7, 0.3, 0.7, 0.6]), []

    def score(state):
        seen.append(state.clone())
        return torch.tensor(next(scores))

    learner.max_epochs, learner.patience, learner.score = 50, 3, score
    climb(learner, norm_task.forget)
    per_epoch = -(-len(norm_task.forget) // 4)
    assert len(seen) == 6 and len(learner.histories[0]) == 6 * per_epoch
    assert learner.kept == [3 * per_epoch]
    assert torch.equal(learner.theta.detach(), seen[2].theta)
    for name, buffer in learner.state.buffers.items():
        assert torch.equal(buffer, seen[2].buffers[name])
    scored = [line["score"] for line in learner.histories[0] if "score" in line]
    assert scored[:3] == pytest.approx([0.2, 0.1, 0.7])


def test_pairs_cycle_or_end_with_the_shorter(student, task):
    learner = student(task, steps=100, batch_size=8)
    few = Rows(task.forget.x[:9], task.forget.y[:9])
    cycled = list(learner.pairs(task.retain, few, "cycle"))
    assert [len(f) for _, f in cycled[:4]] == [8, 1, 8, 1]
    assert sum(len(r) for r, _ in cycled) == len(task.retain)
    zipped = list(learner.pairs(task.retain, few, "zip"))
    assert [(len(r), len(f)) for r, f in zipped] == [(8, 8), (8, 1)]
    assert len(list(learner.pairs(few, task.retain, "zip"))) == 2
