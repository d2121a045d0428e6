"""From questions to answers: each is paid for once, whatever networks, queues and laptops do."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from qhu.errors import BudgetRefused
from qhu.hardware.client import version
from qhu.hardware.cost import Cost
from qhu.hardware.ledger import Ledger
from qhu.hardware.platform import JobFailed, Platform, State, Unreadable
from qhu.hardware.questions import Answer, JobRequest, Question, name_of
from qhu.hardware.settling import Usage
from qhu.hardware.submitter import Submitter, SubmitTerms
from qhu.hardware.waiting import Denied, Unreachable
from qhu.record.clock import now


@dataclass(frozen=True)
class DispatchTerms:
    """What a dispatcher may spend and how it waits.

    Attributes:
        submit: what may be submitted, and how one waits for it.
        job_seconds: jobs are filled up to about this time.
        pending: jobs under way at the same time.
        poll: seconds between two looks at a job, at first and at most.
        usage: seconds to wait for what jobs used, where the budget or the record needs it.
    """

    submit: SubmitTerms
    job_seconds: float
    pending: int
    poll: tuple[float, float]
    usage: float = 20.0


class Dispatcher:
    """Answers questions from the ledger, and sends to the platform what is not there.

    Args:
        ledger: what is known already.
        platform: where jobs go.
        terms: what may be spent.
        price: what a job of some questions takes.
        about: run, step and device of the requests.
        say: told what happens.
    """

    def __init__(
        self,
        ledger: Ledger,
        platform: Platform,
        terms: DispatchTerms,
        price: Callable[[Sequence[Question]], Cost],
        about: tuple[str, str, str],
        say: Callable[[str], None],
    ) -> None:
        self._ledger, self._platform, self._terms = ledger, platform, terms
        self._price, self._about, self._say = price, about, say
        self._submitter = Submitter(ledger, platform, terms.submit, say)
        self._failures = 0
        self.usage = Usage(ledger, platform, terms.poll, terms.usage, say)

    def answer(self, questions: Iterable[Question]) -> dict[str, Answer]:
        """Answers by key.

        Raises:
            BudgetRefused: a job is above what is left.
            Refused: the platform does not take a job.
            JobFailed: a job ended without results.
            Unreachable: the platform cannot be reached; the same call later goes on.
        """
        asked = {question.key: question for question in questions}
        missing = {k: q for k, q in asked.items() if self._ledger.answer(k) is None}
        if missing:
            with self._ledger.alone():
                still = {k: q for k, q in missing.items() if self._ledger.answer(k) is None}
                self._drive(self._requests(still), asked)
        answers = {key: self._ledger.answer(key) for key in asked}
        return {key: answer for key, answer in answers.items() if answer is not None}

    # -- which requests ----------------------------------------------------------------------------

    def _requests(self, missing: Mapping[str, Question]) -> list[str]:
        """Tags of requests that answer the missing questions: those under way, and new ones."""
        under_way: dict[str, JobRequest] = {}
        free = []
        for key, question in missing.items():
            holder = under_way.get(key) or self._ledger.holder(key)
            if holder is None or not self._keep(holder, missing):
                free.append(question)
                continue
            under_way |= dict.fromkeys(holder.keys, holder)
        tags = list(dict.fromkeys(request.tag for request in under_way.values()))
        return tags + [self._plan(group) for group in pack(free, self._terms.job_seconds)]

    def _keep(self, holder: JobRequest, at_hand: Mapping[str, Question]) -> bool:
        """Whether a request goes on as it is; one that cannot be sent from here is given up."""
        if holder.state == "submitted" or set(holder.keys) <= at_hand.keys():
            return True
        if holder.reserved is not None and self._submitter.recover(holder):
            return True
        self._ledger.drop(holder.tag)
        return False

    def _plan(self, group: Sequence[Question]) -> str:
        run, step, device = self._about
        keys = tuple(question.key for question in group)
        tag = f"qhu:{run}:{step}:{name_of(keys)}"
        estimate = self._price(group).seconds
        fields = (tag, run, step, device, now(), "planned", estimate, None, None, None, None)
        self._ledger.plan(JobRequest(*fields, keys), [question.content for question in group])
        return tag

    # -- sending and waiting -----------------------------------------------------------------------

    def _drive(self, tags: Sequence[str], at_hand: Mapping[str, Question]) -> None:
        """Bring requests to their end, a few at a time."""
        requests = {tag: self._ledger.request(tag) for tag in tags}
        under_way = [tag for tag in tags if requests[tag].state == "submitted"]
        waiting = deque(tag for tag in tags if tag not in under_way)
        pause = first = self._terms.poll[0]
        if waiting:
            self._submitter.sweep()
            self.usage.settle()  # what was told before may have been corrected
        while waiting or under_way:
            while waiting and len(under_way) < self._terms.pending:
                try:
                    self._submitter.ensure(waiting[0], at_hand)
                except BudgetRefused:
                    if not under_way and not self.usage.settle(patient=True):
                        raise
                    break  # what is under way may use less than is held for it
                under_way.append(waiting.popleft())
            ended = [tag for tag in under_way if self._ended(tag)]
            for tag in ended:
                under_way.remove(tag)
                if self._ledger.request(tag).state == "failed":
                    waiting.append(tag)
            if under_way:
                pause = first if ended else min(pause * 1.5, self._terms.poll[1])
                time.sleep(pause)

    def _ended(self, tag: str) -> bool:
        """Look at a request's job; True when the request is done, or failed and worth another."""
        job = self._ledger.request(tag).job
        assert job is not None
        if self._ledger.raw(job) is not None:  # kept before; it could not be read, or was not
            return self._read(tag, job)
        state = self._platform.state(job)
        if state.name in ("queued", "running"):
            return False
        if state.name == "done":
            # A submit that hung may have come through since.
            self._submitter.adopt(tag, job)
            self._ledger.keep(job, self._platform.result(job))
            return self._read(tag, job)
        if state.name == "unknown" and job in {seen.id for seen in self._platform.find(tag)}:
            return False
        return self._gone(tag, job, state)

    def _read(self, tag: str, job: str) -> bool:
        """Read results that are kept; if they cannot be read, those that the platform has now."""
        shapes, raw = self._ledger.shapes(tag), self._ledger.raw(job)
        assert raw is not None
        try:
            answers = self._platform.read(raw, shapes)
        except Unreadable as error:
            answers = self._read_anew(job, shapes, error)
        self._ledger.done(tag, answers)
        self._say(f"job {job}: done")
        return True

    def _read_anew(self, job: str, shapes: list[tuple[int, int]], why: Unreadable) -> list[Answer]:
        """Results may have been damaged on their way; otherwise the client is at fault."""
        try:
            raw = self._platform.result(job)
            answers = self._platform.read(raw, shapes)
        except (Unreadable, Denied, Unreachable) as error:
            raise JobFailed(
                f"job {job} is done and paid, and its results are kept in {self._ledger.path}, but "
                f"{version()} cannot read them ({why}): install another version of it and run the "
                "same command again, which reads them from there and pays nothing"
            ) from error
        self._ledger.keep(job, raw)
        return answers

    def _gone(self, tag: str, job: str, state: State) -> bool:
        (kept,) = self._ledger.jobs("id = ?", job)
        was_done = kept["state"] == "done"  # its answer was damaged since, and all that it is from
        if state.name == "unknown" and not (self._platform.emulated or was_done):
            raise JobFailed(
                f"the platform does not know job {job} any more, and none with its tag {tag}: "
                "was it deleted, or is this another instance?"
            )
        self._ledger.failed(tag, f"{state.name}: {state.why}", longer=state.name == "too long")
        self._ledger.note(tag, f"job {job} {state.name}: {state.why}")
        self._failures += 1
        is_foreign = kept["owner"] not in (self._ledger.owner, "")
        if (state.name in ("cancelled", "too long") and not is_foreign) or self._failures > 2:
            raise JobFailed(
                f"job {job} ended without results ({state.name}: {state.why}); the same command "
                "submits it again"
            )
        return True

    def fetch(self) -> None:
        """Look once at every job of this device that is under way, and keep what has ended."""
        device = self._about[2]
        self._submitter.sweep()
        for request in self._ledger.requests("state = 'submitted' AND device = ?", device):
            self._ended(request.tag)

    def sweep(self) -> None:
        """Find what submits in doubt have become; every command of the next day does, too."""
        try:
            self._submitter.sweep()
        except (Denied, Unreachable) as error:
            self._say(f"jobs of submits in doubt were not looked for ({error})")


def pack(questions: Iterable[Question], seconds: float) -> list[list[Question]]:
    """Questions in jobs of up to about so many seconds; one that takes longer has its own."""
    packed: list[list[Question]] = []
    room = 0.0
    for question in questions:
        if question.cost.seconds > room or not packed:
            packed.append([])
            room = seconds
        packed[-1].append(question)
        room -= question.cost.seconds
    return packed
