"""Jobs: watch, read, cancel, tag."""

import json
import time
from typing import Any

import qiskit
from pydantic import BaseModel

from qhu.emulator.http import UNKNOWN, ApiError, Reply, Request, routes
from qhu.emulator.platform import EmulatedPlatform, iso
from qhu.emulator.store import FINAL, Job
from qhu.emulator.usage import report, shown

IMAGE = "emulator:0"
_DONE = 204


class Tags(BaseModel):
    """Tags of a job."""

    tags: list[str]


@routes("GET", "/jobs/{}")
def show(platform: EmulatedPlatform, request: Request, key: str) -> Any:
    """One job."""
    job = _job(platform, key)
    if request.first("exclude_params") == "true" or job.private:
        return show_job(platform, job)
    return {**show_job(platform, job), "params": json.loads(job.params)}


@routes("GET", "/jobs/{}/results")
def results(platform: EmulatedPlatform, request: Request, key: str) -> Any:
    """Results of a finished job; those of a private job once only."""
    job = _job(platform, key)
    if job.status not in FINAL:
        return Reply(status=_DONE)
    if job.private and job.reads:
        return Reply(status=_DONE)
    platform.store.jobs.change("id = ?", [key], reads=job.reads + 1)
    return Reply(job.results.encode(), 200, {"Content-Type": "application/json"})


@routes("GET", "/jobs/{}/metrics")
def metrics(platform: EmulatedPlatform, request: Request, key: str) -> Any:
    """Times and usage; the usage is pending for a while after the end."""
    job = _job(platform, key)
    return {
        "timestamps": {
            "created": iso(job.created),
            "running": iso(job.running),
            "finished": iso(job.finished),
        },
        **report(job, platform.rules.usage, platform.rules.settle_seconds),
        "estimated_running_time_seconds": job.estimate,
        "qiskit_version": qiskit.__version__,
        "emulator": {"calibration": job.calibration},
    }


@routes("GET", "/jobs/{}/logs")
def logs(platform: EmulatedPlatform, request: Request, key: str) -> Any:
    """What happened to the job, a line each."""
    job = _job(platform, key)
    times = {"created": job.created, "running": job.running, job.status: job.finished}
    lines = [f"{iso(at)} {what}" for what, at in times.items() if at]
    return Reply("\n".join([*lines, job.reason]).strip().encode())


@routes("POST", "/jobs/{}/cancel")
def cancel(platform: EmulatedPlatform, request: Request, key: str) -> Any:
    """Cancel a job: one that runs is charged in full, one that waits is not."""
    job = _job(platform, key)
    charged = platform.charge(job, job.estimate) if job.status == "Running" else 0
    changed = platform.store.jobs.change(
        f"id = ? AND status NOT IN {FINAL}",
        [key],
        status="Cancelled",
        reason="Cancelled by the user.",
        finished=time.time(),
        charged=charged,
    )
    if not changed:
        raise ApiError(409, UNKNOWN, f"Job {key} is already finished.")
    return Reply(status=_DONE)


@routes("PUT", "/jobs/{}/tags")
def tag(platform: EmulatedPlatform, request: Request, key: str) -> Any:
    """Replace the tags."""
    job = _job(platform, key)
    platform.store.jobs.change("id = ?", [job.id], tags=json.dumps(request.read(Tags).tags))
    return Reply(status=_DONE)


@routes("DELETE", "/jobs/{}")
def delete(platform: EmulatedPlatform, request: Request, key: str) -> Any:
    """Forget a job."""
    platform.store.jobs.remove(_job(platform, key).id)
    return Reply(status=_DONE)


def show_job(platform: EmulatedPlatform, job: Job) -> dict[str, Any]:
    """A job as the platform shows it: its tags and its usage may come late, or oddly."""
    document, rules = describe(job), platform.rules
    del document["usage"]
    tags = document["tags"] if time.time() >= job.created + rules.tags_seconds else []
    return {**document, "tags": tags, **shown(job, rules.usage, rules.settle_seconds)}


def describe(job: Job) -> dict[str, Any]:
    """A job as it is."""
    state: dict[str, Any] = {"status": job.status}
    if job.reason:
        state["reason"] = job.reason
    if job.reason_code:
        state["reason_code"] = job.reason_code
    return {
        "id": job.id,
        "backend": job.device,
        "status": job.status,
        "state": state,
        "program": {"id": job.program},
        "created": iso(job.created),
        "ended": iso(job.finished),
        "runtime": IMAGE,
        "tags": json.loads(job.tags),
        "session_id": job.session_id or None,
        "private": bool(job.private),
        "cost": job.limit_seconds,
        "estimated_running_time_seconds": round(job.estimate, 3),
        "usage": {"seconds": round(job.charged, 3)},
    }


def _job(platform: EmulatedPlatform, key: str) -> Job:
    job = platform.store.jobs.get(key)
    if job is None:
        raise ApiError(404, 1291, f"Job {key} not found.")
    return job
