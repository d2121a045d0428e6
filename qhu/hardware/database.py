"""The SQLite file under the ledger: every change is whole and on the disk, or did not happen."""

import contextlib
import fcntl
import io
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qhu.errors import UserError
from qhu.hardware import salvage, seals
from qhu.hardware.salvage import Layout

WAIT = 60.0
"""Seconds to wait for another process to finish its change."""


class Database:
    """A SQLite file in WAL mode with full synchronisation; for processes of one machine.

    One that is damaged, foreign or of another schema is put aside, and what can be proven of it
    is taken over.

    Args:
        path: the file; made with its folder, readable by its owner alone.
        layout: what it holds.
        say: told when a file was put aside.
        thorough: whether all of the file is read and proven; else, what is asked for.

    Raises:
        UserError: the file can be neither used nor put aside.
    """

    def __init__(
        self, path: Path, layout: Layout, say: Callable[[str], None], thorough: bool = True
    ) -> None:
        self.path, self._layout, self._say, self._is_alone = path, layout, say, False
        with plain_errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._open(thorough)

    def _open(self, thorough: bool) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # processes that open the file take turns
            if not self.path.exists():
                salvage.make(self.path, self._layout)
            try:
                salvage.inspect(self.path, self._layout.schema, thorough)
            except salvage.Unsuitable as error:
                self._replace(error)
            self.path.chmod(0o600)
            # A gradient asks from a thread of its own, and its caller waits meanwhile.
            self._db = sqlite3.connect(
                self.path, timeout=WAIT, isolation_level=None, check_same_thread=False
            )
            self._file = self.path.stat().st_ino
        finally:
            os.close(folder)
        self._db.row_factory = sqlite3.Row
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._db.execute(f"PRAGMA {setting}")
        seals.install(self._db)

    def _replace(self, why: salvage.Unsuitable) -> None:
        """Put the file aside and make a new one of what is proven."""
        with self._nobody_else():
            aside = salvage.put_aside(self.path)
            try:
                salvage.make(self.path, self._layout, aside if why.usable else None)
            except (
                sqlite3.DatabaseError,
                UnicodeDecodeError,
            ):  # so damaged that nothing can be told from it
                salvage.make(self.path, self._layout)
                why.usable = False
        taken = "all that is intact was taken over; " if why.usable else ""
        self._say(
            f"{self.path} {why}: put aside as {aside.name}; {taken}what is missing of what was "
            "paid is found again by its tags on the platform"
        )

    @contextlib.contextmanager
    def _nobody_else(self) -> Iterator[None]:
        if self._is_alone:
            yield
            return
        with contextlib.closing(self._lock()) as lock:
            if not _locked(lock):
                raise UserError(
                    f"{self.path} must be put aside, and another command is using it: end that "
                    "first"
                )
            yield

    def _lock(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path.with_suffix(".lock"), timeout=0, isolation_level=None)

    def _refresh(self, thorough: bool = False) -> None:
        """Open the file anew if it was replaced by another process, or is to be proven."""
        with plain_errors(self.path):
            if thorough or self.path.stat().st_ino != self._file:
                self._db.close()
                self._open(thorough)

    def prove(self, table: str, where: str = "TRUE", *values: Any, blobs: bool = True) -> None:
        """Make sure that rows are what was written, before they are believed.

        Raises:
            UserError: they are not, in the midst of a change; the next command mends them.
        """
        try:
            broken = seals.broken(self._db, table, where, values, blobs)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # not even to be read
            broken = True
        if broken and self._db.in_transaction:
            raise UserError(f"{self.path} is damaged: run again, which mends it")
        if broken:
            self._refresh(thorough=True)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Rows of a query."""
        with plain_errors(self.path):
            return self._db.execute(query, values).fetchall()

    def first(self, query: str, *values: Any) -> sqlite3.Row | None:
        """First row of a query, None where there is none."""
        with plain_errors(self.path):
            row: sqlite3.Row | None = self._db.execute(query, values).fetchone()
            return row

    def set(self, query: str, *values: Any) -> None:
        """Change something, inside :meth:`writing`."""
        self._db.execute(query, values)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: all of it is on the disk when the block ends, or none.

        Raises:
            UserError: the disk is full, or the file cannot be written.
        """
        with plain_errors(self.path):
            self._refresh()
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.OperationalError):  # rolled back by itself
                    self._db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time, however long it takes; a killed one does not keep others out."""
        with contextlib.closing(self._lock()) as lock:
            if not _locked(lock):
                self._say(f"another command is using {self.path}: waiting for it to end")
                while not _locked(lock):
                    time.sleep(0.5)
            self._is_alone = True
            try:
                self._refresh()
                yield
            finally:
                self._is_alone = False


def _locked(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return False
    return True


@contextlib.contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """SQLite's and the system's complaints as one line that says what to mend."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if "full" in str(error):
            raise UserError(f"no space left for {path}: free some and run again") from None
        if isinstance(error, sqlite3.OperationalError):
            raise UserError(f"cannot write {path} ({error}): mend that and run again") from None
        if isinstance(error, sqlite3.IntegrityError):
            raise
        raise UserError(
            f"{path} is damaged ({error}): `qhu doctor` puts it aside and mends what it can"
        ) from None
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


def packed(content: Any) -> bytes:
    """JSON-serialisable content, small."""
    return zlib.compress(json.dumps(content, sort_keys=True, default=str).encode())


def unpacked(body: bytes) -> Any:
    """What :func:`packed` packed."""
    return json.loads(zlib.decompress(body))


def npy(array: NDArray[np.float64]) -> bytes:
    """An array as the bytes of an NPY file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def array(body: bytes) -> NDArray[np.float64]:
    """What :func:`npy` wrote."""
    return np.load(io.BytesIO(body), allow_pickle=False)
