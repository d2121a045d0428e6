"""What is done with a ledger's file that is not as it should be: put aside, and a new one made.

What can be read of it and is proven goes into the new file; the old one is never changed.
"""

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qhu.hardware import seals
from qhu.record.clock import now

APPLICATION = 0x71687531
"""Says in a SQLite file's header whose it is."""
PAGE = 4096
"""Bytes of a page of such a file."""
MINE = slice(60, 72)
"""Where the header says so: schema, incremental vacuum (none), application."""
JOURNALS = ("-wal", "-shm")


@dataclass(frozen=True)
class Layout:
    """What a file is to hold.

    Attributes:
        schema: statements that make its tables and indexes.
        kept: a row of a table without cells that are lost, or None if it is of no use.
        mend: makes rows that survived fit each other again.
    """

    schema: str
    kept: Callable[[str, Mapping[str, Any]], dict[str, Any] | None]
    mend: Callable[[sqlite3.Connection], None]


class Unsuitable(Exception):
    """A file cannot be used as it is.

    Attributes:
        usable: whether rows can be taken over.
    """

    def __init__(self, why: str, usable: bool) -> None:
        super().__init__(why)
        self.usable = usable


def inspect(path: Path, schema: str, thorough: bool) -> None:
    """Look at an existing file.

    Args:
        path: the file.
        schema: what it should hold.
        thorough: read all of it.

    Raises:
        Unsuitable: it is damaged, of another schema, or no ledger at all.
    """
    if not path.stat().st_size:
        raise Unsuitable("is empty", usable=False)
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as db:
            _compare(db, schema)
            if thorough:
                _prove(db)
    except UnicodeDecodeError:  # what SQLite says quotes the damaged schema
        raise Unsuitable("is damaged (its schema)", usable=True) from None
    except sqlite3.DatabaseError as error:
        if any(word in str(error) for word in ("unable to open", "locked", "readonly", "disk I/O")):
            raise
        raise Unsuitable(f"is damaged ({error})", usable=True) from None


def fingerprint(schema: str) -> int:
    """Says in a SQLite file's header what it holds."""
    return zlib.crc32(" ".join(schema.split()).encode()) & 0x7FFFFFFF


def _compare(db: sqlite3.Connection, schema: str) -> None:
    (application,), (version,) = (
        db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(schema)
        same = _statements(db) == _statements(fresh)
        if same and (application, version) == (APPLICATION, fingerprint(schema)):
            return
        if same and (_one_bit(application, APPLICATION) or _one_bit(version, fingerprint(schema))):
            raise Unsuitable("is damaged (its header)", usable=True)
        if application == APPLICATION and version == fingerprint(schema):
            raise Unsuitable("is damaged (its schema)", usable=True)
        if application not in (0, APPLICATION):
            raise Unsuitable("is another application's", usable=same)
        if not {"requests", "questions", "jobs"} <= set(seals.tables(db)):
            raise Unsuitable("is no ledger", usable=False)
        raise Unsuitable("is of another schema", usable=_can_copy(db, fresh))


def _one_bit(value: int, other: int) -> bool:
    return (value ^ other).bit_count() == 1


def _statements(db: sqlite3.Connection) -> dict[str, str]:
    query = "SELECT name, sql FROM main.sqlite_master WHERE sql IS NOT NULL"
    return {name: " ".join(sql.split()) for name, sql in db.execute(query)}


def _can_copy(db: sqlite3.Connection, fresh: sqlite3.Connection) -> bool:
    """Whether a file has all columns that a fresh one must have."""
    query = 'SELECT name FROM pragma_table_info(?) WHERE "notnull" AND dflt_value IS NULL'
    return all(
        {name for (name,) in fresh.execute(query, (table,))}
        <= seals.sealed_columns(db, table).keys()
        for table in set(seals.tables(fresh)) & set(seals.tables(db))
    )


def _prove(db: sqlite3.Connection) -> None:
    (sound,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if sound != "ok":
        raise Unsuitable(f"is damaged ({sound.splitlines()[-1]})", usable=True)
    seals.install(db)
    wrong = [name for name in seals.tables(db) if seals.broken(db, name, "TRUE", (), blobs=True)]
    if wrong or seals.lost_rows(db):
        raise Unsuitable(f"is damaged (cells of {', '.join(wrong) or 'lost rows'})", usable=True)


def make(path: Path, layout: Layout, old: Path | None = None) -> None:
    """Make a file, whole before it is there, readable by its owner alone.

    Args:
        path: where.
        layout: what it is to hold.
        old: a file whose rows are taken over, as far as they are proven.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    _empty(new)
    with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as db:
        db.executescript(layout.schema)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {fingerprint(layout.schema)}")
        if old is not None:
            seals.install(db)
            with _copied(old, new.read_bytes()) as readable:
                _copy(readable, db, layout)
        db.execute("PRAGMA journal_mode = WAL")
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _empty(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


@contextlib.contextmanager
def _copied(old: Path, fresh: bytes) -> Iterator[sqlite3.Connection]:
    """A copy of a file, for reading; its schema, where it should be the same, from a fresh one."""
    copy = old.with_name(f".{old.name}.{os.getpid()}")
    _empty(copy)
    try:
        for journal in ("", "-wal"):
            part = old.with_name(old.name + journal)
            if part.exists():
                copy.with_name(copy.name + journal).write_bytes(part.read_bytes())
        with (
            contextlib.closing(sqlite3.connect(copy)) as db,
            # Damaged: what is in the file must do.
            contextlib.suppress(sqlite3.DatabaseError, UnicodeDecodeError),
        ):
            db.execute("PRAGMA wal_checkpoint")
        body = copy.read_bytes()
        if body[MINE] == fresh[MINE]:
            copy.write_bytes(_with_schema(body, fresh))
        with contextlib.closing(sqlite3.connect(copy)) as db:
            db.text_factory = lambda text: text.decode(errors="replace")
            yield db
    finally:
        for journal in ("", *JOURNALS):
            copy.with_name(copy.name + journal).unlink(missing_ok=True)


def _with_schema(body: bytes, fresh: bytes) -> bytes:
    """A file's bytes with header and schema of a fresh one, whose tables lie where its own lie.

    In a file without rows, every page that holds anything holds the schema (SQLite file format,
    section 1.6: bytes 3 and 4 of a page count its cells).
    """
    whole = bytearray(body[: len(body) // PAGE * PAGE])
    whole += fresh[len(whole) :]
    for start in range(0, len(fresh), PAGE):
        if start == 0 or any(fresh[start + 3 : start + 5]):
            whole[start : start + PAGE] = fresh[start : start + PAGE]
    whole[28:32] = (len(whole) // PAGE).to_bytes(4, "big")
    return bytes(whole)


def _copy(source: sqlite3.Connection, db: sqlite3.Connection, layout: Layout) -> None:
    db.execute("BEGIN")
    names = seals.tables(source)
    for table in seals.tables(db):
        if table not in names:
            continue
        columns = seals.sealed_columns(db, table).keys()
        for row in seals.read_rows(source, table):
            kept = layout.kept(table, {n: cell for n, cell in row.items() if n in columns})
            if kept is not None:
                query = f"INSERT OR IGNORE INTO {table} ({', '.join(kept)}) VALUES "
                db.execute(query + f"({', '.join('?' * len(kept))})", list(kept.values()))
    layout.mend(db)
    db.execute("COMMIT")


def put_aside(path: Path) -> Path:
    """A second name, with the date, for a file; its journals have only that then."""
    date = now()[:19].replace(":", "-")
    aside, number = path.with_stem(f"{path.stem}.{date}"), 1
    while aside.exists():
        aside, number = path.with_stem(f"{path.stem}.{date}.{number}"), number + 1
    for journal in JOURNALS:
        beside = path.with_name(path.name + journal)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + journal))
    os.link(path, aside)
    return aside
