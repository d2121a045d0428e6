"""The run folders below a folder: what each is of, how it ended, how large it is."""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from qhu.errors import UserError
from qhu.record.claim import is_claimed
from qhu.record.documents import read_document
from qhu.record.folder import RECORD, RunFolder, RunRecord

RUNS = Path("runs")
"""Where runs are kept, below the working folder."""
STORE = ".stages"
"""The store, below that."""
PAGES = {
    "report.html": "run",
    "evidence.html": "evidence",
    "ablation.html": "ablation",
    "compare.html": "comparison",
    "tuned.html": "tuned",
    "claims.html": "claims",
    "paper.html": "paper",
}
"""What a folder is, by the page that it holds."""
STAGE_KEYS = "stages.txt"
"""In a run folder: the keys of the stages behind it, a line each."""


class ShelvedRun(NamedTuple):
    """A folder that qhu filled.

    Attributes:
        path: the folder.
        kind: one of those of :data:`PAGES`; what has no page yet is a run.
        name: of the experiment.
        backend: of the evaluation; empty where pages of several runs lie there.
        status: ``finished``, ``cancelled``, ``failed`` or ``incomplete`` as the run ended;
            ``running``: a process works there; ``stopped``: it began and was killed; ``damaged``:
            ``run.json`` cannot be read.
        changed: when it ended, or began where it did not end.
        seconds: how long it took, 0 where that is not known.
        size: bytes on the disk, without folders inside that are runs themselves.
        page: what to open; None: there is none yet.
    """

    path: Path
    kind: str
    name: str
    backend: str
    status: str
    changed: datetime
    seconds: float
    size: int
    page: Path | None

    def settings(self) -> dict[str, Any]:
        """The settings of a run as they were resolved; empty where they cannot be read."""
        try:
            settings = read_document(self.path / "experiment.yaml")
        except UserError:
            return {}
        return settings if isinstance(settings, dict) and self.kind != "claims" else {}

    def stages(self) -> set[str]:
        """Keys of the stages behind it, empty where it does not say."""
        try:
            return set((self.path / STAGE_KEYS).read_text(encoding="utf-8").split())
        except OSError:
            return set()


def shelf(root: Path = RUNS) -> list[ShelvedRun]:
    """Every folder below a folder, itself included, that qhu filled, the newest first.

    Nothing is changed; what is damaged is listed as that.
    """
    sizes = dict.fromkeys(folders(root), 0)
    for where, _, files in os.walk(root):
        owner = next((f for f in (Path(where), *Path(where).parents) if f in sizes), None)
        if owner is not None:
            sizes[owner] += sum(_size(Path(where, name)) for name in files)
    runs = []
    for folder, size in sizes.items():
        with contextlib.suppress(FileNotFoundError):  # it has gone since it was listed
            runs.append(_shelved(folder, root, size))
    return sorted(runs, key=lambda run: run.changed, reverse=True)


def folders(root: Path) -> Iterator[Path]:
    """The folders below a folder, itself included, that qhu filled."""
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        if RECORD in files or not PAGES.keys().isdisjoint(files):
            yield Path(folder)


def _shelved(folder: Path, root: Path, size: int) -> ShelvedRun:
    pages = [folder / name for name in PAGES if (folder / name).is_file()]
    page = pages[0] if pages else None
    kind = PAGES[page.name] if page else "run"
    parts = folder.relative_to(root).parts or folder.resolve().parts[-1:]
    ended = datetime.fromtimestamp((page or folder).stat().st_mtime, UTC)
    name, backend, status, seconds = parts[0], "", "finished", 0.0
    try:
        record = RunFolder(folder).as_it_stands()
    except UserError:
        record, status = None, "damaged"
    if record is not None:
        name, backend, seconds = record.name, record.backend, record.seconds
        status, ended = _status(record, folder), _moment(record.finished or record.started, ended)
    return ShelvedRun(folder, kind, name, backend, status, ended, seconds, size, page)


def _status(record: RunRecord, folder: Path) -> str:
    if is_claimed(folder):
        return "running"
    return "stopped" if record.status == "started" else record.status


def _moment(text: str, otherwise: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:  # it has gone meanwhile
        return 0
