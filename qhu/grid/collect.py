"""What a run leaves behind: scores, predictions, histories, models and the drawn circuit."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from qhu.backends.base import STAGES
from qhu.grid.citations import citations
from qhu.grid.description import describe
from qhu.grid.drawing import drawing
from qhu.grid.events import CellFinished, Listener, RunFinished, RunStarted
from qhu.grid.execute import Failed
from qhu.grid.holes import RunOutcome
from qhu.grid.stopping import held
from qhu.pipeline import Scored, fit_key
from qhu.record.folder import (
    COST_COLUMNS,
    RESULT_COLUMNS,
    FailedCell,
    RunFolder,
    RunRecord,
    Status,
    started,
)
from qhu.record.shelf import RUNS, STAGE_KEYS
from qhu.report.run.page import write_report
from qhu.report.statistics import summarise
from qhu.study import BESIDE, FLOOR, Cell, Fit, Study


class Opened(NamedTuple):
    """What is kept of a run while its folder is open: how it began, when, and the claim."""

    record: RunRecord
    settings: dict[str, Any]
    begun: float
    claim: contextlib.ExitStack


class OpenRun:
    """A study on its way into its folder.

    Args:
        study: the study.
        out: the folder; None: the usual one.
        title: its name among other runs.
        listen: told what happens.

    Raises:
        QhuError: a method, metric, dataset or backend cites what is not BibTeX.
    """

    def __init__(
        self,
        study: Study,
        out: Path | None,
        title: str = "",
        listen: Listener = lambda event: None,
    ) -> None:
        usual = RUNS / study.experiment.name / study.place / study.fingerprint
        self.study, self.folder, self.title = study, RunFolder(out or usual), title
        self.cites, self._listen = citations(study), listen
        self.scored: list[Scored] = []
        self.failed: dict[Cell, list[str]] = {}
        self._open: Opened | None = None

    def begin(self) -> None:
        """Claim the folder, if it is not open yet.

        Raises:
            UserError: it holds something else, or another process works there.
        """
        if self._open is None:
            study = self.study
            self.folder.check(study.fingerprint)
            settings = study.experiment.model_dump(mode="json")
            label = study.backends["evaluate"].label
            with contextlib.ExitStack() as claim:
                claim.enter_context(self.folder.claimed())
                record = started(study.experiment.name, label, study.fingerprint)
                self.folder.start(record, settings)
                self._open = Opened(record, settings, time.monotonic(), claim.pop_all())
            about = self.folder.path, study.experiment.name, settings, study.fingerprint
            self._listen(RunStarted(*about))

    def add(self, cell: Cell, result: Any) -> None:
        """Keep what came of a cell: scores, or why there are none, or not all."""
        if isinstance(result, Scored):
            self.scored.append(result)
            reasons = [f"metric {name}: {why}" for name, why in result.failed.items()]
        else:
            reasons = [result.reason] if isinstance(result, Failed) else []
        for why in reasons:
            earlier = self.failed.setdefault(cell, [])
            if not any(why.endswith(reason) for reason in earlier):  # exact values fail with it
                earlier.append(why)
        self._publish(cell, result, reasons)

    def _publish(self, cell: Cell, result: Any, reasons: list[str]) -> None:
        is_scored = isinstance(result, Scored)
        backend = self.study.backends[result.stage if is_scored else "evaluate"].label
        scores = {k: each.value for k, each in result.scores.items()} if is_scored else {}
        if scores or reasons:
            about = cell.scenario, cell.method, cell.seed, backend
            self._listen(CellFinished(self.folder.path, *about, scores, tuple(reasons)))

    def outcome(self) -> RunOutcome:
        """The folder, and what failed in the order of the cells."""
        return RunOutcome(
            self.folder.path,
            [
                FailedCell(**asdict(cell), reason=why)
                for cell in self.study.cells()
                for why in self.failed.get(cell, ())
            ],
        )

    def end(self, status: Status) -> None:
        """Write what is finished, if the folder is open; a finished run there yields to another."""
        run, self._open = self._open, None
        if run is None:
            return
        with run.claim:
            ended: Status = "failed"
            try:
                for paid in self.study.paid.values():
                    paid.close(settle=status == "finished")
                ended = status
                if status == "finished" and self.failed:
                    ended = "incomplete" if self.scored else "failed"
            except KeyboardInterrupt:
                ended = "cancelled"
                raise
            finally:  # whatever a device's end is like, its results were paid for
                with held():
                    self._write(run, ended)
                    seconds = time.monotonic() - run.begun
                    self._listen(RunFinished(self.folder.path, ended, seconds))

    def _write(self, run: Opened, status: Status) -> None:
        before = self.folder.record()
        if status != "finished" and before is not None and before.status == "finished":
            return
        with self.folder.replaced(run.record, run.settings) as draft:
            write_files(self.study, draft, self.scored, self.cites)
            draft.update(failed=self.outcome().failed)
            draft.finish(status, time.monotonic() - run.begun)
            if status in ("finished", "incomplete"):
                write_report(draft.path)


def write_files(
    study: Study,
    folder: RunFolder,
    scored: Sequence[Scored],
    citations: Mapping[str, Mapping[str, str]],
) -> None:
    """Write every file of the contract but ``report.html`` from the finished cells."""
    used = {fit_key(study, fit) for fit in study.fits()}.union(*(line.used for line in scored))
    folder.write_text(STAGE_KEYS, "".join(f"{key}\n" for key in sorted(used)))
    order = {cell: number for number, cell in enumerate(study.cells())}
    scored = sorted(scored, key=lambda result: (order[result.cell], result.stage == BESIDE))
    asked = {result.cell for result in scored if result.stage != BESIDE}
    # Exact values stand beside those asked for: where these are missing there is nothing to them.
    results = _results(study, [result for result in scored if result.cell in asked])
    scored = [result for result in scored if result.stage != BESIDE]  # the same models once more
    folder.write_table("results.csv", results)
    metrics = study.readings(results["metric"].unique())
    folder.write_table("summary.csv", summarise(results, metrics))
    folder.write_table("predictions.parquet", _predictions(study, scored))
    folder.write_lines("history.jsonl", _history(study, scored))
    folder.write_table("costs.csv", _cell_costs(study, scored))
    if svg := drawing(study):
        folder.write_text("circuit.svg", svg)
    for name, key in _models(study, scored):
        folder.write_model(study.store.load(key), *name)
    effective = {stage: study.backends[stage].effective() for stage in STAGES}
    for result in scored[:1]:  # workers know what took effect in their processes
        effective["evaluate"] = study.store.load(result.outputs).facts["effective"]
    entries = {key: text for cited in citations.values() for key, text in cited.items()}
    folder.write_text("references.bib", "\n".join(entries.values()))
    cites = {use: list(cited) for use, cited in citations.items()}
    costs = _costs(study, scored)
    folder.update(
        effective=effective,
        data=study.data.content,
        description=describe(study),
        metrics=metrics,
        costs=costs,
        checkpoints=study.experiment.model_dump(mode="json").get("checkpoints", {}),
        cites=cites,
        files=folder.checksums(),
    )


def _cell_costs(study: Study, scored: Sequence[Scored]) -> pd.DataFrame:
    """What every method took; retraining, what training the oracle did.

    Seconds are apart from ``history.jsonl``, which is the same whenever and wherever it is made.
    """
    rows = []
    for cell, key in ((result.cell, result.model) for result in scored):
        chosen = study.experiment.methods.get(cell.method)
        if chosen and chosen.method == "retrain":
            key = fit_key(study, Fit("oracle", cell.seed, cell.scenario))
        steps = study.store.load(key).facts["steps"]
        rows.append((*astuple(cell), steps, study.store.seconds(key)))
    return pd.DataFrame(rows, columns=COST_COLUMNS)


def _costs(study: Study, scored: Sequence[Scored]) -> dict[str, Any]:
    """What the models behind the scores took, whenever it was spent."""
    keys = {key for _, key in _models(study, scored)}
    steps = sum(study.store.load(key).facts["steps"] or 0 for key in sorted(keys))
    counts = {"cells": len(scored), "models": len(keys), "optimiser_steps": steps}
    return counts | {stage: backend.spending() for stage, backend in study.paid.items()}


def _models(study: Study, scored: Sequence[Scored]) -> Iterator[tuple[tuple[int, str, str], str]]:
    """Seed, kind, scenario and key of every model: teachers, oracles, what each method made."""
    for fit in study.fits():
        if fit.kind != FLOOR and (key := fit_key(study, fit)) in study.store:
            yield (fit.seed, fit.kind, fit.scenario), key
    for cell, key in ((result.cell, result.model) for result in scored):
        yield (cell.seed, cell.method, cell.scenario), key


def _results(study: Study, scored: Sequence[Scored]) -> pd.DataFrame:
    dataset = study.experiment.data.source
    labels = {stage: backend.label for stage, backend in study.backends.items()}
    rows = [
        (dataset, c.scenario, c.method, c.seed, backend, metric, measured.value, measured.n)
        for c, backend, scores in (
            (result.cell, labels[result.stage], result.scores) for result in scored
        )
        for metric, measured in scores.items()
    ]
    return pd.DataFrame(rows, columns=RESULT_COLUMNS)


def _predictions(study: Study, scored: Sequence[Scored]) -> pd.DataFrame:
    """One line per cell, subset and row: probabilities and quantum features."""
    frames = [_cell_predictions(study, result) for result in scored]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _cell_predictions(study: Study, result: Scored) -> pd.DataFrame:
    arrays = study.store.load(result.outputs).arrays
    evaluated = np.isfinite(arrays["probabilities"]).all(axis=1)
    partition = study.partition(result.cell.seed, result.cell.scenario)
    subsets = {**partition.subsets(), "val": partition.val}
    parts = {k: v[evaluated[v]] for k, v in subsets.items() if not k.startswith("test_")}
    rows = np.concatenate(list(parts.values()))
    frame = pd.DataFrame(
        {
            "scenario": result.cell.scenario,
            "method": result.cell.method,
            "seed": result.cell.seed,
            "subset": np.repeat(list(parts), [len(part) for part in parts.values()]),
            "row": rows,
            "label": partition.labels[rows],
        }
    )
    for letter, array in (("p", arrays["probabilities"]), ("z", arrays["features"])):
        for column, values in enumerate(array[rows].T):
            frame[f"{letter}{column}"] = values
    return frame


def _history(study: Study, scored: Sequence[Scored]) -> Iterator[dict[str, Any]]:
    """Losses per epoch of what was trained, then per step of what was unlearned."""
    for fit in study.fits():
        if (key := fit_key(study, fit)) in study.store:
            about = {"stage": fit.kind, "scenario": fit.scenario, "method": "", "seed": fit.seed}
            yield from ({**about, **line} for line in study.store.load(key).facts["history"])
    for result in scored:
        if result.cell.method == FLOOR:  # trained from scratch, above
            continue
        about = {"stage": "unlearn", **asdict(result.cell)}
        facts = study.store.load(result.model).facts
        yield from ({**about, **line} for line in facts["history"])
        yield {**about, "steps": facts["steps"], "facts": facts["facts"]}
