"""What a study consists of: its steps, each with those that it needs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from qhu import pipeline
from qhu.grid.execute import Step
from qhu.study import BESIDE, FLOOR, Cell, Fit, Study


def steps(study: Study, before: Iterable[Step] = ()) -> list[Step]:
    """The whole grid: what is shared first, each once; then the cells.

    Teachers and oracles of all seeds train as one stack, whoever else works: a stack's size
    decides the last bits of its numbers. So training waits for that of earlier studies, which may
    share some of the models.

    Args:
        study: the study.
        before: steps of the studies before it.
    """
    earlier = [step for step in before if step.work is _train]
    listed: list[Step] = []

    def add(title: str, name: str, work: Any, item: Any, *needs: Step) -> Step:
        listed.append(Step(study, title, name, work, item, frozenset(needs)))
        return listed[-1]

    trained: dict[Fit, Step] = {}
    for batch in batches(study):
        trained |= dict.fromkeys(
            batch, add("training", f"train {batch[0]}", _train, batch, *earlier)
        )
    seen = dict(trained)
    for fit in trained:
        if fit.kind != FLOOR and "evaluate" not in study.paid:
            seen[fit] = add("references", f"evaluate {fit}", _look, fit, trained[fit])
    evaluated = dict[Cell, Step]()
    for cell in study.cells():
        needs = [seen[Fit("teacher", cell.seed)], seen[Fit("oracle", cell.seed, cell.scenario)]]
        if cell.method == FLOOR:
            needs.append(trained[Fit(FLOOR, cell.seed, cell.scenario)])
        evaluated[cell] = add("unlearning", str(cell), pipeline.evaluate, cell, *needs)
    if BESIDE in study.backends:
        for cell, own in evaluated.items():
            add("exactly", str(cell), pipeline.evaluate_beside, cell, own)
    return listed


def steps_here(study: Study) -> list[Step]:
    """Training and unlearning that need no device, before one is asked."""
    return [step for step in _model_steps(study) if not _needs_device(step)]


def steps_on_devices(study: Study) -> list[Step]:
    """Training and unlearning on devices, before one is asked to evaluate."""
    return [step for step in _model_steps(study) if _needs_device(step)]


def _model_steps(study: Study) -> list[Step]:
    """Everything that is trained, then everything that is unlearned."""
    trained: dict[Fit, Step] = {}
    for fits in batches(study):
        trained |= dict.fromkeys(fits, Step(study, "training", f"train {fits[0]}", _train, fits))
    cells = [
        Step(study, "unlearning", str(cell), _unlearn, cell, frozenset(_begins(trained, cell)))
        for cell in study.cells()
    ]
    return [*dict.fromkeys(trained.values()), *cells]


def _begins(trained: Mapping[Fit, Step], cell: Cell) -> Iterator[Step]:
    """The training that a cell's model begins with."""
    yield trained[Fit("teacher", cell.seed)]
    yield trained[Fit("oracle", cell.seed, cell.scenario)]


def _needs_device(step: Step) -> bool:
    """Whether a device trains the models of a step, or they are unlearned from such or on one."""
    stages = {"train"} if step.work is _train else {"train", "unlearn"}
    return not stages.isdisjoint(step.study.paid)


def batches(study: Study) -> list[list[Fit]]:
    """Fits of one kind and scenario, of equal size, where the network trains them as one stack."""
    alone = not study.net("train").stacked
    batches: dict[tuple[Any, ...], list[Fit]] = {}
    for fit in study.fits():
        batches.setdefault((fit.kind, fit.scenario, alone and fit.seed), []).append(fit)
    return list(batches.values())


def _train(study: Study, fits: list[Fit]) -> None:
    pipeline.train(study, fits)


def _unlearn(study: Study, cell: Cell) -> None:
    pipeline.models(study, cell)


def _look(study: Study, fit: Fit) -> None:
    """Outputs of a teacher or oracle, which every cell of its seed compares with."""
    model = pipeline.train(study, [fit])[0]
    pipeline.refuse_diverged(fit.kind, model)
    pipeline.predict(study, model, fit.seed)
