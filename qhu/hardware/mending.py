"""A ledger whose file was damaged: what is lost is asked for again, and time counts at its worst.

Nothing that cannot be proven is believed. An answer that is lost is read again from the results
that are kept, or from the platform; a request whose row is lost looks for its job by its tag
before anything is submitted; a job counts with all that the platform may have let it take, until
the platform says what it took.
"""

import contextlib
import sqlite3
import zlib
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from qhu.hardware.database import unpacked
from qhu.hardware.questions import name_of
from qhu.hardware.seals import Lost
from qhu.hardware.usage import LONGEST
from qhu.record.clock import now

WORST: Mapping[str, Mapping[str, Any]] = {
    "jobs": {
        "state": "failed",
        "reserved": LONGEST,
        "used": None,
        "metrics": None,
        "raw": None,
        "owner": "",
    },
    "questions": {"means": None, "errors": None},
}
"""What stands for a lost cell. Other cells of these tables are names: kept as they are, and
believed where something else bears them out."""


def kept_row(table: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """A row without lost cells, None if it is of no use: of a request, the rest tells it again.

    Args:
        table: where it was.
        row: its cells, :class:`Lost` where they are not what they were.
    """
    lost = {column: cell.cell for column, cell in row.items() if isinstance(cell, Lost)}
    if lost and table not in WORST:
        return None
    worst = {"begun": now(), **WORST.get(table, {})}
    kept = dict(row)
    for column, cell in lost.items():
        kept[column] = worst[column] if column in worst else _name(cell)
    if table == "questions" and (lost.keys() - {"content"} or kept["errors"] is None):
        kept |= WORST[table]
    return kept


def _name(cell: Any) -> Any:
    """What is left of a name; it may still be the right one."""
    if cell is None:
        return f"damaged-{uuid4().hex}"
    with contextlib.suppress(AttributeError, UnicodeDecodeError):
        return cell.decode()  # of text; a blob of zlib is none
    return cell


def mend(db: sqlite3.Connection) -> None:
    """Make rows that survived fit each other again."""
    orphans = (
        "SELECT tag FROM (SELECT tag FROM questions UNION SELECT tag FROM jobs) "
        "WHERE tag NOT IN (SELECT tag FROM requests)"
    )
    for (tag,) in db.execute(orphans).fetchall():
        _reinstate(db, tag)
    db.execute(
        "INSERT INTO jobs (id, tag, begun, state, reserved) SELECT job, tag, created, "
        "CASE state WHEN 'planned' THEN 'submitted' ELSE state END, COALESCE(reserved, ?) "
        "FROM requests WHERE job IS NOT NULL AND job NOT IN (SELECT id FROM jobs)",
        (LONGEST,),
    )
    db.execute(
        "UPDATE requests SET state = CASE WHEN job IS NULL THEN 'planned' ELSE 'submitted' END "
        "WHERE state = 'done' AND tag IN (SELECT tag FROM questions WHERE means IS NULL)"
    )
    unanswered = "SELECT DISTINCT tag FROM questions WHERE means IS NULL"
    for (tag,) in db.execute(unanswered).fetchall():
        query = "SELECT 1 FROM requests WHERE tag = ? AND state <> 'submitted' AND estimate = 0"
        if not _is_whole(db, tag) or db.execute(query, (tag,)).fetchone():
            _forget_unanswered(db, tag)


def _is_whole(db: sqlite3.Connection, tag: str) -> bool:
    """Whether a request has all its questions, in their order: its tag bears them out."""
    query = "SELECT key, place, content FROM questions WHERE tag = ? ORDER BY place"
    rows = db.execute(query, (tag,)).fetchall()
    try:
        contents = [unpacked(content) for _, _, content in rows]
    except (TypeError, ValueError, zlib.error):
        return False
    in_order = [place for _, place, _ in rows] == list(range(len(rows)))
    named = all({"observables", "values"} <= content.keys() for content in contents)
    return in_order and named and tag.endswith(f":{name_of([str(key) for key, _, _ in rows])}")


def _forget_unanswered(db: sqlite3.Connection, tag: str) -> None:
    """Let the next to ask plan a request anew; its job, if there is one, has its tag."""
    db.execute("DELETE FROM questions WHERE tag = ? AND means IS NULL", (tag,))
    db.execute(
        "UPDATE requests SET reserved = COALESCE(reserved, ?), state = CASE WHEN tag IN "
        "(SELECT tag FROM questions) THEN 'done' ELSE 'planned' END WHERE tag = ?",
        (LONGEST, tag),
    )


def _reinstate(db: sqlite3.Connection, tag: str) -> None:
    """Write a request's row again from its tag, its questions and its jobs."""
    _, run, step, *_ = [*tag.split(":"), "unknown", "unknown", "unknown"]
    query = "SELECT content FROM questions WHERE tag = ? LIMIT 1"
    contents = db.execute(query, (tag,)).fetchall()
    device = "unknown"
    with contextlib.suppress(TypeError, ValueError, KeyError, zlib.error):  # damaged itself
        device = str(unpacked(contents[0][0])["device"]) if contents else device
    query = "SELECT id, reserved FROM jobs WHERE tag = ? AND state IN ('submitted', 'done')"
    job, reserved = db.execute(query, (tag,)).fetchone() or (None, LONGEST)
    query = "SELECT 1 FROM questions WHERE tag = ? AND means IS NULL"
    unanswered = db.execute(query, (tag,)).fetchone()
    if not contents:
        state = "failed"
    elif not unanswered:
        state = "done"
    else:
        state = "submitted" if job else "planned"
    db.execute(
        "INSERT INTO requests (tag, run, step, device, created, state, estimate, reserved, job, "
        "why) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, 'what was kept of it was damaged')",
        (tag, run, step, device, now(), state, reserved, job),
    )
