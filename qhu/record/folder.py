"""The run folder: the files that a run leaves behind."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ValidationError

from qhu.errors import UserError
from qhu.record.clock import now
from qhu.record.csv_text import csv_text
from qhu.record.documents import write_document
from qhu.record.environment import environment, made_by
from qhu.record.naming import joined
from qhu.record.scores import Score
from qhu.record.store import replacing

RESULT_COLUMNS = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n"]
FILES = ("results.csv", "summary.csv", "predictions.parquet", "history.jsonl", "report.html")
SCHEMA = 2
"""Version of ``run.json``: the second says how scores are read."""
Status = Literal["started", "finished", "cancelled", "failed"]


class RunRecord(BaseModel):
    """Contents of ``run.json``."""

    schema_version: int = 1
    """of the program that wrote it; the first one wrote none of ``metrics``"""
    status: Status
    """``finished`` only when every file is complete"""
    name: str
    """name of the experiment"""
    backend: str
    """backend of the evaluation"""
    fingerprint: str
    """hash of the settings and of the backends' options"""
    started: str
    """UTC, ISO 8601"""
    finished: str | None = None
    """UTC, ISO 8601"""
    seconds: float = 0.0
    """wall clock of the last invocation"""
    environment: dict[str, Any]
    """versions, machine, commit, hashes of the code"""
    effective: dict[str, dict[str, Any]] = {}
    """per stage, the backend's options as they took effect"""
    data: str | None = None
    """hash of the dataset's classes, rows and labels"""
    metrics: dict[str, Score] = {}
    """how every score in ``results.csv`` is read"""
    costs: dict[str, Any] = {}
    """stages computed and reused, circuit executions"""
    cites: dict[str, list[str]] = {}
    """what was used, such as ``method scrub``, to its keys in ``references.bib``"""


class RunFolder:
    """A run's folder on disk; every file in it appears whole or not at all.

    Args:
        path: the folder; made when the run starts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self) -> RunRecord | None:
        """The run's record, or None where no run has started here.

        Raises:
            UserError: ``run.json`` is damaged.
        """
        file = self.path / "run.json"
        if not file.exists():
            return None
        try:
            return RunRecord.model_validate_json(file.read_bytes())
        except (ValidationError, OSError):
            raise UserError(f"{file} is damaged: delete the folder and run again") from None

    def model(self, seed: int, kind: str, scenario: str = "") -> Path:
        """File of a model: ``teacher``, a scenario's ``oracle`` or what a method made there.

        A dash inside a label is doubled: scenario ``a-b`` of method ``scrub`` is another file than
        scenario ``a`` of method ``b-scrub``.
        """
        parts = (f"seed{seed}", scenario, kind)
        return self.path / "models" / f"{joined(filter(None, parts))}.safetensors"

    def check(self, fingerprint: str) -> None:
        """Refuse a run that cannot use the folder.

        Raises:
            UserError: it holds another experiment or other files.
        """
        record = self.record()
        if record is not None and record.fingerprint != fingerprint:
            raise UserError(
                f"{self.path} holds another experiment ({record.name}, {record.fingerprint}): "
                "choose another --out"
            )
        if record is None and self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path} is a file: choose another --out")
        if record is None and self.path.exists() and any(self.path.iterdir()):
            raise UserError(f"{self.path} holds other files: choose another --out")

    def start(self, name: str, backend: str, fingerprint: str, settings: Mapping[str, Any]) -> None:
        """Claim the folder for a run.

        Raises:
            UserError: as :meth:`check`.
        """
        self.check(fingerprint)
        self.write(
            RunRecord(
                schema_version=SCHEMA,
                status="started",
                name=name,
                backend=backend,
                fingerprint=fingerprint,
                started=now(),
                environment=environment(),
            )
        )
        self.write_text("experiment.yaml", write_document(dict(settings)))

    def is_finished(self, fingerprint: str, data: str) -> bool:
        """Whether this very run is complete here, made of the present data by the present code.

        Args:
            fingerprint: of the run.
            data: hash of the dataset's rows, as they are read today.
        """
        record = self.record()
        return (
            record is not None
            and record.status == "finished"
            and (record.fingerprint, record.data) == (fingerprint, data)
            and made_by().items() <= record.environment.items()
            and all((self.path / name).exists() for name in FILES)
        )

    def finish(self, status: Status, seconds: float) -> None:
        """Note how the run ended."""
        self.update(status=status, finished=now(), seconds=round(seconds, 1))

    def write(self, record: RunRecord) -> None:
        """Write ``run.json``."""
        self.write_text("run.json", record.model_dump_json(indent=2) + "\n")

    def update(self, **changes: Any) -> RunRecord:
        """Change fields of ``run.json``."""
        record = self.record()
        assert record is not None  # start() wrote it
        changed = record.model_copy(update=changes)
        self.write(changed)
        return changed

    def write_text(self, name: str, text: str) -> None:
        """Write a text file."""
        self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file."""
        with replacing(self.path / name) as partial:
            partial.write_bytes(content)

    def write_table(self, name: str, frame: pd.DataFrame) -> None:
        """Write a CSV or Parquet file, by its ending."""
        with replacing(self.path / name) as partial:
            if name.endswith(".parquet"):
                frame.to_parquet(partial, index=False)
            else:
                partial.write_text(csv_text(frame), encoding="utf-8")

    def write_lines(self, name: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write a JSON-lines file."""
        self.write_text(name, "".join(json.dumps(line) + "\n" for line in lines))
