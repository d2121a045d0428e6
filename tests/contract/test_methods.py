"""What every registered unlearning method owes: run over the registry."""

from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from torch import nn

from qhu import registry
from qhu.data.rows import Rows
from qhu.errors import UserError
from qhu.model.theta import Theta
from qhu.settings.parts import UnlearnSpec
from qhu.unlearn.circumstances import Circumstances
from qhu.unlearn.learner import UNBOUNDED, Learner
from qhu.unlearn.quantum import StateOptions
from qhu.unlearn.task import MethodOptions, Task
from qhu.unlearn.unlearning import Unlearning, UnlearnJob

METHODS = registry.method.names()
BUDGET = 5
MOVING = {"ssd": {"alpha": 1.0}}
"""Options by which a method moves these untrained networks, where its defaults may leave them."""
PAGES = Path(__file__).parents[2] / "docs" / "methods"


def with_front(net):
    """A trainable front, as image models have one."""
    net.front = nn.Sequential(nn.Linear(5, 4), nn.Tanh())
    net.theta = Theta(net, [net.quantum.weight.numel()])
    return net


@pytest.fixture(params=["plain", "no head layers", "batch norm, dropout", "front"])
def net(request, make_net):
    model = {
        "plain": {},
        "no head layers": {"hidden": ()},
        "batch norm, dropout": {"batch_norm": True, "dropout": 0.3},
        "front": {"batch_norm": True},
    }[request.param]
    built = make_net(layers=1, **{"hidden": (5,), **model})
    return with_front(built) if request.param == "front" else built


def rows(generator, labels, features):
    x = torch.empty(len(labels), features).uniform_(-3, 3, generator=generator)
    return Rows(x, torch.tensor(labels))


def task_for(net, forget=(0, 0, 1, 2)):
    generator = torch.Generator().manual_seed(3)
    features = 5 if isinstance(net.front, nn.Sequential) else 4
    teacher, init, oracle = (net.initial(generator) for _ in range(3))
    return Task(
        net=net,
        retain=rows(generator, [0, 1, 2] * 3, features),
        forget=rows(generator, forget, features),
        val=rows(generator, [0, 0, 1, 1, 2, 2], features),
        classes=3,
        teacher=teacher,
        init=init,
        span=(-3.0, 3.0),
        retrain=oracle.clone,
    )


def run(name, task, scope="all", steps=BUDGET):
    options = registry.method.options(name, MOVING.get(name, {}))
    assert isinstance(options, MethodOptions)
    student = Learner(
        net=task.net,
        state=task.teacher,
        moving=task.net.theta.mask(scope),
        steps_left=steps,
        lr=options.lr or 0.01,
        batch_size=4,
        orders=[torch.Generator().manual_seed(7)],
    )
    facts = registry.method[name].make(student, task, options)
    assert all(torch.as_tensor(value).numel() == 1 for value in (facts or {}).values())
    return student


def everything(state):
    return {"θ": state.theta.detach(), **state.buffers}


def same(first, second):
    first, second = everything(first), everything(second)
    return all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("scope", ["all", "quantum", "classical"])
@pytest.mark.parametrize("name", METHODS)
def test_moves_only_the_scope_within_the_budget(net, name, scope):
    task = task_for(net)
    before = task.teacher.clone(), task.init.clone()
    if scope == "classical" and issubclass(registry.method[name].options, StateOptions):
        with pytest.raises(UserError, match="set scope to all or quantum"):
            run(name, task, scope)
        return
    student = run(name, task, scope)
    theta, moving = student.state.theta, net.theta.mask(scope)
    assert theta.shape == task.teacher.theta.shape
    assert all(value.isfinite().all() for value in everything(student.state).values())
    assert torch.equal(theta[~moving], task.teacher.theta[~moving])
    assert same(task.teacher, before[0]) and same(task.init, before[1])
    assert BUDGET - student.steps_left == len(student.histories[0]) <= BUDGET
    if name != "none":
        assert not torch.equal(theta[moving], task.teacher.theta[moving])
    if scope == "quantum":  # no batch norm inside: its statistics stay
        assert all(
            torch.equal(v, task.teacher.buffers[k]) for k, v in student.state.buffers.items()
        )


@pytest.mark.parametrize("name", METHODS)
def test_same_seed_same_model(net, name):
    first = run(name, task_for(net))
    torch.rand(3)  # whatever else ran in this process
    second = run(name, task_for(net))
    assert same(first.state, second.state)
    assert first.histories[0] == second.histories[0]


@pytest.fixture(params=["plain", "batch norm"])
def stackable(request, make_net):
    """A network that trains as a stack; several jobs of equal sizes."""
    net = make_net(layers=1, hidden=(5,), batch_norm=request.param == "batch norm")
    assert net.stacked
    return net


def jobs_for(net, count=3):
    generator = torch.Generator().manual_seed(5)
    jobs = []
    for number in range(count):
        teacher, init, oracle = (net.initial(generator) for _ in range(3))
        labels = torch.randint(3, (11,), generator=generator).tolist()
        forget = [0, *labels[:4]]
        parts = [rows(generator, y, 4) for y in (labels, forget, [0, 0, 1, 1, 2, 2], [0, 1, 2])]
        order = torch.Generator().manual_seed(number)
        jobs.append(UnlearnJob(*parts, teacher, init, order, oracle.clone))
    return jobs


@pytest.mark.parametrize("patience", [None, 1])
@pytest.mark.parametrize("name", METHODS)
def test_a_stack_equals_its_models_made_alone(stackable, name, patience):
    options = registry.method.options(name, {})
    spec = UnlearnSpec(steps=13, batch_size=4, patience=patience)
    common = Unlearning(registry.method[name], options, spec, stackable, 3, (-3.0, 3.0), name)
    together = common(jobs_for(stackable))
    alone = [result for job in jobs_for(stackable) for result in common([job])]
    for stacked, single in zip(together, alone, strict=True):
        pairs = zip(
            everything(stacked.state).values(), everything(single.state).values(), strict=True
        )
        assert all(torch.allclose(a.float(), b.float(), rtol=1e-3, atol=2e-4) for a, b in pairs)
        assert len(stacked.history) == len(single.history)
        assert stacked.facts == pytest.approx(single.facts, rel=1e-3)
        assert all(isinstance(value, int | float) for value in single.facts.values())


@pytest.mark.parametrize("name", METHODS)
def test_without_budget_only_the_oracle_differs_from_the_teacher(net, name):
    task = task_for(net)
    student = run(name, task, steps=0)
    assert same(student.state, task.teacher) == (name != "retrain")
    assert not student.histories[0]


def passes_of(name, task, steps, monkeypatch):
    """(epoch, batches taken, batches of the whole pass, whether another was under way) per pass."""
    passes, epoch, under_way = [], [0], [0]
    picks, epochs = Learner.picks, Learner.epochs

    def counted(student, *lengths):
        for number in epochs(student, *lengths):
            epoch[0] += 1
            yield number

    def watched(student, count):
        line = [epoch[0], 0, -(-count // student.batch_size), under_way[0] > 0]
        passes.append(line)
        under_way[0] += 1
        try:
            for pick in picks(student, count):
                line[1] += 1
                yield pick
        finally:
            under_way[0] -= 1

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "epochs", counted)
        patch.setattr(Learner, "picks", watched)
        run(name, task, steps=steps)
    return [line for line in passes if line[0]]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_that_alternates_spends_whole_epochs(make_net, name, monkeypatch):
    """Who makes one pass after another in an epoch never ends behind the first of them."""
    task = task_for(make_net(layers=1, hidden=(5,)), forget=(0, 0, 1, 2, 1))  # 2 steps; retain 3
    first_epoch = [line for line in passes_of(name, task, 60, monkeypatch) if line[0] == 1]
    if sum(not line[3] for line in first_epoch) < 2:
        return
    for steps in range(1, 20):
        try:
            passes = passes_of(name, task, steps, monkeypatch)
        except UserError:
            assert steps < sum(line[2] for line in first_epoch)
            continue
        assert all(taken == whole for _, taken, whole, _ in passes)


@pytest.mark.parametrize("name", METHODS)
def test_one_row_to_forget(net, name):
    student = run(name, task_for(net, forget=[1]))
    assert all(value.isfinite().all() for value in everything(student.state).values())


def test_a_method_sees_neither_test_rows_nor_the_oracle():
    seen = {field.name for field in fields(Task)}
    assert seen == {
        "net",
        "retain",
        "forget",
        "val",
        "classes",
        "teacher",
        "init",
        "span",
        "retrain",
    }


@pytest.mark.parametrize("name", METHODS)
def test_explained_in_a_line_and_on_a_page(name):
    entry = registry.method[name]
    assert entry.summary.endswith(".") and len(entry.summary) <= 100
    page = (PAGES / f"{name}.md").read_text()
    own = set(entry.options.model_fields) - set(MethodOptions.model_fields)
    assert all(f"`{option}`" in page for option in own)
    assert f"({name}.md)" in (PAGES / "index.md").read_text()


SITUATIONS = {
    "plenty": ({}, {}, (0, 0, 1, 2)),
    "two steps": ({"steps": 2}, {}, (0, 0, 1, 2)),
    "four steps": ({"steps": 4}, {}, (0, 0, 1, 2)),
    "no step": ({"steps": 0}, {}, (0, 0, 1, 2)),
    "epochs only": ({"steps": None, "epochs": 1}, {}, (0, 0, 1, 2)),
    "no validation row of the class": ({}, {"val": (0, 2)}, (1, 1)),
    "no validation row": ({}, {"val": ()}, (0, 1)),
    "a steep pull": ({"lr": 1.0}, {}, (0, 1)),
    "a classical scope": ({"scope": "classical"}, {}, (0, 1)),
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", METHODS)
def test_what_a_method_lacks_is_known_before_it_runs(make_net, name, situation):
    """It refuses to work exactly where its options say beforehand that it lacks something."""
    budget, rows_given, forget = SITUATIONS[situation]
    net = make_net(layers=1, hidden=(5,))
    task = task_for(net, forget)
    if "val" in rows_given:
        wanted = torch.tensor([int(y) in rows_given["val"] for y in task.val.y])
        task = replace(task, val=Rows(task.val.x[wanted], task.val.y[wanted]))
    options = registry.method.options(name, {k: v for k, v in budget.items() if k == "lr"})
    if budget.get("scope") == "classical" and isinstance(options, StateOptions):
        return  # refused by the scope, in checks
    moving = net.theta.mask(budget.get("scope", "all"))
    steps = budget.get("steps", 7)
    at = Circumstances(
        steps=steps,
        batch_size=4,
        lr=options.lr or 0.01,
        layers=sum(bool(moving[place].any()) for place in net.theta.layers.values()),
        retain=len(task.retain),
        forget=Counter(task.forget.y.tolist()),
        val=Counter(task.val.y.tolist()),
    )
    assert (options.lacks(at) is not None) == refuses(name, task, options, moving, steps, budget)


def refuses(name, task, options, moving, steps, budget):
    student = Learner(
        net=task.net,
        state=task.teacher,
        moving=moving,
        steps_left=UNBOUNDED if steps is None else steps,
        lr=options.lr or 0.01,
        batch_size=4,
        orders=[torch.Generator().manual_seed(7)],
        max_epochs=budget.get("epochs"),
    )
    try:
        registry.method[name].make(student, task, options)
    except UserError:
        return True
    return False


@pytest.mark.parametrize(("k", "works"), [(1, True), (2, True), (3, False), (99, False)])
def test_a_method_without_a_layer_to_move_says_so(make_net, k, works):
    net = make_net(layers=1, hidden=(5,))
    options = registry.method.options("cf_k", {"move": "rest", "k": k})
    at = Circumstances(5, 4, 0.01, len(net.theta.layers), 9, {0: 4}, {0: 2})
    assert (options.lacks(at) is None) == works
    assert options.model_copy(update={"k": 1}).lacks(replace(at, layers=0)) is not None


MODES = [
    *((name, {}) for name in METHODS),
    ("noisy_finetune", {"noise": "gradients", "sigma": 0.1}),
    ("noisy_finetune", {"sigma": 0.1}),
    ("scrub", {"joint": 1.0}),
    ("scrub_rewind", {"joint": 1.0}),
    ("qmul", {"away": True}),
    ("parameter_noise", {"radius": 1.0}),
    ("qfi_dampening", {"finetune": False}),
    ("ewc_ascent", {"penalty": 0}),
    ("adv_uniform", {"weight": 0}),
]
OTHERS = {"lr": 0.7, "steps": 3, "epochs": 1, "patience": 1, "pairing": "zip", "msteps": 2}
OTHERS |= {"epsilon": 0.37, "delta": 0.01, "radius": 0.3, "decay": 0.7, "noisy": 0.9}
OTHERS |= {"fisher": "forget", "scope": "classical"}


@pytest.mark.parametrize(("name", "mode"), MODES, ids=str)
def test_an_option_without_effect_is_one_that_changes_nothing(make_net, name, mode):
    """Each that is said to be idle may be anything; one that is never read is said to be idle."""
    spec = UnlearnSpec(steps=13, batch_size=4, patience=2)
    net = make_net(layers=1, hidden=(5,))

    def moved(given):
        read, entry = set(), registry.method[name]
        options = watched(registry.method.options(name, {**mode, **given}), read)
        unlearning = Unlearning(entry, options, spec, net, 3, (-3.0, 3.0), name)
        return unlearning(jobs_for(net, 1))[0], read

    (result, read), idle = moved({}), registry.method.options(name, mode).idle()
    for option in idle.keys() - mode.keys():
        other, _ = moved({option: OTHERS[option]})
        assert same(other.state, result.state), option
    fields = registry.method[name].options.model_fields.keys()
    assert fields - read - mode.keys() <= idle.keys()


def watched(options, read):
    """The options, which note what is read of them."""

    class Watched(type(options)):
        def __getattribute__(self, field):
            if field in type(self).model_fields:
                read.add(field)
            return super().__getattribute__(field)

    return Watched(**options.model_dump())
