"""A run folder as typed frames: all that a report is made from."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pyarrow import parquet

from qhu.errors import UserError
from qhu.record.documents import parse_document
from qhu.record.folder import SCHEMA, RunFolder, RunRecord
from qhu.record.scores import Score

RESULTS = {
    **dict.fromkeys(("dataset", "scenario", "method"), "str"),
    "seed": "int64",
    "backend": "str",
    "metric": "str",
    "value": "float64",
    "n": "int64",
}
SUMMARY = {
    **dict.fromkeys(("dataset", "scenario", "method", "backend", "metric"), "str"),
    **dict.fromkeys(("mean", "ci_low", "ci_high"), "float64"),
    "seeds": "int64",
}
MAX_TABLE, MAX_PREDICTIONS = 500_000_000, 2_000_000_000
"""Bytes of a CSV file, and values of ``predictions.parquet``: thrice those of all of MNIST."""
COSTS = {"scenario": "str", "method": "str", "seed": "int64"}
COSTS |= dict.fromkeys(("steps", "seconds"), "float64")
ABOUT = ["stage", "scenario", "method", "seed"]
TOOK = ["steps", "seconds"]


@dataclass(frozen=True, eq=False)
class RunFiles:
    """One run.

    Attributes:
        record: contents of ``run.json``.
        settings: contents of ``experiment.yaml``.
        results: one row per seed and metric (columns :data:`RESULTS`).
        summary: one row per metric over the seeds (columns :data:`SUMMARY`).
        scores: by name, how every score of the results is read.
        losses: one row per epoch or step: :data:`ABOUT`, ``at``, ``loss``, ``val_loss``.
        facts: one row per unlearned model: :data:`ABOUT`, :data:`TOOK` and a column per fact.
        circuit: the drawn circuit as SVG text, None where it was not drawn.
        references: what to cite, BibTeX; empty where it was not recorded.
    """

    record: RunRecord
    settings: dict[str, Any]
    results: pd.DataFrame
    summary: pd.DataFrame
    scores: dict[str, Score]
    losses: pd.DataFrame
    facts: pd.DataFrame
    circuit: str | None
    references: str


def load_run(folder: Path) -> RunFiles:
    """Read a run folder.

    Raises:
        UserError: it is no run folder, or one of its files is missing, damaged or empty.
    """
    record, results = record_of(folder), read_table(folder / "results.csv", RESULTS)
    losses, facts = read_reports(folder)
    drawing, references = folder / "circuit.svg", folder / "references.bib"
    return RunFiles(
        record=record,
        settings=read_settings(folder / "experiment.yaml"),
        results=results,
        summary=read_table(folder / "summary.csv", SUMMARY),
        scores=read_scores(folder, results),
        losses=losses,
        facts=facts,
        circuit=_read_text(drawing) if drawing.exists() else None,
        references=_read_text(references) if references.exists() else "",
    )


def read_scores(folder: Path, table: pd.DataFrame) -> dict[str, Score]:
    """How the scores of a table are read, by name, in the order of the table.

    Args:
        folder: the run folder.
        table: rows of its ``results.csv`` or ``summary.csv``.

    Raises:
        UserError: it is no run folder, or ``run.json`` does not say it.
    """
    record = record_of(folder)
    if record.schema_version < SCHEMA:
        raise UserError(
            f"{folder} was written by an earlier version of qhu, which did not record how scores "
            "are read: run the experiment again"
        )
    names = table["metric"].unique()
    if missing := [name for name in names if name not in record.metrics]:
        raise UserError(
            f"{folder / 'run.json'} does not say how the score {missing[0]} is read: "
            "run the experiment again"
        )
    return {name: record.metrics[name] for name in names}


def read_results(folder: Path) -> pd.DataFrame:
    """Rows of a run's ``results.csv`` on the backend that was asked for.

    Raises:
        UserError: as :func:`read_table`.
    """
    return asked_for(read_table(folder / "results.csv", RESULTS))


def asked_for(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``results.csv`` or ``summary.csv`` on the backend that a run was asked for.

    It comes first; the same models' exact values may stand beside its own.
    """
    return table[table["backend"].isin(table["backend"].head(1))]


def record_of(folder: Path) -> RunRecord:
    """What ``run.json`` says of a run.

    Raises:
        UserError: it is no run folder.
    """
    record = RunFolder(folder).record()
    if record is None:
        raise UserError(f"{folder} is not a run folder: it has no run.json")
    return record


def read_predictions(folder: Path, seeds: Sequence[int]) -> pd.DataFrame:
    """Rows of ``predictions.parquet`` of some seeds.

    Raises:
        UserError: the file is missing or damaged.
    """
    file = folder / "predictions.parquet"
    content = io.BytesIO(RunFolder(folder).read(file.name))
    try:
        shape = parquet.read_metadata(content)
        if shape.num_rows * shape.num_columns > MAX_PREDICTIONS:
            raise ValueError(f"it claims {shape.num_rows:,} rows of {shape.num_columns:,} columns")
        return pd.read_parquet(content, filters=[("seed", "in", list(seeds))])
    except (OSError, ValueError, MemoryError) as error:  # pyarrow's errors are these
        raise UserError(f"cannot read {file} ({error}): run the experiment again") from None


def read_table(file: Path, types: Mapping[str, str]) -> pd.DataFrame:
    """Read a CSV file of a run with the given columns; other columns are left out.

    Raises:
        UserError: the file is missing or empty, lacks a column, or holds text for a number.
    """
    return parse_table(_read(file), file, types)


def parse_table(
    content: bytes,
    file: Path,
    types: Mapping[str, str],
    optional: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """A table from the content of its CSV file, as :func:`read_table` has it.

    Args:
        content: of the file.
        file: where it was read.
        types: by name, the columns.
        optional: columns that are read where they are there.
    """
    # Only an empty field is missing: "NA" or "null" may be the name of a method.
    options: dict[str, Any] = {"keep_default_na": False, "na_values": [""]}
    try:
        header = pd.read_csv(io.BytesIO(content), nrows=0)
        if missing := [name for name in types if name not in header.columns]:
            raise UserError(f"{file} lacks the column '{missing[0]}': run the experiment again")
        types = {**types, **{k: v for k, v in (optional or {}).items() if k in header.columns}}
        table = pd.read_csv(io.BytesIO(content), dtype=dict(types), usecols=list(types), **options)
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is damaged ({error}): run the experiment again") from None
    if table.empty:
        raise UserError(f"{file} has no rows: nothing was finished; run the experiment again")
    return table[list(types)]


def read_settings(file: Path) -> dict[str, Any]:
    """The settings in a run's ``experiment.yaml``.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        settings = parse_document(_read(file), str(file))
    except UserError as error:
        raise UserError(
            f"{file} is not YAML settings ({error}): run the experiment again"
        ) from None
    if not isinstance(settings, dict):
        raise UserError(f"{file} is not YAML settings: run the experiment again")
    return settings


def read_reports(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Losses and facts of a run, with what each model took; empty frames where it wrote none.

    A run of an earlier version recorded no seconds, and of retraining the steps of handing its
    model on: both are NaN then.

    Raises:
        UserError: a file is damaged.
    """
    losses, facts = read_history(folder / "history.jsonl")
    file, model = folder / "costs.csv", ABOUT[1:]
    if file.exists():
        told = facts.drop(columns="steps").astype({name: COSTS[name] for name in model})
        facts = read_table(file, COSTS).merge(told, "left", model)
    else:
        facts["steps"] = facts["steps"].mask(facts["method"] == "retrain")
        facts["seconds"] = float("nan")
    extra = [name for name in facts.columns if name not in (*ABOUT, *TOOK)]
    return losses, facts[[*ABOUT, *TOOK, *extra]]


def read_history(file: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Losses and facts of ``history.jsonl``; empty frames where a run wrote none.

    Raises:
        UserError: the file is damaged.
    """
    losses, facts = [], []
    text = _read_text(file) if file.exists() else ""
    for number, entry in enumerate(text.splitlines(), 1):
        try:
            line = json.loads(entry)
        except (ValueError, RecursionError):  # no JSON, too many digits, nested too deep
            line = None
        if not isinstance(line, dict) or not isinstance(line.get("facts", {}), dict):
            raise UserError(f"{file}, line {number}: not JSON; run the experiment again") from None
        if "facts" in line:
            reported = line.pop("facts")
            facts.append({**line, **reported})
        else:
            losses.append({**line, "at": line.get("epoch", line.get("step"))})
    columns = [*ABOUT, "at", "loss", "val_loss"]
    reports = pd.DataFrame.from_records(facts)
    extra = [name for name in reports.columns if name not in (*ABOUT, "steps")]
    return (
        pd.DataFrame.from_records(losses)
        .reindex(columns=columns)
        .astype({"loss": "float64", "val_loss": "float64"}),  # null: it was not finite
        reports.reindex(columns=[*ABOUT, "steps", *extra]),
    )


def _read_text(file: Path) -> str:
    try:
        return _read(file).decode()
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read {file}: {error}") from None


def _read(file: Path) -> bytes:
    """A file as the run beside it wrote it."""
    return RunFolder(file.parent).read(file.name, MAX_TABLE)
