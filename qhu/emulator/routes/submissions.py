"""Submissions: a job is read, priced and put in the queue, or refused."""

import json
import math
import secrets
import time
from email.utils import formatdate
from typing import Any

from pydantic import BaseModel

from qhu.emulator.errors import ProgramError
from qhu.emulator.http import UNKNOWN, ApiError, Request, routes
from qhu.emulator.platform import EmulatedPlatform
from qhu.emulator.programs import PROGRAMS, price
from qhu.emulator.routes.sessions import open_session
from qhu.emulator.store import Job
from qhu.emulator.usage import MAX_SECONDS


class Submission(BaseModel):
    """What makes a job."""

    program_id: str = ""
    backend: str = ""
    params: Any = None
    cost: float | None = None
    """Most quantum time, seconds."""
    session_id: str | None = None
    tags: list[str] | None = None
    private: bool = False
    calibration_id: str | None = None


@routes("POST", "/jobs")
def submit(platform: EmulatedPlatform, request: Request) -> Any:
    """Put a job in the queue."""
    asked = request.read(Submission)
    _admit(platform)
    device = platform.device(asked.backend)
    limit = asked.cost or MAX_SECONDS
    if not 1 <= limit <= MAX_SECONDS:
        raise ApiError(400, UNKNOWN, f"The cost must be 1 to {MAX_SECONDS} seconds.")
    key = asked.calibration_id
    pinned = -1 if key is None else platform.asked(device.name, key)
    if asked.session_id:
        open_session(platform, asked.session_id)
    program, params = asked.program_id, json.dumps(asked.params)
    if program not in PROGRAMS:
        raise ApiError(404, UNKNOWN, f"Program {program} not found.")
    try:
        seconds = price(program, params, device)
    except ProgramError as error:
        raise ApiError(400, error.code, str(error)) from None
    job = Job(
        id=secrets.token_hex(10),
        device=device.name,
        program=program,
        params=params,
        tags=json.dumps(asked.tags or []),
        session_id=asked.session_id or "",
        private=asked.private,
        limit_seconds=limit,
        estimate=seconds,
        # As precise as it is shown: a listing from the time of a job on contains that job.
        created=round(time.time(), 6),
        pinned=pinned,
    )
    platform.store.jobs.add(job)
    return {"id": job.id, "backend": job.device}


def _admit(platform: EmulatedPlatform) -> None:
    """Refuse a submission where too many were accepted of late."""
    rules, now = platform.rules, time.time()
    if rules.submissions is None:
        return
    recent = platform.store.jobs.where("created > ?", [now - rules.submission_window])
    if len(recent) < rules.submissions:
        return
    free = recent[-rules.submissions].created + rules.submission_window
    headers = {
        "seconds": {"Retry-After": str(math.ceil(free - now))},
        "date": {"Retry-After": formatdate(math.ceil(free), usegmt=True)},
        "none": {},
    }
    raise ApiError(
        429,
        UNKNOWN,
        f"At most {rules.submissions} jobs are accepted in {rules.submission_window:g} seconds.",
        headers[rules.retry_after],
    )
