"""Checksums of every cell of a SQLite file: a flipped bit is noticed, and most are put right.

A table ``seals`` holds two independent sums per cell, a CRC-32 and eight bytes of BLAKE2. A cell
is intact if either says so: the other one may be what was damaged. Where neither does, the CRC
tells which single bit would have to flip back (it is linear, Koopman, DSN 2002), and the other
sum proves that it did. Triggers of each connection keep the sums; a change of one cell leaves
those of the others as they were, so that no damage is sealed in.
"""

import hashlib
import sqlite3
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

SEALS_SCHEMA = """
CREATE TABLE IF NOT EXISTS seals (
  name TEXT NOT NULL, row INTEGER NOT NULL, -- table and rowid
  sums BLOB NOT NULL, -- of each column, those that hold blobs last
  PRIMARY KEY (name, row)
) WITHOUT ROWID;
"""
_STEP = [zlib.crc32(bytes([b])) ^ zlib.crc32(b"\0") for b in range(256)]
"""What a byte changes of the CRC-32 of a message that it ends."""
_SUM = 12


class Lost(NamedTuple):
    """A cell that is not what it was and cannot be put right.

    Attributes:
        cell: what is there now.
    """

    cell: Any


def install(db: sqlite3.Connection) -> None:
    """Let a connection keep the sums of all that it writes, and check them."""
    db.create_function("seal", -1, _seal, deterministic=True)
    db.create_function("reseal", -1, _reseal, deterministic=True)
    db.create_function("intact", -1, _intact, deterministic=True)
    for table in tables(db):
        columns = sealed_columns(db, table)
        new, old = (_cells(columns, version) for version in ("NEW.", "OLD."))
        pairs = ", ".join(f"{a}, {b}" for a, b in zip(old, new, strict=True))
        at = f"name = '{table}' AND row = OLD.rowid"
        for event, does in (
            ("INSERT", f"INSERT INTO seals VALUES ('{table}', NEW.rowid, seal({', '.join(new)}))"),
            ("UPDATE", f"UPDATE seals SET sums = reseal(sums, {pairs}) WHERE {at}"),
            ("DELETE", f"DELETE FROM seals WHERE {at}"),
        ):
            name = f"sealed_{table}_{event}"
            db.execute(f"CREATE TEMP TRIGGER {name} AFTER {event} ON {table} BEGIN {does}; END")


def tables(db: sqlite3.Connection) -> list[str]:
    """Tables whose cells are sealed: all others."""
    query = (
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'seals' "
        "AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return [name for (name,) in db.execute(query)]


def sealed_columns(db: sqlite3.Connection, table: str) -> dict[str, str]:
    """Types of a table's columns by name, in the order of their sums."""
    query = "SELECT name, type FROM pragma_table_info(?) ORDER BY type = 'BLOB', cid"
    return dict(list(map(tuple, db.execute(query, (table,)))))


def _cells(columns: dict[str, str], version: str = "") -> list[str]:
    """Cells as expressions. Text is read as bytes: what was damaged need not be text any more."""
    return [
        f"CAST({version}{name} AS BLOB)" if kind in ("TEXT", "BLOB") else f"{version}{name}"
        for name, kind in columns.items()
    ]


def _typed_cells(columns: dict[str, str]) -> list[str]:
    """The same; text where a blob belongs, or a blob where text does, is another value."""
    other = {"TEXT": "blob", "BLOB": "text"}
    return [
        f"CASE typeof({name}) WHEN '{other.get(kind)}' THEN 0 ELSE {cell} END"
        for (name, kind), cell in zip(columns.items(), _cells(columns), strict=True)
    ]


def broken(
    db: sqlite3.Connection, table: str, where: str, values: Sequence[Any], blobs: bool
) -> bool:
    """Whether a row that fulfils a condition is not what it was when it was written."""
    columns = {
        name: kind for name, kind in sealed_columns(db, table).items() if blobs or kind != "BLOB"
    }
    query = (
        f"SELECT 1 FROM {table} LEFT JOIN seals ON name = '{table}' AND row = {table}.rowid "
        f"WHERE ({where}) AND NOT intact(sums, {', '.join(_typed_cells(columns))})"
    )
    return db.execute(query, values).fetchone() is not None


def lost_rows(db: sqlite3.Connection) -> int:
    """How many rows are not there any more that were sealed."""
    query = "SELECT count(*) FROM seals WHERE name = '{0}' AND row NOT IN (SELECT rowid FROM {0})"
    return sum(db.execute(query.format(table)).fetchone()[0] for table in tables(db))


def read_rows(db: sqlite3.Connection, table: str) -> Iterator[dict[str, Any]]:
    """Rows of a table, as far as they can be read, each cell proven, put right or :class:`Lost`.

    Args:
        db: a file that may be damaged; one without seals is taken as it is.
        table: the table.
    """
    columns = sealed_columns(db, table)
    is_sealed = db.execute("SELECT 1 FROM main.sqlite_master WHERE name = 'seals'").fetchone()
    sums = _all_sums(db, table) if is_sealed else {}
    rows = set(sums.values())  # a row's number may be what was damaged
    for rowid, *cells in _readable(db, f"SELECT rowid, {', '.join(_cells(columns))} FROM {table}"):
        whole = _seal(*cells)
        own = whole if not is_sealed or whole in rows else sums.get(rowid, b"")
        proven = [
            repaired(cell, own[_SUM * n : _SUM * (n + 1)], kind)
            for n, (cell, kind) in enumerate(zip(cells, columns.values(), strict=True))
        ]
        yield dict(zip(columns, proven, strict=True))


def _all_sums(db: sqlite3.Connection, table: str) -> dict[int, bytes]:
    """Sums of a table's rows by number."""
    rows = _readable(db, "SELECT row, name, sums FROM seals", "name")
    return {row: sums for row, name, sums in rows if name == table and isinstance(sums, bytes)}


def _readable(
    db: sqlite3.Connection, query: str, order: str = "rowid"
) -> Iterator[tuple[Any, ...]]:
    """Rows, numbered by their first value, from both ends towards what cannot be read."""
    seen: set[tuple[Any, ...]] = set()
    for way in ("ASC", "DESC"):
        try:
            for row in db.execute(f"{query} NOT INDEXED ORDER BY {order} {way}"):
                if tuple(row[:2]) not in seen:
                    seen.add(tuple(row[:2]))
                    yield tuple(row)
        except sqlite3.DatabaseError:
            continue  # the rest is lost
        return


def repaired(cell: Any, sums: bytes, kind: str) -> Any:
    """A cell as it was when its sums were taken, else :class:`Lost`.

    Args:
        cell: as it is; text as bytes.
        sums: of the cell as it was.
        kind: type of the column.
    """
    if _holds(sums, _written(cell)):
        return cell.decode() if kind == "TEXT" and cell is not None else cell
    if len(sums) == _SUM:
        for candidate in _candidates(cell, sums):
            if _sum(_written(candidate)) == sums:
                return candidate.decode() if kind == "TEXT" else candidate
    return Lost(cell)


def _candidates(cell: Any, sums: bytes) -> Iterator[Any]:
    """What a cell may have been before one of its bits flipped."""
    if isinstance(cell, bytes):
        difference = zlib.crc32(cell) ^ int.from_bytes(sums[:4], "little")
        place = flipped(len(cell), difference)
        if place is not None:
            body = bytearray(cell)
            body[place // 8] ^= 1 << place % 8
            yield bytes(body)
    elif isinstance(cell, int | float):
        for bit in range(64):
            (bits,) = struct.unpack(">Q", struct.pack(">d", cell))
            yield struct.unpack(">d", struct.pack(">Q", bits ^ 1 << bit))[0]
        if cell == int(cell) and abs(cell) < 2**63:  # SQLite stores whole numbers as such
            whole = int(cell) & 2**64 - 1
            for bit in range(64):
                (flip,) = struct.unpack(">q", struct.pack(">Q", whole ^ 1 << bit))
                yield type(cell)(flip)


def flipped(length: int, difference: int) -> int | None:
    """Which bit of so many bytes changes their CRC-32 by a difference; None: no single one."""
    changes = [_STEP[1 << bit] for bit in range(8)]
    for place in reversed(range(length)):
        if difference in changes:
            return 8 * place + changes.index(difference)
        changes = [_STEP[change & 0xFF] ^ change >> 8 for change in changes]
    return None


# -- the functions of a connection -----------------------------------------------------------------


def _written(cell: Any) -> bytes:
    if isinstance(cell, bytes):
        return cell
    if cell is None:
        return b"\0null"
    return struct.pack(">cd", b"f", cell) if isinstance(cell, float) else repr(cell).encode()


def _sum(body: bytes) -> bytes:
    crc = zlib.crc32(body).to_bytes(4, "little")
    return crc + hashlib.blake2b(body, digest_size=_SUM - 4).digest()


def _seal(*cells: Any) -> bytes:
    return b"".join(_sum(_written(cell)) for cell in cells)


def _reseal(sums: bytes, *pairs: Any) -> bytes:
    """Sums after a change, from each cell before and after it."""
    cells = zip(pairs[::2], pairs[1::2], strict=True)
    return b"".join(
        sums[_SUM * n : _SUM * (n + 1)] if _same(old, new) else _sum(_written(new))
        for n, (old, new) in enumerate(cells)
    )


def _same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and bool(old == new)


def _holds(sums: bytes, body: bytes) -> bool:
    """Whether either sum of a cell is that of its body."""
    if sums[:4] == zlib.crc32(body).to_bytes(4, "little"):
        return True
    return sums[4:] == hashlib.blake2b(body, digest_size=_SUM - 4).digest()


def _intact(sums: bytes | None, *cells: Any) -> bool:
    """Whether the first cells of a row are what they were."""
    if not isinstance(sums, bytes):
        return False
    return all(
        _holds(sums[_SUM * n : _SUM * (n + 1)], _written(cell)) for n, cell in enumerate(cells)
    )
