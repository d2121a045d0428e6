"""The platform: its state and its rules."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from qhu.emulator.devices import EmulatedDevice
from qhu.emulator.faults import Script
from qhu.emulator.http import UNKNOWN, ApiError
from qhu.emulator.machine import Machine
from qhu.emulator.store import Calibration, Job, PlatformStore, Session
from qhu.emulator.tokens import Tokens
from qhu.emulator.usage import UsageReport, overshot
from qhu.errors import UnknownName

PricingPlan = Literal["open", "paygo"]
CRN = (
    "crn:v1:bluemix:public:quantum-computing:us-east:"
    "a/e0000000000000000000000000000000:e0000000-0000-4000-8000-000000000000::"
)
_SEEN = 100_000


@dataclass(frozen=True)
class Rules:
    """What the platform grants and how fast it is; seconds where nothing else is said."""

    plan: PricingPlan = "open"
    usage_limit: float | None = None
    """Quantum time of the instance; by default 600 on the open plan, else none."""
    queue_seconds: float = 0.1
    """Wait of a job before it may run; jobs after the first of a session or batch do not wait."""
    pace: float = 0.0
    """Seconds that pass per second of quantum time; 0: as fast as the simulation goes."""
    settle_seconds: float = 0.2
    """How long the usage of a finished job stays ``pending``."""
    interactive_ttl: float = 60.0
    """Idle time after which a session is no longer active."""
    max_ttl: float | None = None
    """Life of a session or batch; by default 600 on the open plan, else 28800."""
    token_life: float = 3600.0
    seed: int = 0
    """Root of shots, randomizations and later calibrations."""
    overshoot_factor: float = 1.0
    """With ``overshoot_seconds``: a job that ran is charged its ``max_execution_time`` times the
    factor plus the seconds, or its estimate in place of a limit that it did not name."""
    overshoot_seconds: float = 0.0
    usage: UsageReport = "true"
    """How the usage of a job is reported."""
    submissions: int | None = None
    """Jobs accepted within ``submission_window``; those above it are refused (429)."""
    submission_window: float = 60.0
    retry_after: Literal["seconds", "date", "none"] = "seconds"
    """How a 429 says when to come back."""
    listing: Literal["asked", "newest_first", "oldest_first", "shuffled"] = "asked"
    """Order of listings, whatever was asked for."""
    tags_seconds: float = 0.0
    """Time after which the tags of a job are seen and found."""

    @property
    def limit(self) -> float | None:
        """Quantum time of the instance, or None for no limit."""
        return 600.0 if self.usage_limit is None and self.plan == "open" else self.usage_limit

    @property
    def ttl(self) -> float:
        """Life of a session or batch."""
        return self.max_ttl or (600.0 if self.plan == "open" else 28800.0)


@dataclass
class Availability:
    """Whether a device takes and runs jobs."""

    state: Literal["online", "maintenance", "retired"] = "online"
    until: float = 0
    """When maintenance ends; 0: when somebody says so."""

    @property
    def runs(self) -> bool:
        """Whether jobs run now."""
        if self.state == "maintenance" and self.until and time.time() >= self.until:
            self.state = "online"
        return self.state == "online"


@dataclass
class EmulatedPlatform:
    """Everything that routes and the queue share."""

    devices: dict[str, EmulatedDevice]
    store: PlatformStore
    rules: Rules
    script: Script
    tokens: Tokens
    url: str = ""
    available: dict[str, Availability] = field(default_factory=dict)
    seen: deque[tuple[str, str, int]] = field(default_factory=lambda: deque(maxlen=_SEEN))
    """Method, path and status of the last requests; status 0 where nothing was answered."""
    exhausted_until: float = 0
    """The usage limit counts as reached until then."""
    wake: threading.Event = field(default_factory=threading.Event)
    """Set when the queue should look again."""
    _machines: dict[tuple[str, int], Machine] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.available = {name: Availability() for name in self.devices}

    def device(self, name: str) -> EmulatedDevice:
        """A device that the instance may use.

        Raises:
            ApiError: it does not exist, or no longer.
        """
        if name not in self.devices or self.available[name].state == "retired":
            raise ApiError(404, 1007, f"Backend {name} not found.")
        return self.devices[name]

    def calibration(self, name: str, before: float | None = None) -> tuple[int, str | None]:
        """Version and ISO time of a device's calibration, now or at an earlier time."""
        at = time.time() if before is None else before
        calibrations = self.store.calibrations.where("device = ? AND at <= ?", [name, at])
        return (calibrations[-1].version, iso(calibrations[-1].at)) if calibrations else (0, None)

    def asked(self, name: str, key: str | None, before: float | None = None) -> int:
        """Version of the calibration that a request is about.

        Args:
            name: of the device.
            key: the request's ``calibration_id``, the number of a calibration; None for the newest.
            before: only those until then, seconds since the epoch.

        Raises:
            ApiError: there is no such calibration.
        """
        newest = self.calibration(name, before)[0]
        if key is None:
            return newest
        if not key.isascii() or not key.isdigit() or int(key) > newest:
            message = f"Calibration {key} of {name} not found: there are 0 to {newest}."
            raise ApiError(404, UNKNOWN, message)
        return int(key)

    def calibrated(self, name: str, version: int) -> str | None:
        """ISO time of a calibration; None for the snapshot's."""
        rows = self.store.calibrations.where("device = ? AND version = ?", [name, version])
        return iso(rows[0].at) if rows else None

    def calibrate(self, name: str) -> None:
        """Calibrate a device anew."""
        if name not in self.devices:
            raise UnknownName("device", name, self.devices)
        version = self.calibration(name)[0] + 1
        row = Calibration(f"{name} {version}", name, version, time.time())
        self.store.calibrations.add(row)

    def machine(self, name: str, version: int) -> Machine:
        """A device as a simulator, under one of its calibrations."""
        key = (name, version)
        if key not in self._machines:
            self._machines[key] = Machine(self.devices[name].target(version))
        return self._machines[key]

    def consumed(self) -> float:
        """Quantum time charged to the instance, seconds."""
        alone = "session_id NOT IN (SELECT id FROM Session WHERE mode = 'dedicated')"
        sessions = self.store.sessions.where("mode = 'dedicated'")
        charged: float = self.store.jobs.total("charged", alone)
        return charged + sum(self.session_usage(session) for session in sessions)

    def session_usage(self, session: Session) -> float:
        """Time that a session or batch is charged, seconds.

        A batch: the quantum time of its jobs. A session: the time that it was open since its first
        job, or that quantum time where it is more, as with a pace below 1.
        """
        charged: float = self.store.jobs.total("charged", "session_id = ?", [session.id])
        if session.mode == "batch" or not session.activated:
            return charged
        return max(charged, (session.closed or time.time()) - session.activated)

    def charge(self, job: Job, seconds: float) -> float:
        """What a job that ran for so many seconds is charged."""
        return overshot(job, seconds, self.rules.overshoot_factor, self.rules.overshoot_seconds)

    def limit_reached(self) -> bool:
        """Whether the instance has no quantum time left."""
        limit = self.rules.limit
        reached = limit is not None and self.consumed() >= limit
        return reached or time.time() < self.exhausted_until


def seconds_of(date: str) -> float:
    """An ISO time as seconds since the epoch.

    Raises:
        ApiError: it is none.
    """
    try:
        return datetime.fromisoformat(date).timestamp()
    except (ValueError, OverflowError):
        raise ApiError(400, UNKNOWN, f"{date!r} is not an ISO date.") from None


def iso(seconds: float) -> str | None:
    """Time since the epoch as the platform writes it; None for never."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
