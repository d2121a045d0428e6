"""Sessions and batches: open, look, close."""

import secrets
import time
from typing import Any

from pydantic import BaseModel, Field

from qhu.emulator.http import UNKNOWN, ApiError, Reply, Request, routes
from qhu.emulator.platform import CRN, EmulatedPlatform, iso
from qhu.emulator.store import FINAL, Session

_DONE = 204


class Opening(BaseModel):
    """What opens a session or a batch."""

    mode: str | None = None
    backend: str = ""
    max_ttl: float | None = Field(default=None, ge=0)


@routes("POST", "/sessions")
def create(platform: EmulatedPlatform, request: Request) -> Any:
    """Open a session or a batch."""
    asked = request.read(Opening)
    mode, plan = asked.mode, platform.rules.plan
    if mode not in ("dedicated", "batch"):
        raise ApiError(400, UNKNOWN, f"There is no mode {mode}.")
    if mode == "dedicated" and plan == "open":
        message = f"You are not authorized to run a session when using the {plan} plan."
        raise ApiError(403, 1352, message)
    device = platform.device(asked.backend)
    ttl = min(asked.max_ttl or platform.rules.ttl, platform.rules.ttl)
    session = Session(secrets.token_hex(10), mode, device.name, ttl, time.time())
    platform.store.sessions.add(session)
    return _describe(platform, session)


@routes("GET", "/sessions/{}")
def show(platform: EmulatedPlatform, request: Request, key: str) -> Any:
    """One session."""
    return _describe(platform, find(platform, key))


@routes("PATCH", "/sessions/{}")
def close(platform: EmulatedPlatform, request: Request, key: str) -> Any:
    """Take no more jobs; those accepted run."""
    find(platform, key)
    platform.store.sessions.change("id = ?", [key], accepting=False)
    expire(platform)
    return Reply(status=_DONE)


@routes("DELETE", "/sessions/{}/close")
def cancel(platform: EmulatedPlatform, request: Request, key: str) -> Any:
    """Close at once and cancel what waits."""
    find(platform, key)
    now = time.time()
    platform.store.sessions.change("id = ? AND closed = 0", [key], accepting=False, closed=now)
    platform.store.jobs.change(
        "session_id = ? AND status = 'Queued'",
        [key],
        status="Cancelled",
        reason="The session was cancelled.",
        finished=now,
    )
    return Reply(status=_DONE)


def find(platform: EmulatedPlatform, key: str) -> Session:
    """A session, as of now.

    Raises:
        ApiError: there is none.
    """
    expire(platform)
    session = platform.store.sessions.get(key)
    if session is None:
        raise ApiError(404, UNKNOWN, f"Session {key} not found.")
    return session


def open_session(platform: EmulatedPlatform, key: str) -> Session:
    """A session that takes jobs.

    Raises:
        ApiError: there is none, or it is closed.
    """
    session = find(platform, key)
    if session.closed or not session.accepting:
        raise ApiError(400, 1217, "Session has been closed.")
    return session


def expire(platform: EmulatedPlatform) -> None:
    """Close what is at the end of its life, or takes no jobs and has none left."""
    now, sessions = time.time(), platform.store.sessions
    sessions.change("closed = 0 AND MAX(activated, created) + max_ttl <= ?", [now], closed=now)
    unfinished = f"SELECT session_id FROM Job WHERE status NOT IN {FINAL}"
    sessions.change(f"closed = 0 AND NOT accepting AND id NOT IN ({unfinished})", [], closed=now)
    platform.store.jobs.change(
        "status = 'Queued' AND session_id IN (SELECT id FROM Session WHERE closed > 0)",
        [],
        status="Failed",
        reason="The session was closed before the job could run.",
        reason_code=1217,
        finished=now,
    )


def _describe(platform: EmulatedPlatform, session: Session) -> dict[str, Any]:
    jobs = platform.store.jobs.where("session_id = ?", [session.id])
    last = max((job.finished for job in jobs), default=0.0)
    running = any(job.status not in FINAL for job in jobs)
    return {
        "id": session.id,
        "mode": session.mode,
        "backend_name": session.device,
        "instance": CRN,
        "state": _state(platform, session, running, last),
        "accepting_jobs": bool(session.accepting and not session.closed),
        "interactive_ttl": platform.rules.interactive_ttl,
        "max_ttl": session.max_ttl,
        "active_ttl": session.max_ttl,
        "created_at": iso(session.created),
        "started_at": iso(session.activated),
        "activated_at": iso(session.activated),
        "closed_at": iso(session.closed),
        "last_job_started": iso(max((job.running for job in jobs), default=0.0)),
        "last_job_completed": iso(last),
        "elapsed_time": round(platform.session_usage(session), 3),
        "timestamps": [],
    }


def _state(platform: EmulatedPlatform, session: Session, running: bool, last: float) -> str:
    if session.closed:
        return "closed"
    if not session.activated:
        return "open"
    idle = not running and time.time() > last + platform.rules.interactive_ttl
    return "inactive" if idle else "active"
