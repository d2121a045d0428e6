"""What methods rely on: the learner's scope covers batch norm, its stream covers dropout."""

import torch

from qhu.seeding import torch_stream
from qhu.settings import TrainSpec
from qhu.training import FitJob, Rows, fit


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
