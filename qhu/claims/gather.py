"""Computes what claims need, all of it as steps on the same workers; what is stored is not redone.

Every need is a source: the studies behind it, the steps that compute it, and which of their results
are rows of its frame.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from rich.console import Console

from qhu import registry
from qhu.checks import check
from qhu.checks.sizes import check_processes
from qhu.claims import costs, leaks, memory
from qhu.claims.claim import Frames
from qhu.claims.needs import CostNeed, LeakNeed, MemoryNeed, Need, RunNeed
from qhu.errors import QhuError, UserError
from qhu.evidence.gathered import Enquiry
from qhu.evidence.pool import Pool, PoolBatch
from qhu.grid.execute import Failed, Step
from qhu.grid.run import STORE, work_through
from qhu.grid.steps import steps
from qhu.pipeline import Scored
from qhu.record.folder import FailedCell
from qhu.record.store import Store
from qhu.settings.experiment import Experiment, load_experiment, read_settings
from qhu.settings.shipped import experiments
from qhu.settings.sweep import load_sweep
from qhu.study import BESIDE, FLOOR, Study


class Size(NamedTuple):
    """How much is computed, where it is not what the experiment files ask.

    Attributes:
        seeds: such as ``0-4``; None: those of the files.
        models: networks of every pool; None: those of the files.
        settings: overrides of every experiment, such as ``training.epochs=3``.
    """

    seeds: str | None = None
    models: int | None = None
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Source:
    """What fills a frame.

    Attributes:
        need: whose frame.
        studies: by point of a sweep; without one, by the empty text.
    """

    need: Need
    studies: dict[str, Study]


def sources(needs: Iterable[Need], size: Size) -> list[Source]:
    """The studies of all needs.

    Raises:
        UserError: a setting is wrong.
    """
    store = Store(STORE.resolve())
    listed = []
    for need in needs:
        points = _experiments(need, size)
        listed.append(Source(need, {at: Study(asked, store) for at, asked in points.items()}))
    return listed


def _experiments(need: Need, size: Size) -> dict[str, Experiment]:
    """The experiments of a need, by point."""
    file, overrides = experiments()[need.experiment], list(size.settings)
    methods = None
    if isinstance(need, RunNeed):
        overrides = [*need.overrides, *overrides]
    if isinstance(need, CostNeed):
        methods = registry.method.names()
    if isinstance(need, RunNeed | CostNeed) and size.seeds:
        overrides.append(f"seeds={size.seeds}")
    if isinstance(need, MemoryNeed | LeakNeed) and size.models:
        overrides.append(f"evidence.models={size.models}")
    if "sweep" in read_settings(file):
        return load_sweep(file, overrides, methods)[1]
    asked = load_experiment(file, overrides, methods)
    if isinstance(need, RunNeed) and need.scenarios:
        chosen = {name: asked.scenarios[name] for name in need.scenarios}
        asked = asked.model_copy(update={"scenarios": chosen})
    return {"": asked}


def gather(
    listed: Sequence[Source], console: Console, workers: int = 0
) -> tuple[Frames, list[FailedCell]]:
    """Work through everything and put the rows together; and what failed.

    A need of which nothing could be computed has no frame.

    Args:
        listed: the sources.
        console: where progress is shown.
        workers: processes, as for :func:`qhu.grid.run_all`.

    Raises:
        QhuError: an input is wrong, or everything failed.
    """
    check_processes(workers, None)
    for source in listed:
        for study in source.studies.values():
            if study.paid:
                raise UserError(
                    f"claims ask thousands of models: {next(iter(study.paid))} on a device would "
                    "cost as many jobs; leave the stages on simulators"
                )
            check(study)
    origin, todo = dict[Step, tuple[Need, str]](), list[Step]()
    for source in listed:
        for at, study in source.studies.items():
            own = STEPS[type(source.need)](study, at, todo)
            origin |= dict.fromkeys(own, (source.need, at))
            todo += own
    rows: dict[Need, dict[Step, pd.DataFrame]] = {source.need: {} for source in listed}
    failed = list[FailedCell]()
    for step, result in work_through(todo, console, workers):
        need, at = origin[step]
        if isinstance(result, Scored) and result.stage != BESIDE:
            rows[need][step] = _scores(result, at)
        elif isinstance(result, pd.DataFrame):
            rows[need][step] = result
        elif isinstance(result, Failed):
            where = f"{need.experiment} {at}".strip()
            failed.append(FailedCell(scenario=where, method=step.name, reason=result.reason))
    in_order = {need: [own[step] for step in todo if step in own] for need, own in rows.items()}
    frames = {
        need: pd.concat(parts, ignore_index=True) for need, parts in in_order.items() if parts
    }
    if failed and not frames:
        raise QhuError(f"everything failed: {failed[0]}")
    return frames, failed


def _scores(result: Scored, at: str) -> pd.DataFrame:
    """Rows of a cell: those of ``results.csv`` that tests read."""
    cell = result.cell
    rows = [(metric, measured.value) for metric, measured in result.scores.items()]
    table = pd.DataFrame(rows, columns=["metric", "value"])
    return table.assign(at=at, scenario=cell.scenario, method=cell.method, seed=cell.seed)


def _runs(study: Study, at: str, before: Sequence[Step]) -> list[Step]:
    return steps(study, before=before)


def _memory(study: Study, at: str, before: Sequence[Step]) -> list[Step]:
    made = [
        Step(study, "pools", str(batch), memory.make, batch)
        for batch in Pool(study).batches("teacher")
    ]
    return [*made, Step(study, "reading", f"memory {at}", memory.read, at, frozenset(made))]


def _leaks(study: Study, at: str, before: Sequence[Step]) -> list[Step]:
    """Teachers, then oracles, then what every method makes, then what it leaks."""
    pool, listed = Pool(study), list[Step]()

    def add(batches: Sequence[PoolBatch], *needs: Step) -> list[Step]:
        made = [
            Step(study, "pools", str(batch), memory.make, batch, frozenset(needs))
            for batch in batches
        ]
        listed.extend(made)
        return made

    teachers = add(pool.batches("teacher"))
    for scenario in study.experiment.scenarios:
        kinds = [pool.batches(kind, scenario) for kind in ("oracle", FLOOR)]
        oracles = [step for batches in kinds for step in add(batches)]
        for method in study.experiment.methods:
            made = add(pool.batches(method, scenario), *teachers, *oracles)
            enquiry = Enquiry(scenario, method)
            listed.append(
                Step(study, "reading", str(enquiry), leaks.read, enquiry, frozenset(made))
            )
    return listed


def _costs(study: Study, at: str, before: Sequence[Step]) -> list[Step]:
    seeds = study.experiment.seeds
    return [Step(study, "costs", f"costs seed {seed}", costs.read, seed) for seed in seeds]


STEPS: dict[type[Need], Callable[[Study, str, Sequence[Step]], list[Step]]] = {
    RunNeed: _runs,
    MemoryNeed: _memory,
    LeakNeed: _leaks,
    CostNeed: _costs,
}
"""By kind of need, the steps of a study of it, behind those of the studies before."""
