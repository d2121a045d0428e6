"""What a job is charged, and what the platform says of it, which need not be the same."""

import math
import time
from typing import Any, Literal

from qhu.emulator.store import Job

MAX_SECONDS = 10800
"""Cap on the quantum time of a job that names none."""
UsageReport = Literal[
    "true",
    "never",
    "missing",
    "null",
    "null_figure",
    "negative",
    "nan",
    "text",
    "other_fields",
    "zero_first",
]
"""How usage is reported. ``true``: as charged, pending until it is settled. ``never``: pending for
good. ``missing``, ``null``: no usage, or null in its place. ``null_figure``, ``negative``, ``nan``,
``text``: complete, with such a figure. ``other_fields``: the figure under other names.
``zero_first``: complete with 0 at once, and as charged once it is settled."""


def overshot(job: Job, seconds: float, factor: float, more: float) -> float:
    """Seconds that a job which ran is charged.

    Args:
        job: the job.
        seconds: its quantum time by the rules.
        factor: of its limit, with ``more`` seconds on top, is charged instead; 1 and 0 for neither.
        more: seconds.
    """
    if (factor, more) == (1.0, 0.0):
        return seconds
    limit = job.estimate if job.limit_seconds >= MAX_SECONDS else job.limit_seconds
    return limit * factor + more


def report(job: Job, how: UsageReport, settle_seconds: float) -> dict[str, Any]:
    """The entry ``usage`` of a job's metrics; empty where there is none."""
    settled = bool(job.finished and time.time() >= job.finished + settle_seconds)
    charged = round(job.charged, 3)
    figure: dict[str, Any] = {
        "null_figure": None,
        "negative": -charged - 5000,
        "nan": math.nan,
        "text": f"{charged} s",
    }
    match how:
        case "missing":
            return {}
        case "null":
            return {"usage": None}
        case "other_fields" if settled:
            return {"usage": {"quantum_seconds": charged, "billed": charged, "state": "final"}}
        case "zero_first" if job.finished:
            return {"usage": _usage(charged if settled else 0, "complete")}
    if settled and how != "never":
        return {"usage": _usage(figure.get(how, charged), "complete")}
    return {"usage": _usage(0, "pending")}


def _usage(seconds: Any, status: str) -> dict[str, Any]:
    return {"qpu_charge_time_seconds": seconds, "status": status}


def shown(job: Job, how: UsageReport, settle_seconds: float) -> dict[str, Any]:
    """The entry ``usage`` of a job as it is listed; empty where there is none."""
    usage = report(job, how, settle_seconds).get("usage", {})
    if how == "missing":
        return {}
    if usage is None or "qpu_charge_time_seconds" not in usage:
        return {"usage": usage}
    return {"usage": {"seconds": usage["qpu_charge_time_seconds"]}}
