"""Files that appear whole or not at all, and stay when the machine stops."""

import contextlib
import errno
import fcntl
import hashlib
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from qhu.errors import UserError, fatal

OWNER_ALONE, AS_USUAL = 0o600, 0o666
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
NOT_ALLOWED = (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EPERM, errno.EISDIR)

UNREADABLE = (errno.EIO, errno.EACCES, errno.EPERM)


class Damaged(ValueError):
    """A file is not what was written: broken, foreign, or another one under its name."""


@contextlib.contextmanager
def replacing(path: Path, mode: int = AS_USUAL) -> Iterator[Path]:
    """A temporary path that becomes ``path`` when the block ends well, and vanishes otherwise.

    The content is on the disk before it has its name, and the name before this returns. Temporary
    files that killed processes left in the folder are removed.

    Args:
        path: the file; its folder is made.
        mode: permissions of the file, which the umask narrows.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    partial = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    with written(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _locked(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)):
                yield partial
                sync(partial)
                partial.replace(path)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        sync(path.parent)
        remove_abandoned(path.parent)


@contextlib.contextmanager
def written(path: Path) -> Iterator[None]:
    """A block that writes ``path``; what keeps it from that is the user's to mend.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        with fatal():
            if error.errno in NO_SPACE:
                raise UserError(f"no space left for {path}: free some and run again") from None
            if error.errno in NOT_ALLOWED:
                raise UserError(
                    f"cannot write {path}: {error.strerror}; choose another --out"
                ) from None
            raise


def read_plain(path: Path, limit: float = math.inf) -> bytes:
    """The content of a file; nothing else is opened, so that a pipe keeps nobody waiting.

    Args:
        path: the file.
        limit: bytes that it may have.

    Raises:
        FileNotFoundError: there is none.
        Damaged: it cannot be read, is longer, or is a folder or a pipe.
        OSError: nothing can be read at all.
    """
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise Damaged("it is no plain file")
    if about.st_size > limit:
        raise Damaged(f"it is longer than {limit:,} bytes")
    try:
        return path.read_bytes()
    except OSError as error:
        if error.errno in UNREADABLE:
            raise Damaged(error.strerror) from None
        raise


def checksum(content: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sync(path: Path) -> None:
    """Have the disk hold what was written to a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that syncs no folders
            raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """A file that :func:`remove_abandoned` leaves alone as long as this process lives."""
    try:
        with contextlib.suppress(OSError):  # a file system without locks: nobody can take it
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_partial(path: Path) -> bool:
    """Whether a file is one that :func:`replacing` has not ended yet, or never will."""
    return path.suffix == ".part"


def remove_abandoned(folder: Path) -> None:
    """Remove temporary files whose writer, which would hold its lock, has died."""
    for partial in folder.glob(".*.part"):
        # It lives, is done meanwhile, or cannot be locked.
        with contextlib.suppress(OSError), partial.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()
