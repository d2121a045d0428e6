"""The SQLite file under the ledger: every change is whole and on the disk, or did not happen."""

import contextlib
import io
import json
import sqlite3
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qhu.errors import UserError

WAIT = 60.0
"""Seconds to wait for another process to finish its change."""


class Database:
    """A SQLite file in WAL mode with full synchronisation; for processes of one machine.

    Args:
        path: the file; made with its folder.
        schema: statements that make what is not there yet.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        with _plain_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # A gradient asks from a thread of its own, and its caller waits meanwhile.
            self._db = sqlite3.connect(
                path, timeout=WAIT, isolation_level=None, check_same_thread=False
            )
            self._db.row_factory = sqlite3.Row
            for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                self._db.execute(f"PRAGMA {setting}")
            self._db.executescript(schema)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def all(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Rows of a query."""
        return self._db.execute(query, values).fetchall()

    def first(self, query: str, *values: Any) -> sqlite3.Row | None:
        """First row of a query, None where there is none."""
        return self._db.execute(query, values).fetchone()

    def set(self, query: str, *values: Any) -> None:
        """Change something, inside :meth:`writing`."""
        self._db.execute(query, values)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: all of it is on the disk when the block ends, or none.

        Raises:
            UserError: the disk is full, or the file cannot be written.
        """
        with _plain_errors(self.path):
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
        lock = sqlite3.connect(self.path.with_suffix(".lock"), timeout=0, isolation_level=None)
        try:
            while not _locked(lock):
                time.sleep(0.5)
            yield
        finally:
            lock.close()


def _locked(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return False
    return True


@contextlib.contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
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
            f"{path} is damaged ({error}): put it aside; jobs can be found again by their tags"
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
