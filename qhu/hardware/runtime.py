"""Jobs of the IBM platform: the client-side Estimator in job, batch or session mode."""

import functools
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qhu.hardware import client, usage
from qhu.hardware.account import Account, listed_as
from qhu.hardware.platform import Doing, Doubtful, Hanging, Refused, Sighting, State, Unsent
from qhu.hardware.questions import Answer
from qhu.hardware.waiting import (
    FAILURES,
    Denied,
    definite,
    is_ours,
    retry_after,
    status,
    unsent,
    within,
)

LADDER = {"session": ("session", "batch"), "batch": ("batch",), "job": ()}
"""What is tried in this order; what the plan does not allow falls back, at last to single jobs."""
STATES: dict[str, Doing] = {
    "QUEUED": "queued",
    "RUNNING": "running",
    "DONE": "done",
    "CANCELLED": "cancelled",
}
TOO_LONG = ("1305", "maximum execution time")
"""What is said of a job that was stopped at its time limit."""
OWNER = "qhu-owner:"
"""Before the owner, in the second tag of every job."""
LISTED = 1000
"""Jobs that a search may bring."""
GROUP_ENDED = ("1217", "session", "batch")
"""What errors say when a session or batch takes no more jobs."""


class RuntimeJobs:
    """Where a dispatcher sends jobs.

    Args:
        account: whose.
        device: where to.
        options: of the Estimator.
        mode: ``job``, ``batch`` or ``session``.
        session_seconds: time limit of a session or batch.
    """

    def __init__(
        self,
        account: Account,
        device: str,
        options: dict[str, Any],
        mode: str,
        session_seconds: int,
    ) -> None:
        self._account, self._device, self._options = account, device, options
        self._wanted, self._session_seconds = mode, session_seconds
        self._group: Any = None
        self.mode, self.notes = "job", list[str]()
        self.emulated = account.access.emulated

    @functools.cached_property
    def instance(self) -> str:
        """The instance that jobs belong to."""
        return self._account.instance(self._device)

    def submit(self, pubs: Sequence[EstimatorPub], tag: str, limit: int) -> str:
        """Submit a job; see :class:`qhu.hardware.platform.Platform`."""
        from qiskit_ibm_runtime.executor_estimator import Estimator

        self._awake()
        tags = [tag, OWNER + self._account.access.owner]
        environment = {"job_tags": tags, "private": False}
        options = {**self._options, "environment": environment, "max_execution_time": limit}
        estimator = Estimator(mode=self._where(), options=options)
        try:
            client.send_once(self._account.service, self.instance)
            job = within(self._account.patience.submit, lambda: estimator.run(pubs))
            return str(job.job_id())
        except FAILURES as error:
            if is_ours(error):
                raise
            why = self._account.text(error)
            ended = self._group is not None and any(word in why for word in GROUP_ENDED)
            self._group = None
            self._account.renew()
            if isinstance(error, TimeoutError):
                raise Hanging("no answer") from None
            if definite(error) and not ended:
                raise Refused(f"the platform refuses the job: {why}") from None
            if unsent(error):
                raise Unsent(why, 0.0 if ended else retry_after(error)) from None
            raise Doubtful(why) from None

    def _awake(self) -> None:
        """Wait while the device is not operational: jobs submitted then would only queue."""
        reasons: list[str] = []

        def look() -> None:
            listed = listed_as(self._account.backend(self._device))
            if not listed.operational:
                why = f"{self._device} is not operational ({listed.message})"
                if not reasons:
                    self._account.say(f"{why}: waiting")
                reasons.append(why)
                raise OSError(why)

        self._account.ask(look)

    def _where(self) -> Any:
        """Backend, batch or session."""
        if self._group is None:
            self._group = self._open()
        return self._group or self._account.backend(self._device)

    def _open(self) -> Any:
        from qiskit_ibm_runtime import Batch, Session

        for mode in LADDER[self._wanted]:
            if mode == "session" and self._account.plan(self._device) == "open":
                self._note("the open plan has no sessions: batch instead")
                continue
            kind = Session if mode == "session" else Batch
            start = functools.partial(
                kind, self._account.backend(self._device), max_time=self._session_seconds
            )
            try:
                group = self._account.ask(start)
            except Denied as error:
                self._note(f"no {mode} ({error})")
            else:
                self.mode = mode
                return group
        self.mode = "job"
        return None

    def _note(self, what: str) -> None:
        if what not in self.notes:
            self.notes.append(what)
            self._account.say(what)

    def close(self) -> None:
        """Let the batch or session end; its jobs are finished or will be."""
        group, self._group = self._group, None
        if group:
            try:
                within(self._account.patience.call, group.close)
            except FAILURES as error:  # it ends by itself; results matter more
                self._note(f"the {self.mode} did not close ({self._account.text(error)})")

    # -- what may be asked again -------------------------------------------------------------------

    def find(self, tag: str) -> list[Sighting]:
        """Jobs with a tag, whoever submitted them."""

        def look() -> list[Sighting]:
            jobs = self._account.service.jobs(
                limit=LISTED, job_tags=[tag], instance=self.instance, descending=False
            )
            return [sighting(job) for job in jobs if tag in (job.tags or [tag])]

        return self._account.ask(look)

    def state(self, job: str) -> State:
        """What a job is doing."""

        def look() -> State:
            handle = self._account.service.job(job)
            name, why = str(handle.status()), ""
            if name in ("ERROR", "CANCELLED"):
                why = self._account.text(Exception(handle.error_message() or ""))
            if name == "ERROR":
                return State("too long" if any(t in why for t in TOO_LONG) else "failed", why)
            if name not in STATES:  # not final: asked again
                raise OSError(f"job {job} is in a state without a meaning here, {name}")
            return State(STATES[name], why)

        try:
            return self._account.ask(look)
        except Denied as error:
            return _unless_gone(error, State("unknown"))

    def result(self, job: str) -> str:
        """Results of a finished job, as they come."""

        def fetch() -> str:
            raw = str(self._account.service.job(job).result(decoder=_as_it_comes()))
            json.loads(raw)  # what was cut on its way is asked for again
            return raw

        return self._account.ask(fetch)

    def read(self, raw: str, shapes: Sequence[tuple[int, ...]]) -> list[Answer]:
        """Answers from results; see :class:`qhu.hardware.platform.Platform`."""
        return client.read(raw, shapes)

    def metrics(self, job: str) -> tuple[float | None, Any]:
        """Seconds used, None while that is not known, and all that is told of a job."""
        account = self._account
        try:
            metrics = account.ask(
                lambda: account.service.job(job).metrics(), account.patience.brief
            )
        except Denied as error:
            return _unless_gone(error, (None, {}))
        return usage.used(metrics), metrics

    def cancel(self, job: str) -> None:
        """Stop a job if it can still be stopped."""
        try:
            self._account.ask(lambda: self._account.service.job(job).cancel())
        except Denied as error:
            _unless_gone(error, None)


def sighting(job: Any) -> Sighting:
    """What the platform shows of a job, from the client's object."""
    owners = [tag.removeprefix(OWNER) for tag in job.tags or () if tag.startswith(OWNER)]
    date = job.creation_date
    created = date.astimezone(UTC).isoformat() if isinstance(date, datetime) else ""
    return Sighting(job.job_id(), created, owners[0] if owners else "")


def _unless_gone(error: Denied, value: Any) -> Any:
    """The value where a job is unknown or has ended; else the error."""
    from qiskit_ibm_runtime.exceptions import RuntimeInvalidStateError, RuntimeJobNotFound

    cause = error.__cause__
    if isinstance(cause, RuntimeInvalidStateError | RuntimeJobNotFound):
        return value
    if cause is not None and status(cause) in (404, 409):
        return value
    raise error


@functools.cache
def _as_it_comes() -> type[Any]:
    """A decoder that leaves results alone, by the client's own way to extend it."""
    from qiskit_ibm_runtime.decoders.result_decoder import ResultDecoder

    class AsItComes(ResultDecoder):
        @classmethod
        def decode(cls, data: Any) -> Any:
            return data

    return AsItComes
