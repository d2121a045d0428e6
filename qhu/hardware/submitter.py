"""Exactly one job for a request, whatever submits, kills, lost ledgers and other commands do.

The platform is asked for jobs with the request's tag before a submit and after it: none means
submit, one means adopt it, more mean adopt one and cancel the others, as far as they are one's own.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qhu.errors import BudgetRefused
from qhu.hardware.ledger import Ledger
from qhu.hardware.platform import Doubtful, Hanging, Platform, Refused, Sighting, Unsent
from qhu.hardware.questions import JobRequest, Question
from qhu.hardware.waiting import Unreachable

LONGEST_PAUSE = 30.0
"""Seconds between two submits where the platform does not say when to come back."""
LIVE = ("queued", "running", "done")
"""What jobs do that may answer."""
ATTEMPT, DOUBT = "submitting", "submit in doubt"
"""How lines of a request's history begin."""
LATE = timedelta(days=1)
"""For so long after a submit in doubt every command looks for its job."""


@dataclass(frozen=True)
class SubmitTerms:
    """What may be submitted, and how one waits.

    Attributes:
        budget: seconds that all jobs of the owner may be charged together; None: nothing may be
            sent.
        poll: seconds between two looks, at first and at most.
        tags: seconds after which the platform shows the tags of a job at the latest.
        hanging: seconds that a submit may take.
        patience: seconds to wait where the platform takes no submissions for now.
        tries: how often a submit is tried whose fate is in doubt.
    """

    budget: float | None
    poll: tuple[float, float]
    tags: float = 0.0
    hanging: float = 0.0
    patience: float = 600.0
    tries: int = 4


class Submitter:
    """Sees to it that a request has one job.

    Args:
        ledger: what was asked before.
        platform: where jobs go.
        terms: what may be submitted.
        say: told what happens.
    """

    def __init__(
        self,
        ledger: Ledger,
        platform: Platform,
        terms: SubmitTerms,
        say: Callable[[str], None],
    ) -> None:
        self._ledger, self._platform, self._terms, self._say = ledger, platform, terms, say

    def ensure(self, tag: str, at_hand: Mapping[str, Question]) -> None:
        """Adopt a request's job, or submit it.

        Args:
            tag: the request.
            at_hand: its questions, by key.

        Raises:
            BudgetRefused: it is above what is left.
            Refused: the platform does not take it.
            Unreachable: nobody can tell whether the platform has taken it.
        """
        request = self._ledger.request(tag)
        if request.instance not in (None, self._platform.instance):
            raise Refused(
                f"request {tag} was tried with another instance of the platform, where its job "
                "may be running: use that instance again (QISKIT_IBM_INSTANCE)"
            )
        if self.recover(request):
            return
        if self._terms.budget is None:
            raise BudgetRefused("no budget: set max_qpu_seconds")
        self._platform.check()
        job = self._submitted([at_hand[key].pub for key in request.keys], request)
        if job is not None:
            self._ledger.submitted(tag, job)
            self._say(f"job {job}: submitted, about {request.estimate:.0f} s")
            self.adopt(tag)

    def _submitted(self, pubs: Sequence[EstimatorPub], request: JobRequest) -> str | None:
        """The job that a submit made; None where one was found after a submit in doubt."""
        tag, budget = request.tag, self._terms.budget
        until, pause, doubts = time.monotonic() + self._terms.patience, self._terms.poll[1], 0
        assert budget is not None
        while doubts < self._terms.tries:
            limit = self._ledger.begin(tag, budget, self._platform.instance)
            self._ledger.note(tag, f"{ATTEMPT}, limit {limit} s")
            try:
                return self._platform.submit(pubs, tag, limit)
            except Unsent as error:
                self._wait(error, pause, until)
                pause = min(2 * pause, LONGEST_PAUSE)
            except Doubtful as error:
                doubts += 1
                self._ledger.note(tag, f"{DOUBT}: {error}")
                if self.adopt(tag, seconds=self._terms.tags):
                    return None
                if isinstance(error, Hanging):
                    break  # a second submit could become a second job
            except Refused as error:
                self._ledger.failed(tag, str(error))
                raise
        raise Unreachable(
            f"the platform took no job for {tag}; nothing is lost: run the same command again"
        )

    def _wait(self, why: Unsent, pause: float, until: float) -> None:
        """Wait until the platform may take a submission again.

        Raises:
            Unreachable: that is later than one waits.
        """
        pause = pause if why.seconds is None else why.seconds
        if time.monotonic() + pause > until:
            raise Unreachable(
                f"the platform takes no submissions ({why}); nothing is lost: run the same command "
                "again"
            )
        self._say(f"the platform takes no submission ({why}): again in {pause:.0f} s")
        time.sleep(pause)

    def recover(self, request: JobRequest) -> bool:
        """Adopt a job that the platform has for a request, from whatever command or ledger."""
        attempts = [
            at for at, what in self._ledger.history(request.tag) if what.startswith(ATTEMPT)
        ]
        seconds = 0.0
        if request.reserved is not None and request.state == "planned" and attempts:
            age = datetime.now(UTC) - datetime.fromisoformat(attempts[-1])
            if age.total_seconds() < self._terms.hanging + self._terms.tags:
                seconds = self._terms.tags
            self._ledger.note(request.tag, f"{DOUBT}: the command ended in the midst of it")
        return self.adopt(request.tag, seconds=seconds)

    def adopt(self, tag: str, kept: str | None = None, seconds: float = 0.0) -> bool:
        """Keep one of a request's jobs and cancel one's own others; False where there are none.

        Args:
            tag: the request.
            kept: the one to keep; None: the oldest, which other commands keep, too.
            seconds: for how long to go on asking while there are none.
        """
        until, pause = time.monotonic() + seconds, self._terms.poll[0]
        while not (jobs := self._useful(tag, kept)):
            if time.monotonic() >= until:
                return False
            time.sleep(min(pause, max(until - time.monotonic(), 0)))
            pause = min(2 * pause, self._terms.poll[1])
        if kept is None:
            kept = jobs[0].id
            if kept != self._ledger.request(tag).job:
                self._ledger.submitted(tag, kept, jobs[0].owner)
                self._ledger.note(tag, f"adopted job {kept}")
                self._say(f"job {kept}: found by its tag")
        for job in jobs:
            if job.id != kept and job.owner == self._ledger.owner:
                self._cancel(tag, job.id)
        return True

    def _useful(self, tag: str, kept: str | None) -> list[Sighting]:
        """Jobs of a request that may answer it: the one to keep first, unless it is given.

        That is the oldest one. An own double is last where the ledger has a job, so that it can be
        cancelled before it begins; one that may be kept is asked how it stands.
        """
        recorded = {job["id"]: job for job in self._ledger.jobs("tag = ?", tag)}
        shown = sorted(self._platform.find(tag), key=lambda job: (job.created, job.id))
        hidden = recorded.keys() - {job.id for job in shown}  # whose tags are not shown yet
        shown += [Sighting(name, "", recorded[name]["owner"]) for name in hidden]
        ended = {name for name, job in recorded.items() if job["state"] in ("failed", "double")}
        if recorded.keys() - ended:
            own = self._ledger.owner
            shown.sort(key=lambda job: job.owner == own and job.id not in recorded)
        useful: list[Sighting] = []
        for job in shown:
            is_first = kept is None and not useful and job.id not in recorded
            if is_first and self._platform.state(job.id).name not in LIVE:
                self._ledger.dead(tag, job.id, job.owner)
            elif job.id not in ended:
                useful.append(job)
        return useful

    def _cancel(self, tag: str, job: str) -> None:
        self._platform.cancel(job)
        self._ledger.doubled(tag, job)
        state, (used, _) = self._platform.state(job).name, self._platform.metrics(job)
        what = {"cancelled": "cancelled", "done": "it had completed"}.get(state, f"it is {state}")
        paid = "what it used is not known yet" if used is None else f"{used:.1f} s paid"
        self._ledger.note(tag, f"job {job} is a double: {what}, {paid}")
        self._say(f"job {job}: a double, {what}; {paid}")

    def sweep(self) -> None:
        """Find what submits in doubt of the last day have become since."""
        since = (datetime.now(UTC) - LATE).isoformat()
        for tag in self._ledger.doubtful(DOUBT, since):
            request = self._ledger.request(tag)
            if request.state in ("submitted", "done"):
                self.adopt(tag, request.job)
