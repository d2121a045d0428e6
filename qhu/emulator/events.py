"""What faults do to the platform itself."""

import json
import math
import time

from qhu.emulator.faults import Fault
from qhu.emulator.http import Reply, Request
from qhu.emulator.platform import EmulatedPlatform
from qhu.emulator.store import FINAL


def happen(platform: EmulatedPlatform, fault: Fault, request: Request, reply: Reply) -> None:
    """Change the platform as the fault says; faults of the connection change nothing here."""
    until = time.time() + fault.seconds if fault.seconds else 0
    match fault.do:
        case "job_failed" | "job_cancelled" | "job_max_time":
            unfinished = f"id = ? AND status NOT IN {FINAL}"
            platform.store.jobs.change(unfinished, [_job(request, reply)], fate=fault.do)
        case "session_closed":
            platform.store.sessions.change("closed = 0", [], closed=time.time())
        case "tokens_revoked":
            platform.tokens.revoked = time.time()
        case "usage_limit":
            platform.exhausted_until = until or math.inf
        case "recalibrate":
            for name in _devices(platform, fault):
                platform.calibrate(name)
        case "maintenance" | "online" | "retired":
            for name in _devices(platform, fault):
                platform.available[name].state = fault.do
                platform.available[name].until = until


def _devices(platform: EmulatedPlatform, fault: Fault) -> list[str]:
    return list(platform.devices) if fault.device is None else [fault.device]


def _job(request: Request, reply: Reply) -> str:
    """The job that a request made or names."""
    if request.method == "POST" and request.path == "/jobs" and reply.status < 300:
        return str(json.loads(reply.body)["id"])
    parts = request.path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "jobs" else ""
