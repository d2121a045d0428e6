"""Jobs, sessions and calibrations, kept in one SQLite file so that a restart loses nothing."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from qhu.errors import UserError

FINAL = ("Completed", "Failed", "Cancelled")
Entity = TypeVar("Entity")


@dataclass(frozen=True)
class Job:
    """A job. Times are seconds since the epoch, 0 for never."""

    id: str
    device: str
    program: str
    params: str
    """As submitted, JSON."""
    tags: str
    """JSON list."""
    session_id: str
    private: bool
    limit_seconds: float
    """Cap on its quantum time."""
    estimate: float
    """Quantum time that it will take, seconds."""
    created: float
    status: str = "Queued"
    reason: str = ""
    reason_code: int = 0
    running: float = 0
    finished: float = 0
    charged: float = 0
    """Quantum time charged, seconds."""
    calibration: int = 0
    """Version of the calibration that it ran under."""
    results: str = ""
    fate: str = ""
    """How it shall end, by a fault."""
    reads: int = 0
    """How often the results were fetched."""
    pinned: int = -1
    """Version of the calibration that it asked for; -1 for the newest."""


@dataclass(frozen=True)
class Session:
    """A session or batch. Times are seconds since the epoch, 0 for never."""

    id: str
    mode: str
    """``dedicated`` or ``batch``."""
    device: str
    max_ttl: float
    created: float
    activated: float = 0
    """Start of its first job."""
    accepting: bool = True
    closed: float = 0


@dataclass(frozen=True)
class Calibration:
    """A calibration later than that of the snapshot."""

    id: str
    device: str
    version: int
    at: float


class EntityTable(Generic[Entity]):
    """Rows of one dataclass, whose first field is the key."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.RLock, row: type[Entity]):
        self._connection, self._lock, self._row = connection, lock, row
        self._name = row.__name__
        names = [item.name for item in fields(row)]  # type: ignore[arg-type]
        self._columns, self._marks = ", ".join(names), ", ".join("?" * len(names))
        rest = ", ".join(names[1:])
        self._do(f"CREATE TABLE IF NOT EXISTS {self._name} ({names[0]} PRIMARY KEY, {rest})")
        kept = {column[1] for column in self._do(f"PRAGMA table_info({self._name})")}
        for item in fields(row):  # type: ignore[arg-type]
            if item.name not in kept:  # a folder of an earlier release
                self._do(
                    f"ALTER TABLE {self._name} ADD COLUMN {item.name} DEFAULT {item.default!r}"
                )

    def add(self, row: Entity) -> None:
        """Insert a row."""
        values = astuple(row)  # type: ignore[call-overload]
        self._do(f"INSERT INTO {self._name} ({self._columns}) VALUES ({self._marks})", values)

    def get(self, key: str) -> Entity | None:
        """The row with this key."""
        return next(iter(self.where("id = ?", [key])), None)

    def where(self, condition: str = "1", values: Sequence[Any] = ()) -> list[Entity]:
        """Rows that meet an SQL condition (and order), oldest first by default."""
        ordered = condition if "ORDER BY" in condition else f"{condition} ORDER BY rowid"
        query = f"SELECT {self._columns} FROM {self._name} WHERE {ordered}"
        return [self._row(*values) for values in self._do(query, values)]

    def total(self, column: str, condition: str, values: Sequence[Any] = ()) -> Any:
        """Sum of a column, such as ``1``, over the rows that meet a condition."""
        query = f"SELECT TOTAL({column}) FROM {self._name} WHERE {condition}"
        return self._do(query, values)[0][0]

    def change(self, condition: str, values: Sequence[Any], **columns: Any) -> int:
        """Set columns of the rows that meet a condition; their number."""
        settings = ", ".join(f"{name} = ?" for name in columns)
        query = f"UPDATE {self._name} SET {settings} WHERE {condition}"
        with self._lock:
            return self._connection.execute(query, [*columns.values(), *values]).rowcount

    def remove(self, key: str) -> None:
        """Delete the row with this key."""
        self._do(f"DELETE FROM {self._name} WHERE id = ?", [key])

    def _do(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()


class PlatformStore:
    """The tables of one state folder, which one emulator at a time may use.

    Args:
        folder: where they are kept; ``None`` for memory.

    Raises:
        UserError: another emulator uses the folder.
    """

    def __init__(self, folder: Path | None) -> None:
        where = ":memory:"
        self._guard = None
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            where = str(folder / "emulator.sqlite")
            _own(folder / "emulator.sqlite").close()
            self._guard = _own(folder / "lock")
            try:
                fcntl.flock(self._guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._guard.close()
                raise UserError(
                    f"another emulator uses {folder}: give this one its own --state"
                ) from None
        self._connection = sqlite3.connect(where, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        lock = threading.RLock()
        self.jobs = EntityTable(self._connection, lock, Job)
        self.sessions = EntityTable(self._connection, lock, Session)
        self.calibrations = EntityTable(self._connection, lock, Calibration)

    def close(self) -> None:
        """Let go of the folder."""
        self._connection.close()
        if self._guard:
            self._guard.close()


def _own(file: Path) -> IO[bytes]:
    """A file that its owner alone may read; what SQLite puts beside one is likewise."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "ab")
