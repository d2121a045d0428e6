"""The list of jobs, with its filters and pages."""

import time
from typing import Any

from qhu.emulator.http import UNKNOWN, ApiError, Request, routes
from qhu.emulator.platform import EmulatedPlatform, seconds_of
from qhu.emulator.routes.jobs import show_job
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
            if name == "tags" and platform.rules.tags_seconds:
                visible = time.time() - platform.rules.tags_seconds
                conditions.append(f"created <= {visible!r}")
            conditions.append(condition)
            values.append(seconds_of(value) if name.startswith("created") else value)
    pending = request.first("pending")
    if pending is not None:
        conditions.append(f"status {'NOT ' if pending == 'true' else ''}IN {FINAL}")
    where = " AND ".join(conditions)
    limit, offset = (_number(request, name) for name in ("limit", "offset"))
    page = f"{where} ORDER BY {_order(platform, request)} LIMIT {limit or _PAGE} OFFSET {offset}"
    jobs = platform.store.jobs.where(page, values)
    count = int(platform.store.jobs.total("1", where, values))
    return {
        "jobs": [show_job(platform, job) for job in jobs],
        "count": count,
        "limit": limit or _PAGE,
        "offset": offset,
    }


def _number(request: Request, name: str) -> int:
    text = request.first(name) or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ApiError(400, UNKNOWN, f"The {name} {text!r} is not a whole number.")
    return int(text)


def _order(platform: EmulatedPlatform, request: Request) -> str:
    asked = "oldest_first" if request.first("sort") == "ASC" else "newest_first"
    order = platform.rules.listing
    # Ids are random, so their order is none.
    orders = {"newest_first": "rowid DESC", "oldest_first": "rowid", "shuffled": "id"}
    return orders[asked if order == "asked" else order]
