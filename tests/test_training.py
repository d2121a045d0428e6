import pytest
import torch
import torch.nn.functional as F

from qhu.data.rows import Rows
from qhu.errors import QhuError
from qhu.seeding import torch_stream
from qhu.settings.parts import TrainSpec
from qhu.training import FitJob, fit
from qhu.unlearn.learner import Learner


def job(net, seed, n=12, x=None, lr=None):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 4, generator=generator) if x is None else x
    y = (x.sum(dim=1) > 0).long()
    val = Rows(torch.randn(5, 4, generator=generator), torch.tensor([0, 1, 0, 1, 2]))
    init, order = net.initial(torch_stream(seed, "init")), torch_stream(seed, "o")
    return FitJob(Rows(x, y), val, init, order, lr)


SPEC = TrainSpec(epochs=6, batch_size=5, lr=0.05)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_fitting_equals_plain_torch(make_net, schedule):
    net = make_net()
    (result,) = fit(net, [job(net, 0)], SPEC.model_copy(update={"schedule": schedule}))
    plain, order = job(net, 0), torch_stream(0, "o")
    net.load(plain.init)
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    for _ in range(6):
        for pick in torch.randperm(12, generator=order).split(5):
            optimizer.zero_grad()
            F.cross_entropy(net(plain.train.x[pick]), plain.train.y[pick]).backward()
            optimizer.step()
        if schedule == "cosine":
            falling.step()
    assert torch.allclose(result.state.theta, net.state().theta, atol=1e-5)
    assert result.steps == 18
    assert [line["epoch"] for line in result.history] == list(range(6))


@pytest.mark.parametrize("options", [{}, {"batch_norm": True}, {"layers": 1, "hidden": (4, 4)}])
@pytest.mark.parametrize("patience", [None, 1])
def test_many_at_once_equal_one_by_one(make_net, options, patience):
    net, spec = make_net(**options), SPEC.model_copy(update={"patience": patience})
    sizes = [12, 12, 9, 12]
    seen = []
    together = fit(
        net, [job(net, s, n) for s, n in enumerate(sizes)], spec, lambda i, _: seen.append(i)
    )
    assert sorted(seen) == [0, 1, 2, 3]
    for seed, n in enumerate(sizes):
        (alone,) = fit(net, [job(net, seed, n)], spec)
        assert torch.allclose(together[seed].state.theta, alone.state.theta, atol=1e-5)
        for name, buffer in alone.state.buffers.items():
            assert torch.allclose(
                together[seed].state.buffers[name].float(), buffer.float(), atol=1e-5
            )
        assert together[seed].steps == alone.steps
        assert len(together[seed].history) == len(alone.history)


def test_candidates_train_together_at_their_own_learning_rates(make_net):
    net, rates = make_net(batch_norm=True), [0.02, 0.001, None, 0.005]
    together = fit(net, [job(net, 0, lr=lr) for lr in rates], SPEC)
    for result, lr in zip(together, rates, strict=True):
        alone = SPEC.model_copy(update={"lr": lr or SPEC.lr})
        (expected,) = fit(net, [job(net, 0)], alone)
        assert torch.allclose(result.state.theta, expected.state.theta, atol=1e-5)
        losses, alone_losses = (
            [line["val_loss"] for line in one.history] for one in (result, expected)
        )
        assert losses == pytest.approx(alone_losses, abs=1e-5)
    assert not torch.allclose(together[0].state.theta, together[1].state.theta, atol=1e-2)


def test_validation_rows_are_evaluated_a_few_at_a_time(make_net, monkeypatch):
    net, seen = make_net(batch_norm=True), []
    jobs = [job(net, seed) for seed in (0, 1)]
    whole = fit(net, jobs, SPEC)
    jobs = [job(net, seed) for seed in (0, 1)]
    monkeypatch.setattr("qhu.model.hybrid.ROWS_IN_CACHE", 4)
    net.quantum.register_forward_pre_hook(lambda _, rows: seen.append(len(rows[0])))
    parts = fit(net, jobs, SPEC)
    assert 2 in seen and 1 in seen  # two rows of each model's five, and the one left over
    for one, other in zip(whole, parts, strict=True):
        assert torch.equal(one.state.theta, other.state.theta)
        for line, same in zip(one.history, other.history, strict=True):
            assert line == pytest.approx(same, abs=1e-6)


def test_patience_keeps_the_best_epoch(make_net):
    net = make_net()
    spec = TrainSpec(epochs=40, batch_size=12, lr=0.5, patience=3)
    (result,) = fit(net, [job(net, 1)], spec)
    losses = [line["val_loss"] for line in result.history]
    best = losses.index(min(losses))
    assert len(losses) == min(best + 4, 40) < 40
    net.load(result.state)
    net.eval()
    val = job(net, 1).val
    assert float(F.cross_entropy(net(val.x), val.y).detach()) == pytest.approx(
        min(losses), abs=1e-5
    )


def learner(net, **changes):
    start = job(net, 0)
    defaults = {"moving": net.theta.mask("all"), "steps_left": 5, "lr": 0.1, "batch_size": 5}
    made = Learner(
        net=net, state=start.init, orders=[torch_stream(0, "b")], **{**defaults, **changes}
    )
    return made, start.train, start.init


@pytest.mark.parametrize(
    "optimizer", [("adam", {}), ("sgd", {"momentum": 0.9, "weight_decay": 0.5})]
)
@pytest.mark.parametrize("scope", ["quantum", "classical"])
def test_what_is_out_of_scope_stays_bit_equal(make_net, scope, optimizer):
    net = make_net(batch_norm=True)
    student, rows, init = learner(net, moving=net.theta.mask(scope))
    student.use(optimizer[0], **optimizer[1])
    for batch in student.cycle(rows):
        student.descend(F.cross_entropy(student(batch.x), batch.y))
    student_free = student.state.theta.detach() != init.theta
    assert not student_free[~net.theta.mask(scope)].any()
    assert student_free[net.theta.mask(scope)].any()
    assert len(student.histories[0]) == 5


def test_the_budget_cannot_be_exceeded(make_net):
    student, rows, _ = learner(make_net(), steps_left=1)
    student.descend(F.cross_entropy(student(rows.x), rows.y))
    with pytest.raises(QhuError, match="more than its 1 steps"):
        student.descend(F.cross_entropy(student(rows.x), rows.y))


def test_epochs_and_batches_end_with_the_budget(make_net):
    student, rows, _ = learner(make_net(), steps_left=5)
    epochs = []
    for epoch in student.epochs():
        for batch in student.batches(rows):
            student.descend(F.cross_entropy(student(batch.x), batch.y))
        epochs.append(epoch)
    assert epochs == [0, 1]
    assert student.steps_left == 0


def test_an_epoch_without_a_step_is_an_error_not_a_hang(make_net):
    student, _, _ = learner(make_net())
    with pytest.raises(QhuError, match="without taking a step"):
        list(student.epochs())


def test_a_pass_shows_every_row_once(make_net):
    student, rows, _ = learner(make_net())
    seen = torch.cat([batch.x for batch in student.batches(rows)])
    assert sorted(seen[:, 0].tolist()) == sorted(rows.x[:, 0].tolist())
