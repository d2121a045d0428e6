"""What jobs used, as the platform may tell it: late, never, oddly, or corrected later.

What is no figure is None, "not known": held is then what the job may use at worst.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from qhu.layout.figures import figure

LONGEST = 10_800
"""Seconds that the platform lets a job take at most."""
YOUNG = timedelta(days=1)
"""For as long a job's usage may still be corrected."""


def words(value: Any) -> str:
    """What is told in words, in one line of bounded length; empty where it is no text."""
    line = " ".join(value.split()) if isinstance(value, str) else ""
    return line if len(line) <= 100 else line[:99] + "…"


def part(reply: Any, name: str) -> Any:
    """A part of a reply; None where it has none, or is no document."""
    return reply.get(name) if isinstance(reply, Mapping) else None


def used(reply: Any) -> float | None:
    """Seconds that a job is charged for, None while the platform has not worked that out.

    Args:
        reply: the job's metrics; twice the longest job is no time that a job can take.
    """
    usage = part(reply, "usage")
    if not words(part(usage, "status")).lower().startswith("complete"):
        return None
    return figure(part(usage, "qpu_charge_time_seconds"), most=2 * LONGEST)


def is_idle(job: Mapping[str, Any], reply: Any) -> bool:
    """Whether a job without results may be taken for one that used nothing, where it is said so.

    One that ran may have, but while it is young the platform may merely not know yet.

    Args:
        job: the job, as the ledger has it.
        reply: its metrics.
    """
    times = part(reply, "timestamps")
    never_ran = isinstance(times, Mapping) and times.get("running", "unknown") is None
    return never_ran or not is_young(job)


def is_young(job: Mapping[str, Any]) -> bool:
    """Whether a job was begun so recently that its usage may still be corrected."""
    return datetime.now(UTC) - datetime.fromisoformat(job["begun"]) < YOUNG
