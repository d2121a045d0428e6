"""Evidence gathered: the pool made batch by batch, read enquiry by enquiry, judged together."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from qhu.checks import check
from qhu.checks.sizes import check_processes
from qhu.errors import QhuError, UnknownName, UserError
from qhu.evidence.bank import Bank
from qhu.evidence.examined import MetricRow, conditions, examined, examined_scenario
from qhu.evidence.findings.attacked import PRIMARY
from qhu.evidence.findings.rows import PoolFigure
from qhu.evidence.gathered import Enquiry
from qhu.evidence.pool import Pool, PoolBatch
from qhu.evidence.power import power_table
from qhu.evidence.reading import EnquiryResult, read
from qhu.evidence.verdict import LEVEL, TrialVerdict, judge
from qhu.grid.description import describe
from qhu.grid.execute import Failed, Step
from qhu.grid.holes import refuse_holes
from qhu.grid.run import STORE, grade, work_through
from qhu.grid.stopping import stoppable
from qhu.record.folder import FailedCell, RunFolder, RunRecord, started
from qhu.record.shelf import RUNS
from qhu.record.store import Store
from qhu.report.evidence.page import write_evidence
from qhu.settings.evidence import EvidenceSpec
from qhu.settings.experiment import Experiment
from qhu.study import FLOOR, Study
from qhu.terminal import folded, say

UNIT = "a pair of models: a random half of the training rows and its complement"
"""What is drawn independently, and so what intervals and tests count."""


SMALLEST = 16
"""Models of the smallest pool that the table of power has."""
CORRELATION = 0.1
"""Of the ranks of two rows within a model, as the table of power assumes it."""


class EvidenceRecord(RunRecord):
    """What ``run.json`` says of gathered evidence, beside what it says of a run."""

    pool: int
    """networks trained on halves; as many oracles and unlearned versions per scenario and method"""
    primary: str = PRIMARY
    """attack that verdicts rest on, declared beforehand"""
    margin: float
    """what its AUC may differ from 0.5 by and still count as 0.5"""
    utility_margin: float
    """what the accuracy on test rows may fall below the oracle's by and still count as kept"""
    level: float = LEVEL
    """of all tests of difference together, corrected after Holm"""
    unit: str = UNIT
    """what is drawn independently"""
    models: int
    """networks that were trained or unlearned in all"""
    power: list[dict[str, Any]]
    """what pools of other sizes would have seen, as :class:`qhu.evidence.power.DesignPower`"""


@stoppable()
def run(
    experiment: Experiment,
    out: Path | None,
    console: Console,
    workers: int = 0,
    scheduler: str | None = None,
) -> Path:
    """Gather evidence on an experiment's methods and write its folder; run it again to resume.

    Args:
        experiment: what is asked; without a section ``evidence``, its defaults.
        out: folder; None: ``runs/evidence/<experiment>``.
        console: where progress is shown.
        workers: processes of a local Dask cluster; 0: this process.
        scheduler: address of a running Dask scheduler, instead of ``workers``.

    Returns:
        The folder.

    Raises:
        UserError: an input is wrong, or the folder holds something else.
        Interrupted: on Ctrl-C, SIGTERM or SIGHUP; the same command goes on where it stopped.
        Incomplete: methods could not be examined; everything else is written.
    """
    check_processes(workers, scheduler)
    spec = experiment.evidence or EvidenceSpec()
    asked = experiment.model_copy(update={"evidence": spec, "seeds": (spec.seed,)})
    study = Study(asked, Store(STORE.resolve()))
    folder = RunFolder(out or RUNS / "evidence" / experiment.name)
    _check(study)
    folder.check_kind(asked.name, "verdicts.csv", study.fingerprint)
    grade(study, console, workers, scheduler)
    check(study)
    begun = time.monotonic()
    for line in (*describe(study).lines(), _pool_line(study)):
        say(folded(line), console)
    steps = _steps(study)
    models = sum(len(Pool(study).numbers(step.item)) for step in steps if step.work is _make)
    together = "in stacks" if study.net("train").stacked else "one at a time"
    console.print(f"{models:,} models are trained or unlearned, {together}", highlight=False)
    with folder.claimed():
        readings, metrics, failed = _gathered(steps, console, workers, scheduler)
        judgements = judge(
            [reading.trial for reading in readings],
            leak_margin=spec.margin,
            utility_margin=spec.utility_margin,
        )
        tables = {"evidence.csv": _table(readings), "verdicts.csv": _verdicts(judgements)}
        if metrics:
            tables["metrics.csv"] = pd.DataFrame(metrics, columns=MetricRow._fields)
        record = _record(study, models, len(judgements))
        _write(study, folder, record.model_copy(update={"failed": failed}), tables, begun)
    refuse_holes({"": failed}, folder.path, console)
    return folder.path


def _record(study: Study, models: int, judged: int) -> EvidenceRecord:
    """What ``run.json`` says before anything is written."""
    experiment = study.experiment
    spec = experiment.evidence or EvidenceSpec()
    begun = started(experiment.name, study.backends["evaluate"].label, study.fingerprint)
    return EvidenceRecord(
        **begun.model_dump(),
        pool=spec.models,
        margin=spec.margin,
        utility_margin=spec.utility_margin,
        models=models,
        power=_power(study, judged),
    )


def _write(
    study: Study,
    folder: RunFolder,
    record: EvidenceRecord,
    tables: Mapping[str, pd.DataFrame],
    begun: float,
) -> None:
    """All files of the folder, in the place of earlier ones."""
    with folder.replaced(record, study.experiment.model_dump(mode="json")) as draft:
        for name, table in tables.items():
            draft.write_table(name, table)
        draft.update(data=study.data.content, description=describe(study), files=draft.checksums())
        draft.finish("incomplete" if record.failed else "finished", time.monotonic() - begun)
        write_evidence(draft.path)


def _check(study: Study) -> None:
    """Refuse what a pool cannot be of, before anything is computed."""
    if study.paid:
        raise UserError(
            f"evidence asks thousands of models: {next(iter(study.paid))} on a device would cost "
            "as many jobs; use --backend statevector or a noisy twin"
        )
    if study.experiment.data.scale_rows == "retain":
        raise UserError("models of a pool see samples scaled alike: set data.scale_rows to train")
    if study.experiment.training.teacher_without:
        raise UserError("teachers of a pool see all rows of their half: drop teacher_without")
    if study.experiment.checkpoints:
        raise UserError("models unlearned elsewhere are no pool: leave out checkpoints")
    examined_scenario(study)
    spec = study.experiment.evidence or EvidenceSpec()
    for name in spec.fewer.keys() - study.experiment.scenarios.keys():
        raise UnknownName("scenario in evidence.fewer", name, study.experiment.scenarios)


def _pool_line(study: Study) -> str:
    spec = study.experiment.evidence or EvidenceSpec()
    return (
        f"pool: {spec.models:,} networks on random halves of the training rows of seed "
        f"{spec.seed}, in {spec.models // 2:,} pairs; val and test rows are in none"
    )


def _gathered(
    steps: Sequence[Step], console: Console, workers: int, scheduler: str | None
) -> tuple[list[EnquiryResult], list[MetricRow], list[FailedCell]]:
    """Readings and examinations, in order, and those that failed.

    Raises:
        QhuError: no method could be read.
    """
    results = dict(work_through(steps, console, workers, scheduler))
    failed = [
        _hole(step, results[step].reason)
        for step in steps
        if step.work in (read, examined) and isinstance(results[step], Failed)
    ]
    done = [step for step in steps if not isinstance(results[step], Failed)]
    readings = [results[step] for step in done if step.work is read]
    if not readings:
        raise QhuError(f"every method failed: {failed[0]}")
    rows = [row for step in done if step.work is examined for row in results[step]]
    return readings, rows, failed


def _hole(step: Step, why: str) -> FailedCell:
    """What could not be read: a method in a scenario, or the metrics under a condition."""
    study, spec = step.study, step.study.experiment.evidence or EvidenceSpec()
    scenario, method = (
        step.item if step.work is read else (examined_scenario(study), f"metrics {step.item}")
    )
    return FailedCell(scenario=scenario, method=method, seed=spec.seed, reason=why)


def _steps(study: Study) -> list[Step]:
    """Batches of the pool, then questions to it, each with the batches that it needs."""
    pool, listed = Pool(study), list[Step]()

    def add(title: str, batch: PoolBatch, *needs: Step) -> Step:
        listed.append(Step(study, title, str(batch), _make, batch, frozenset(needs)))
        return listed[-1]

    teachers = [add("teachers", batch) for batch in pool.batches("teacher")]
    for scenario in study.experiment.scenarios:
        references = [
            add("oracles", batch)
            for request in range(len(pool.requests(scenario)))
            for kind in ("oracle", FLOOR)
            for batch in pool.batches(kind, scenario, request)
        ]
        for method in study.experiment.methods:
            unlearned = [
                add("unlearning", batch, *teachers, *references)
                for batch in pool.batches(method, scenario)
            ]
            enquiry = Enquiry(scenario, method)
            listed.append(Step(study, "reading", str(enquiry), read, enquiry, frozenset(unlearned)))
        if pool.spec.bank and scenario == examined_scenario(study):
            Bank(pool, scenario)  # refuses a pool that is too small, before anything is trained
            needed = frozenset([*teachers, *references])
            bank = Step(study, "bank", "models that hold or lack", _fill, scenario, needed)
            listed.append(bank)
            for condition in conditions(study):
                needs = frozenset([bank])
                listed.append(Step(study, "examining", condition, examined, condition, needs))
    return listed


def _make(study: Study, batch: PoolBatch) -> None:
    Pool(study).make(batch)


def _fill(study: Study, scenario: str) -> None:
    Bank(Pool(study), scenario).make()


def _power(study: Study, judged: int) -> list[dict[str, Any]]:
    """The smallest leak that the pool sees, and smaller and larger ones, for the rows forgotten."""
    pool = Pool(study)
    rows = {int(pool.requests(name)[-1].sum()) for name in study.experiment.scenarios}
    sizes = {pool.spec.models // 16, pool.spec.models // 4, pool.spec.models, 4 * pool.spec.models}
    table = power_table(
        sorted(size for size in sizes if size >= SMALLEST),
        sorted(rows),
        correlation=CORRELATION,
        tests=2 * judged,
        margin=pool.spec.margin,
        level=LEVEL,
    )
    return [design._asdict() for design in table]


def _table(readings: Sequence[EnquiryResult]) -> pd.DataFrame:
    rows = [(*reading.enquiry, *finding) for reading in readings for finding in reading.findings]
    return pd.DataFrame(rows, columns=[*Enquiry._fields, *PoolFigure._fields])


def _verdicts(judgements: Sequence[TrialVerdict]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [judgement.row() for judgement in judgements]
    return pd.DataFrame(rows)
