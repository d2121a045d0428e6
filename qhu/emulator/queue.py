"""The queue: one thread that runs the jobs whose turn it is, one after the other."""

import threading
import time
import traceback
from typing import Any

from qhu.emulator.errors import INVALID, ProgramError
from qhu.emulator.platform import EmulatedPlatform
from qhu.emulator.program import Execution
from qhu.emulator.programs import parse
from qhu.emulator.routes.sessions import expire
from qhu.emulator.store import Job
from qhu.errors import QhuError

BACKEND_ERROR = 1010
TIME_EXCEEDED = "Job exceeded its maximum execution time."
_TICK = 0.05
_IDLE = 1.0
"""Seconds between looks while no job waits: every request wakes the queue."""


class Queue:
    """Runs jobs in order of submission.

    Args:
        platform: where they are kept.
    """

    def __init__(self, platform: EmulatedPlatform) -> None:
        self._platform, self._jobs = platform, platform.store.jobs
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def start(self) -> None:
        """Begin; jobs that ran when the emulator was killed run again, with the same results."""
        self._jobs.change("status = 'Running'", [], status="Queued", running=0)
        self._thread.start()

    def stop(self) -> None:
        """End after the job that runs."""
        self._stopping.set()
        self._platform.wake.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            expire(self._platform)
            waiting = self._jobs.where("status = 'Queued'")
            job = self._next(waiting)
            if job is None:
                self._platform.wake.wait(_TICK if waiting else _IDLE)
                self._platform.wake.clear()
            else:
                self._run(job)

    def _next(self, waiting: list[Job]) -> Job | None:
        if not waiting or self._platform.limit_reached():
            return None
        due = [job for job in waiting if self._due(job)]
        return due[0] if due else None

    def _due(self, job: Job) -> bool:
        session = self._platform.store.sessions.get(job.session_id)
        wait = 0 if session and session.activated else self._platform.rules.queue_seconds
        # A state folder may hold jobs of devices that are not served this time: they wait.
        device = self._platform.available.get(job.device)
        return device is not None and device.runs and time.time() >= job.created + wait

    def _run(self, job: Job) -> None:
        now, version = time.time(), job.pinned
        if version < 0:
            version = self._platform.calibration(job.device)[0]
        turn = {"status": "Running", "running": now, "calibration": version}
        if not self._jobs.change("id = ? AND status = 'Queued'", [job.id], **turn):
            return  # cancelled meanwhile
        self._platform.store.sessions.change(
            "id = ? AND activated = 0", [job.session_id], activated=now
        )
        if job.estimate > job.limit_seconds:
            if self._passed(job, job.limit_seconds):
                charged = self._platform.charge(job, job.limit_seconds)
                self._finish(job, "Cancelled", charged, TIME_EXCEEDED, 1305)
            return
        try:
            results = self._results(job, version)
        except QhuError as error:
            code = error.code if isinstance(error, ProgramError) else INVALID
            self._finish(job, "Failed", 0, str(error), code)
        except Exception:
            # As on the platform: the traceback is what the job's owner reads.
            trace = traceback.format_exc()
            self._finish(job, "Failed", 0, "Internal error.", BACKEND_ERROR, trace)
        else:
            if self._passed(job, job.estimate):
                self._end(job, results)

    def _results(self, job: Job, version: int) -> str:
        device = self._platform.devices[job.device]
        machine = self._platform.machine(job.device, version)
        run = Execution(device, version, machine, self._platform.rules.seed)
        return parse(job.program, job.params).run(run)

    def _passed(self, job: Job, seconds: float) -> bool:
        """Let the time pass that the device would take; whether the job still runs then."""
        end = time.time() + seconds * self._platform.rules.pace
        while time.time() < end and not self._stopping.is_set() and self._runs(job):
            time.sleep(min(_TICK, max(0.0, end - time.time())))
        # A job that is interrupted by the end of the emulator runs again when it is back.
        return not self._stopping.is_set() and self._runs(job)

    def _runs(self, job: Job) -> bool:
        now = self._jobs.get(job.id)
        return now is not None and now.status == "Running"

    def _end(self, job: Job, results: str) -> None:
        now = self._jobs.get(job.id)
        fate = now.fate if now else ""
        charged = self._platform.charge(job, job.estimate)
        if fate == "job_failed":
            self._finish(job, "Failed", 0, "Internal error, by script.", BACKEND_ERROR)
        elif fate == "job_cancelled":
            self._finish(job, "Cancelled", 0, "Cancelled by the platform, by script.", 0)
        elif fate == "job_max_time":
            self._finish(job, "Cancelled", charged, TIME_EXCEEDED, 1305)
        else:
            self._finish(job, "Completed", charged, results=results)

    def _finish(
        self,
        job: Job,
        status: str,
        charged: float,
        reason: str = "",
        code: int = 0,
        results: str | None = None,
    ) -> None:
        end: dict[str, Any] = {"status": status, "reason": reason, "reason_code": code}
        self._jobs.change(
            "id = ? AND status = 'Running'",
            [job.id],
            **end,
            charged=charged,
            finished=time.time(),
            results=reason if results is None else results,
        )
