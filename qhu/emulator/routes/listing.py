"""The list of jobs, with its filters and pages."""

from datetime import datetime
from typing import Any

from qhu.emulator.http import Request, routes
from qhu.emulator.platform import EmulatedPlatform
from qhu.emulator.routes.jobs import describe
from qhu.emulator.store import FINAL

_PAGE = 200
_FILTERS = {
    "backend": "device = ?",
    "program": "program = ?",
    "session_id": "session_id = ?",
    "tags": "EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)",
    "created_after": "created >= ?",
    "created_before": "created <= ?",
}


@routes("GET", "/jobs")
def listing(platform: EmulatedPlatform, request: Request) -> Any:
    """Jobs that meet all filters, newest first by default, and how many there are."""
    conditions, values = ["1"], []
    for name, condition in _FILTERS.items():
        for value in request.query.get(name, []):
            conditions.append(condition)
            values.append(_seconds(value) if name.startswith("created") else value)
    pending = request.first("pending")
    if pending is not None:
        conditions.append(f"status {'NOT ' if pending == 'true' else ''}IN {FINAL}")
    where = " AND ".join(conditions)
    order = "ASC" if request.first("sort") == "ASC" else "DESC"
    limit, offset = (int(request.first(name) or 0) for name in ("limit", "offset"))
    page = f"{where} ORDER BY rowid {order} LIMIT {limit or _PAGE} OFFSET {offset}"
    jobs = platform.store.jobs.where(page, values)
    count = int(platform.store.jobs.total("1", where, values))
    return {
        "jobs": [describe(job) for job in jobs],
        "count": count,
        "limit": limit or _PAGE,
        "offset": offset,
    }


def _seconds(date: str) -> float:
    return datetime.fromisoformat(date).timestamp()
