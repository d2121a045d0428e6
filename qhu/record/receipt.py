"""Receipts of finished runs, so that a command that is repeated computes and imports nothing.

A receipt is found by all that decides what a command does: its words, the files that it names, the
code of qhu byte by byte, what is installed. It holds the rest of what :meth:`RunFolder.is_finished`
asks for: the run's record as it was, and the files that the run read.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from qhu.errors import UserError
from qhu.record.files import checksum, replacing
from qhu.record.folder import RECORD, RunFolder
from qhu.record.shelf import RUNS
from qhu.record.sources import PACKAGE, beside, digest

RECEIPTS = RUNS / ".receipts"
ABSENT = "absent"


class Receipt(BaseModel):
    """What is known of a finished run."""

    folder: Path
    """the run folder"""
    record: str
    """SHA-256 of its ``run.json``"""
    inputs: dict[str, str]
    """SHA-256 of every file that it read, by its path"""
    shown: str
    """what the command printed"""
    checksum: str
    """SHA-256 of all of the above"""

    @classmethod
    def of(cls, **content: Any) -> "Receipt":
        """A receipt with its checksum."""
        return cls(**content, checksum=_sum(content))

    def is_whole(self) -> bool:
        """Whether it is what was written."""
        return self.checksum == _sum(self.model_dump(exclude={"checksum"}))


class Invocation:
    """A command, on what there is when it is given.

    Args:
        words: its arguments, JSON-serialisable.
        files: what it names or reads beside them, absent ones included.
    """

    def __init__(self, words: Any, files: Iterable[Path]) -> None:
        self._words, self._files = words, list(files)
        self._path = list(sys.path)  # which what is imported may add to
        self._key = self._present()

    def finished(self) -> Receipt | None:
        """The receipt of this very command, if its run is finished and nothing changed since."""
        try:
            receipt = Receipt.model_validate_json(self._file.read_bytes())
        except (OSError, ValidationError):
            return None
        if not receipt.is_whole() or checksums(receipt.inputs) != receipt.inputs:
            return None
        run = RunFolder(receipt.folder)
        try:
            if checksum((run.path / RECORD).read_bytes()) != receipt.record:
                return None
            return receipt if run.is_complete() else None
        except (OSError, UserError):
            return None

    def keep(self, folder: Path, inputs: Mapping[str, str], shown: str) -> None:
        """Keep a receipt, unless anything changed since the command was given.

        Args:
            folder: of its run.
            inputs: files that the run read, as :func:`checksums` found them before it.
            shown: what the command printed.
        """
        run = RunFolder(folder)
        if not run.is_complete() or self._present() != self._key or checksums(inputs) != inputs:
            return
        record = checksum((folder / RECORD).read_bytes())
        receipt = Receipt.of(folder=folder, record=record, inputs=dict(inputs), shown=shown)
        with replacing(self._file) as partial:
            partial.write_text(receipt.model_dump_json(), encoding="utf-8")

    @property
    def _file(self) -> Path:
        return RECEIPTS / f"{self._key}.json"

    def _present(self) -> str:
        here, files = str(Path.cwd()), checksums(map(str, self._files))
        return digest([self._words, here, sys.version, files, _code(), _installed(self._path)])


def checksums(paths: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files by path."""
    return {path: _checksum(Path(path)) for path in paths}


def _checksum(path: Path) -> str:
    try:
        return checksum(path.read_bytes())
    except OSError:
        return ABSENT


def _code() -> str:
    """Hash of every file of the package; comments count, too."""
    content = hashlib.sha256()
    for file in beside(PACKAGE):
        content.update(str(file.relative_to(PACKAGE)).encode())
        content.update(hashlib.sha256(file.read_bytes()).digest())
    return content.hexdigest()


def _installed(path: list[str]) -> list[Any]:
    """What imports may come from: distributions by name and version, and when they were put."""
    folders = (Path(entry or ".") for entry in path)
    metadata = (info for folder in folders if folder.is_dir() for info in folder.glob("*.*-info"))
    return [path, sorted((str(info), info.stat().st_mtime_ns) for info in metadata)]


def _sum(content: Mapping[str, Any]) -> str:
    plain = {**content, "folder": str(content["folder"])}
    return checksum(json.dumps(plain, sort_keys=True).encode())
