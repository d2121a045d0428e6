"""A trained Iris teacher, and one call that applies a method to it."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from qhu import registry
from qhu.backends.named import open_backend
from qhu.data.rows import Rows
from qhu.data.split import forget_rows, scale, split_rows
from qhu.model.hybrid import HybridNet
from qhu.seeding import torch_stream
from qhu.settings.model import ModelSpec
from qhu.settings.parts import DataSpec, Scenario, TrainSpec
from qhu.training import FitJob, fit
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import Task


def iris_task(scenario: Scenario, **model: Any) -> Task:
    data = registry.dataset["iris"].make(registry.dataset.options("iris", {}))
    split = split_rows(data, DataSpec(), seed=0)
    parted = forget_rows(data, split, "scenario", scenario, seed=0)
    x, y = torch.from_numpy(scale(data, split)), torch.from_numpy(data.y)

    def rows(index):
        return Rows(x[index], y[index])

    spec = ModelSpec(**{"layers": 1, "hidden": (8,), **model})
    net = HybridNet(spec, (4,), 3, open_backend("statevector"))
    init = net.initial(torch_stream(0, "init"))
    job = FitJob(rows(split.train), rows(split.val), init, torch_stream(0, "order"))
    (teacher,) = fit(net, [job], TrainSpec(epochs=25))
    return Task(
        net=net,
        retain=rows(parted.retain),
        forget=rows(parted.forget),
        val=rows(split.val),
        classes=3,
        teacher=teacher.state,
        init=init,
        span=(-torch.pi, torch.pi),
        retrain=init.clone,
    )


@pytest.fixture(scope="session")
def task():
    """Ten percent of the rows of a plain network are to be forgotten."""
    return iris_task(Scenario(fraction=0.1))


@pytest.fixture(scope="session")
def deep_task():
    """Like ``task``, with two layers of the circuit: 24 weights, some of them redundant."""
    return iris_task(Scenario(fraction=0.1), layers=2)


@pytest.fixture(scope="session")
def class_task():
    """Class 0 is to be forgotten."""
    return iris_task(Scenario(label=0))


@pytest.fixture(scope="session")
def norm_task():
    """Like ``task``, with batch norm."""
    return iris_task(Scenario(fraction=0.1), batch_norm=True)


@dataclass
class Applied:
    """A student after a method, and the facts that the method reported."""

    student: Learner
    facts: dict[str, float] | None

    @property
    def theta(self):
        return self.student.state.theta.detach()


def new_student(task, steps=6, lr=0.01, scope="all", batch_size=32, seed=0):
    return Learner(
        net=task.net,
        state=task.teacher,
        moving=task.net.theta.mask(scope),
        steps_left=steps,
        lr=lr,
        batch_size=batch_size,
        orders=[torch.Generator().manual_seed(seed)],
    )


@pytest.fixture(scope="session")
def dropout_task():
    """The same with a head that draws random numbers in training."""
    return iris_task(Scenario(fraction=0.1), dropout=0.3)


@pytest.fixture
def student():
    """Builds a learner at the teacher's state."""
    return new_student


@pytest.fixture
def apply():
    """Applies a registered method to a task's teacher."""

    def run(task, name, options=None, **learner):
        student = new_student(task, **learner)
        entry = registry.method[name]
        facts = entry.make(student, task, registry.method.options(name, options))
        return Applied(student, facts)

    return run


@pytest.fixture
def loss():
    """Cross-entropy of a state on rows, in evaluation mode."""

    def value(task, state, rows):
        task.net.eval()
        with torch.no_grad():
            return float(cross_entropy(task.net.logits(state.theta, rows.x, state.buffers), rows.y))

    return value
