"""Methods at work: many models moved by one method, as one stack where that is possible."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from qhu.data.rows import Rows, stacked
from qhu.errors import QhuError
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState, together
from qhu.registry import Entry
from qhu.selection import measure_epoch
from qhu.settings.parts import UnlearnSpec
from qhu.training import History
from qhu.unlearn.learner import UNBOUNDED, Learner
from qhu.unlearn.task import MethodOptions, Task


@dataclass(frozen=True)
class UnlearnJob:
    """One model that is to forget.

    Attributes:
        retain: training rows to keep.
        forget: training rows to forget.
        val: as in :class:`~qhu.unlearn.task.Task`.
        judging: rows that epochs are selected by, if they are; methods do not see them.
        teacher: the trained model.
        init: the state that its training started from.
        order: generator of all that the method draws.
        retrain: train from scratch on the retain rows, with the experiment's own recipe.
    """

    retain: Rows
    forget: Rows
    val: Rows
    judging: Rows
    teacher: ModelState
    init: ModelState
    order: torch.Generator
    retrain: Callable[[], ModelState]


@dataclass(frozen=True)
class UnlearnResult:
    """A model after a method: its history, one line per step, and what the method reports."""

    state: ModelState
    history: History
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Unlearning:
    """A method with its options and all that is alike for the models that it moves.

    Attributes:
        method: the registered method.
        options: its options.
        spec: what every method is given alike.
        net: the architecture and its backend.
        classes: number of classes.
        span: as in :class:`~qhu.unlearn.task.Task`.
        title: what errors call it.
        stacks: whether the method counts dimensions from the last, as those of qhu do.
    """

    method: Entry
    options: MethodOptions
    spec: UnlearnSpec
    net: HybridNet
    classes: int
    span: tuple[float, float]
    title: str
    stacks: bool = True

    def __call__(self, jobs: Sequence[UnlearnJob]) -> list[UnlearnResult]:
        """Apply the method to every job; jobs of equal sizes are one stack where that works.

        Models of a stack equal those made one by one up to the last bits: sums over rows are added
        up in another order.
        """
        groups: dict[Any, list[int]] = defaultdict(list)
        for index, job in enumerate(jobs):
            sizes = len(job.retain), len(job.forget), len(job.val), len(job.judging)
            groups[sizes if self.stacks and self.net.stacked else index].append(index)
        results: dict[int, UnlearnResult] = {}
        for group in groups.values():
            made = self._stack([jobs[index] for index in group])
            results |= dict(zip(group, made, strict=True))
        return [results[index] for index in range(len(jobs))]

    def _stack(self, jobs: list[UnlearnJob]) -> list[UnlearnResult]:
        """Equally sized jobs together; a single one without the leading dimension."""
        alone = len(jobs) == 1
        task = self._task(jobs)
        student = self._student(jobs, task)
        facts = dict(self.method.make(student, task, self.options) or {})
        if student.kept:
            facts["kept_steps"] = torch.tensor(student.kept)
        results = []
        for number, history in enumerate(student.histories):
            state = (student.state if alone else student.state.model(number)).clone()
            own = {name: _of_model(value, number) for name, value in facts.items()}
            results.append(UnlearnResult(state, history, own))
        return results

    def _task(self, jobs: list[UnlearnJob]) -> Task:
        """What the method may see: neither test rows nor the oracle."""

        def rows(name: str) -> Rows:
            sets = [getattr(job, name) for job in jobs]
            return sets[0] if len(jobs) == 1 else stacked(sets)

        def states(each: list[ModelState]) -> ModelState:
            return each[0] if len(jobs) == 1 else together(each)

        return Task(
            net=self.net,
            retain=rows("retain"),
            forget=rows("forget"),
            val=rows("val"),
            classes=self.classes,
            teacher=states([job.teacher for job in jobs]),
            init=states([job.init for job in jobs]),
            span=self.span,
            retrain=lambda: states([job.retrain() for job in jobs]),
        )

    def _student(self, jobs: list[UnlearnJob], task: Task) -> Learner:
        """The teachers, about to be moved: the method's own options before the common ones."""
        common, options = self.spec, self.options
        steps = common.steps if options.steps is None else options.steps
        judging = [job.judging for job in jobs]
        judged = judging[0] if len(jobs) == 1 else stacked(judging)

        def score(state: ModelState) -> Tensor:
            return measure_epoch(self.net.infer(state, judged.x), judged.y, common.select)[1]

        return Learner(
            net=self.net,
            state=task.teacher,
            moving=self.net.theta.mask(options.scope or common.scope),
            steps_left=UNBOUNDED if steps is None else steps,
            lr=options.lr or common.lr,
            batch_size=common.batch_size,
            orders=[job.order for job in jobs],
            max_epochs=options.epochs or common.epochs,
            patience=common.patience and (options.patience or common.patience),
            score=score,
            title=self.title,
        )


def _of_model(value: float | Tensor, number: int) -> float:
    """A fact of one model of a stack."""
    if isinstance(value, Tensor):
        if value.ndim > 1:
            raise QhuError("a method reports one number per model and fact")
        return value.reshape(-1).cpu().tolist()[number if value.ndim else 0]
    return value
