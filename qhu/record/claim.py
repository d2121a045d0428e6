"""Who works in a folder, and how all of its files are replaced together."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from qhu.errors import UserError
from qhu.record.files import remove_abandoned, sync, written

DRAFT, COMPLETE = ".draft-", ".complete"
"""Folders inside: files being written, and files of which all are there, on their way out."""


@contextlib.contextmanager
def claimed(folder: Path, last: str) -> Iterator[None]:
    """The folder for this process alone; what a killed one left half done is put right.

    Args:
        folder: made where there is none.
        last: as for :func:`replaced`.

    Raises:
        UserError: another process works here, or the folder cannot be made.
    """
    with written(folder):
        folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if _locks(descriptor, folder):
            for draft in folder.glob(f"{DRAFT}*"):
                shutil.rmtree(draft)
            remove_abandoned(folder)
        with written(folder):
            _put_in_place(folder, last)
        yield
    finally:
        os.close(descriptor)


def is_claimed(folder: Path) -> bool:
    """Whether a process works in a folder; False where the file system has no locks."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def replaced(folder: Path, last: str) -> Iterator[Path]:
    """A folder whose files take their places in ``folder`` when the block ends well.

    Files of ``folder`` that have none in their place stay. Whenever the process is killed, either
    nothing has changed or the next claim ends what was begun.

    Args:
        folder: claimed by this process.
        last: name of the file that says what the others are; it is replaced after them.
    """
    draft = folder / f"{DRAFT}{uuid4().hex[:8]}"
    try:
        with written(folder):
            draft.mkdir()
            yield draft
            draft.rename(folder / COMPLETE)
            sync(folder)
            _put_in_place(folder, last)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def is_half_done(folder: Path) -> bool:
    """Whether complete files wait to take their places: their writer was killed, or is at it."""
    with contextlib.suppress(PermissionError):
        return (folder / COMPLETE).exists()
    return False


def _put_in_place(folder: Path, last: str) -> None:
    complete = folder / COMPLETE
    files = [file for file in complete.rglob("*") if file.is_file()]
    for file in sorted(files, key=lambda file: file == complete / last):
        target = folder / file.relative_to(complete)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
    if complete.exists():
        for place in {(folder / file.relative_to(complete)).parent for file in files}:
            sync(place)
        shutil.rmtree(complete)


def _locks(descriptor: int, folder: Path) -> bool:
    """Lock an open folder as long as it is open; False on a file system that cannot."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"another qhu works in {folder}: wait for it, or choose another --out"
        ) from None
    except OSError:
        return False
    return True
