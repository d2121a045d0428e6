"""The run folder: the files that a run leaves behind."""

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from qhu.errors import UserError
from qhu.record.claim import claimed, is_half_done, replaced
from qhu.record.clock import now
from qhu.record.csv_text import csv_text
from qhu.record.description import DataDescription
from qhu.record.documents import write_document
from qhu.record.environment import environment, made_by
from qhu.record.files import Damaged, checksum, is_partial, read_plain, replacing
from qhu.record.json_text import finite, json_text
from qhu.record.naming import joined
from qhu.record.scores import Score
from qhu.record.stage import Stage, packed, unpacked

if TYPE_CHECKING:  # as in csv_text.py
    import pandas as pd

RESULT_COLUMNS = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n"]
COST_COLUMNS = ["scenario", "method", "seed", "steps", "seconds"]
FILES = ("results.csv", "summary.csv", "predictions.parquet", "history.jsonl", "report.html")
RECORD = "run.json"
AGAIN = "run the experiment again, which writes its files anew"
SCHEMA = 2
"""Version of ``run.json``: the second says how scores are read."""
Status = Literal["started", "finished", "incomplete", "cancelled", "failed"]


class FailedCell(BaseModel):
    """A hole in a grid: a cell, or a score of it, that could not be computed."""

    method: str
    """label of the method; of claims, what was to be computed"""
    scenario: str
    """name of the scenario; of claims, of the experiment"""
    seed: int | None = None
    """of the split and of all that is drawn; None: it is of no single seed"""
    reason: str
    """what went wrong, in a line"""

    def __str__(self) -> str:
        seed = "" if self.seed is None else f" seed {self.seed}"
        return f"{self.scenario} {self.method}{seed}: {self.reason}"


class RunRecord(BaseModel):
    """Contents of ``run.json``."""

    schema_version: int = 1
    """of the program that wrote it; the first one wrote none of ``metrics``"""
    status: Status
    """``finished`` only when every file is complete; ``incomplete``: but for ``failed``"""
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
    description: DataDescription | None = None
    """what was read and what is forgotten, by name; the first programs wrote none"""
    metrics: dict[str, Score] = {}
    """how every score in ``results.csv`` is read"""
    costs: dict[str, Any] = {}
    """stages computed and reused, circuit executions"""
    failed: list[FailedCell] = []
    """cells that could not be computed; the same command tries them again"""
    checkpoints: dict[str, Any] = {}
    """by label, scenario and seed, the file that a model came from, where it was not made here"""
    cites: dict[str, list[str]] = {}
    """what was used, such as ``method scrub``, to its keys in ``references.bib``"""
    files: dict[str, str] = {}
    """SHA-256 of every file that reports and comparisons read, by its path in the folder"""


def started(name: str, backend: str, fingerprint: str) -> RunRecord:
    """The record of a run that begins here and now; arguments as in :class:`RunRecord`."""
    return RunRecord(
        schema_version=SCHEMA,
        status="started",
        name=name,
        backend=backend,
        fingerprint=fingerprint,
        started=now(),
        environment=environment(),
    )


class RunFolder:
    """A run's folder on disk; its files are those of one run, and each is whole.

    Args:
        path: the folder; made when the run starts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self) -> RunRecord | None:
        """The run's record, or None where no run has started here.

        Raises:
            UserError: ``run.json`` is damaged, or another process works here.
        """
        if is_half_done(self.path):
            with self.claimed():
                pass
        return self.as_it_stands()

    def as_it_stands(self) -> RunRecord | None:
        """As :meth:`record`, but nothing is put right: another process may be at it."""
        file = self.path / RECORD
        try:
            document = json.loads(read_plain(file))
            record = RunRecord.model_validate(document)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, OSError, RecursionError):
            document = record = None
        if record is None or document.get("checksum", "") not in ("", _own_checksum(document)):
            raise UserError(f"{file} is damaged: delete the folder and run again")
        return record

    def read(self, name: str, limit: float = math.inf) -> bytes:
        """The content of a file of the run, as it was written.

        Args:
            name: path in the folder.
            limit: bytes that it may have.

        Raises:
            UserError: it is missing or damaged.
        """
        file, record = self.path / name, self.record()
        try:
            content = read_plain(file, limit)
        except (Damaged, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"cannot read {file}: {reason}; {AGAIN}") from None
        if record and record.files.get(name, ...) not in (..., checksum(content)):
            raise UserError(f"{file} is damaged (its checksum differs): {AGAIN}")
        return content

    def model(self, seed: int, kind: str, scenario: str = "") -> Path:
        """File of a model: ``teacher``, a scenario's ``oracle`` or what a method made there.

        A dash inside a label is doubled: scenario ``a-b`` of method ``scrub`` is another file than
        scenario ``a`` of method ``b-scrub``.
        """
        parts = (f"seed{seed}", scenario, kind)
        return self.path / "models" / f"{joined(filter(None, parts))}.safetensors"

    def read_model(self, seed: int, kind: str, scenario: str = "") -> Stage:
        """A model, as :meth:`model` names it.

        Raises:
            UserError: its file is missing or damaged.
        """
        file = self.model(seed, kind, scenario)
        try:
            return unpacked(self.read(file.relative_to(self.path).as_posix()))
        except Damaged as error:
            raise UserError(f"{file} is damaged ({error}): {AGAIN}") from None

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
        if record is None and self.path.exists() and not all(map(is_partial, self.path.iterdir())):
            raise UserError(f"{self.path} holds other files: choose another --out")

    def check_kind(self, name: str, file: str, fingerprint: str) -> None:
        """Refuse a folder of something else; earlier work of the same name and kind is replaced.

        Args:
            name: of the study.
            file: that every folder of the kind holds.
            fingerprint: of the work to come.

        Raises:
            UserError: as :meth:`check`.
        """
        record = self.record()
        if record is None or record.name != name or not (self.path / file).is_file():
            self.check(fingerprint)

    def claimed(self) -> contextlib.AbstractContextManager[None]:
        """As :func:`qhu.record.claim.claimed`."""
        return claimed(self.path, RECORD)

    def start(self, record: RunRecord, settings: Mapping[str, Any]) -> None:
        """Note that a run begins; a finished one keeps its files until there are others.

        Raises:
            UserError: as :meth:`check`.
        """
        self.check(record.fingerprint)
        before = self.record()
        if before is None or before.status != "finished":
            self._begin(record, settings)

    def _begin(self, record: RunRecord, settings: Mapping[str, Any]) -> None:
        self.write(record)
        self.write_text("experiment.yaml", write_document(dict(settings)))

    @contextlib.contextmanager
    def replaced(self, record: RunRecord, settings: Mapping[str, Any]) -> Iterator["RunFolder"]:
        """A draft that becomes the content of the folder when the block ends well.

        Files of a run before that this one does not write are removed; what no run wrote stays.
        """
        with replaced(self.path, RECORD) as path:
            draft = RunFolder(path)
            draft._begin(record, settings)
            yield draft
            before, after = self.as_it_stands(), draft.as_it_stands()
            stale = (before.files if before else {}).keys() - (after.files if after else {}).keys()
        for name in stale:
            (self.path / name).unlink(missing_ok=True)

    def is_finished(self, fingerprint: str, data: str) -> bool:
        """Whether this very run is complete here, made of the present data by the present code.

        Args:
            fingerprint: of the run.
            data: hash of the dataset's rows, as they are read today.
        """
        record = self.record()
        return (
            record is not None
            and (record.fingerprint, record.data) == (fingerprint, data)
            and made_by().items() <= record.environment.items()
            and self.is_complete()
        )

    def is_complete(self) -> bool:
        """Whether a run has finished here, and its files are those that it wrote."""
        record = self.record()
        return (
            record is not None
            and record.status == "finished"
            and all((self.path / name).exists() for name in FILES)
            and all(self._is_whole(*file) for file in record.files.items())
        )

    def _is_whole(self, name: str, expected: str) -> bool:
        try:
            return checksum(read_plain(self.path / name)) == expected
        except (Damaged, OSError):
            return False

    def checksums(self) -> dict[str, str]:
        """Of every file but the record, by its path in the folder."""
        files = (file for file in sorted(self.path.rglob("*")) if file.is_file())
        names = {file.relative_to(self.path).as_posix(): file for file in files}
        return {name: checksum(f.read_bytes()) for name, f in names.items() if name != RECORD}

    def finish(self, status: Status, seconds: float) -> None:
        """Note how the run ended."""
        self.update(status=status, finished=now(), seconds=round(seconds, 1))

    def write(self, record: RunRecord, noted: Mapping[str, Any] | None = None) -> None:
        """Write ``run.json``, with what other studies note beside the fields of a run."""
        document = finite({**(noted or {}), **json.loads(record.model_dump_json())})
        sealed = {**document, "checksum": _own_checksum(document)}
        self.write_text(RECORD, json_text(sealed, indent=2, ensure_ascii=False) + "\n")

    def update(self, **changes: Any) -> RunRecord:
        """Change fields of ``run.json``."""
        record = self.record()
        assert record is not None  # start() wrote it
        changed = record.model_copy(update=changes)
        document = json.loads(read_plain(self.path / RECORD))
        own = {*type(record).model_fields, "checksum"}
        self.write(changed, {name: value for name, value in document.items() if name not in own})
        return changed

    def write_text(self, name: str, text: str) -> None:
        """Write a text file."""
        self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file."""
        with replacing(self.path / name) as partial:
            partial.write_bytes(content)

    def write_model(self, stage: Stage, seed: int, kind: str, scenario: str = "") -> None:
        """Write a model's file, as :meth:`model` names it: a copy of the store's."""
        with replacing(self.model(seed, kind, scenario)) as partial:
            partial.write_bytes(packed(stage))

    def write_table(self, name: str, frame: "pd.DataFrame") -> None:
        """Write a CSV or Parquet file, by its ending."""
        with replacing(self.path / name) as partial:
            if name.endswith(".parquet"):
                frame.to_parquet(partial, index=False)
            else:
                partial.write_text(csv_text(frame), encoding="utf-8")

    def write_lines(self, name: str, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write a JSON-lines file."""
        self.write_text(name, "".join(json_text(line) + "\n" for line in lines))


def _own_checksum(document: Mapping[str, Any]) -> str:
    """SHA-256 of the content of ``run.json`` but the checksum that it holds."""
    content = {key: value for key, value in document.items() if key != "checksum"}
    return checksum(json.dumps(content, sort_keys=True).encode())
