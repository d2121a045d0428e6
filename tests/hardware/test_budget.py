"""The budget: whatever a platform charges and says, held never falls below what it charged."""

import contextlib
import math
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from qhu.errors import BudgetRefused, UserError
from qhu.hardware import usage
from qhu.hardware.access import Access
from qhu.hardware.dispatch import Dispatcher, DispatchTerms
from qhu.hardware.ledger import LONGEST, Ledger
from qhu.hardware.margin import Margin
from qhu.hardware.options import Options
from qhu.hardware.questions import Answer, JobRequest
from qhu.hardware.waiting import Denied, Unreachable

CONTENT = {"observables": [[["Z", 1.0]]], "values": [[0.0]]}
ANSWER = Answer([[0.5]], [[0.1]])
RAN = {"timestamps": {"running": "2026-01-01T00:00:00Z"}}
ODD = [
    None,
    [],
    "text",
    3,
    {},
    {"usage": None},
    {"usage": []},
    {"usage": "4 s"},
    {"usage": {"seconds": 0.1, "state": "final"}},
    {"usage": {"qpu_charge_time_seconds": 0.1}},
    {"usage": {"qpu_charge_time_seconds": 0.1, "status": "pending"}},
    {"usage": {"qpu_charge_time_seconds": 0.1, "status": None}},
    {"usage": {"status": "complete"}},
    *(
        {"usage": {"qpu_charge_time_seconds": figure, "status": "complete"}}
        for figure in (None, -5000, -0.1, math.nan, math.inf, -math.inf, 10**400, 1e12, "0.1")
    ),
    *(
        {"usage": {"qpu_charge_time_seconds": figure, "status": "complete"}}
        for figure in (True, False, [0.1], {"value": 0.1})
    ),
]
"""Replies that tell no time that a job can have used."""


def request(number, estimate):
    at = "2026-01-01T00:00:00+00:00"
    fields = (f"qhu:run:evaluate:{number}", "run", "evaluate", "dev", at, "planned", estimate)
    return JobRequest(*fields, *[None] * 4, (f"key{number}",))


def complete(seconds, ran=True):
    said = {"usage": {"qpu_charge_time_seconds": seconds, "status": "complete"}}
    return {**said, "timestamps": {"running": "2026-01-01T00:00:00Z" if ran else None}}


class Job(NamedTuple):
    tag: str
    name: str


shares = st.floats(0.0, 1.0)


class Charging:
    """A platform that says of its jobs what it was told to say; each was charged something."""

    emulated, instance = False, "crn:here"

    def __init__(self):
        self.charged, self.replies, self.down = {}, {}, None

    def metrics(self, job):
        if self.down:
            raise self.down
        reply = self.replies.get(job)
        return usage.used(reply), reply


class Spending(RuleBasedStateMachine):
    """Requests begin, exist or not, end in every way, and are told in every way."""

    running, ended = Bundle("running"), Bundle("ended")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path, self.platform = Path(self.folder.name, "ledger.db"), Charging()
        self.numbers, self.budget, self.granted = iter(range(10_000)), 100.0, 100.0
        self.unplanned = 0.0  # charged for doubles
        self.ledger = None
        self.next_command()

    def teardown(self):
        self.ledger.close()
        self.folder.cleanup()

    @rule()
    def next_command(self):
        if self.ledger:
            self.ledger.close()
        self.ledger = Ledger(self.path)
        self.ledger.first("PRAGMA synchronous = OFF")
        terms = DispatchTerms(self.budget, 60.0, 3, (0.0, 0.0), usage=0.0)
        about = ("run", "evaluate", "dev")
        self.dispatcher = Dispatcher(
            self.ledger, self.platform, terms, None, about, lambda line: None
        )

    @rule(budget=st.sampled_from([0.0, 10.0, 50.0, 200.0]))
    def change_budget(self, budget):
        self.budget, self.granted = budget, max(self.granted, budget)

    @rule(target=running, estimate=st.floats(0.5, 20.0), share=shares, seen=st.booleans())
    def ask(self, estimate, share, seen):
        made = request(next(self.numbers), estimate)
        self.ledger.plan(made, [CONTENT])
        return self.submit(made.tag, share, seen)

    @rule(target=running, job=consumes(ended), share=shares, seen=st.booleans())
    def ask_again(self, job, share, seen):
        if self.ledger.request(job.tag).state != "failed":
            return multiple()
        return self.submit(job.tag, share, seen)

    def submit(self, tag, share, seen):
        """A job, only held for until it is seen, which may be charged its limit and margin."""
        margin, estimate = self.ledger.margin, self.ledger.request(tag).estimate
        try:
            limit = self.ledger.begin(tag, self.budget, "crn:here")
        except BudgetRefused:
            worst = margin.worst(math.ceil(estimate))
            assert self.ledger.held(without=tag) + worst > self.budget
            return multiple()
        assert estimate <= limit <= self.budget
        job = Job(tag, f"job{next(self.numbers)}")
        self.platform.charged[job.name] = max(0.01, share * margin.worst(limit))
        if seen:
            self.ledger.submitted(*job)
        return job

    @rule(target=ended, job=running, share=shares)
    def doubles(self, job, share):
        """A second job of a request, which nothing was held for before it was seen."""
        double = Job(job.tag, f"job{next(self.numbers)}")
        self.ledger.doubled(*double)
        limit = self.ledger.jobs("id = ?", double.name)[0]["reserved"]
        self.platform.charged[double.name] = share * self.ledger.margin.worst(limit)
        self.unplanned += self.platform.charged[double.name]
        return double

    @rule(target=ended, job=consumes(running), how=st.sampled_from(["done", "failed", "idle"]))
    def end(self, job, how):
        if self.ledger.request(job.tag).state == "planned":
            self.ledger.submitted(*job)
        if how == "idle":  # it was cancelled before it ran
            self.platform.charged[job.name] = 0.0
        if how == "done":
            self.ledger.done(job.tag, [ANSWER])
        else:
            self.ledger.failed(job.tag, "by somebody")
        return job

    @rule(
        job=ended,
        reply=st.sampled_from(["zero", "true", "less"]) | st.sampled_from(ODD),
        down=st.sampled_from([None, None, None, Unreachable("gone"), Denied("not you")]),
    )
    def says(self, job, reply, down):
        """What the platform tells: the truth, 0 at first, later less, odd things, or nothing."""
        charged = self.platform.charged[job.name]
        heard = self.ledger.jobs("id = ?", job.name)[0]["used"]
        figures = {"zero": 0, "true": charged, "less": heard and heard / 2}
        if isinstance(reply, str) and reply in figures:
            reply = complete(figures[reply], ran=charged > 0)
        self.platform.replies[job.name] = reply
        self.platform.down = down
        self.dispatcher.usage.settle()

    @invariant()
    def held_covers_what_was_charged(self):
        charged = math.fsum(self.platform.charged.values())
        assert self.ledger.held() >= charged - 1e-6
        margin = self.ledger.margin
        for job in self.ledger.jobs():
            counts = margin.worst(job["reserved"]) if job["used"] is None else job["used"]
            assert counts >= self.platform.charged[job["id"]] - 1e-6
        assert charged - self.unplanned <= self.granted + 1e-6


Spending.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
test_held_covers_what_was_charged = Spending.TestCase


@given(st.floats(0, 3e4), st.floats(0, 100), st.floats(0, 3), st.integers(1, LONGEST))
def test_the_longest_limit_that_fits_is_given(left, seconds, share, most):
    margin = Margin(5 + seconds, 0.25 + share)
    limit = margin.fitting(left, most)
    assert limit == 0 or margin.worst(limit) <= left + 1e-6
    assert limit == most or margin.worst(limit + 1) > left - 1e-6


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["usage", "status", "qpu_charge_time_seconds", "other"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json)
def test_any_reply_tells_a_time_or_nothing(reply):
    seconds = usage.used(reply)
    assert seconds is None or 0 <= seconds <= 2 * LONGEST


@pytest.mark.parametrize("reply", ODD, ids=repr)
def test_odd_usage_counts_at_its_worst(dispatcher, ledger, platform, questions, reply):
    platform.metrics = lambda job: (usage.used(reply), reply)
    made = dispatcher()
    made.answer(questions(1))
    limit = ledger.jobs()[0]["reserved"]
    assert not made.usage.settle() and ledger.held() == 5 + 1.25 * limit


@pytest.mark.parametrize("error", [Unreachable("no answer"), Denied("403")])
def test_metrics_that_always_fail_lose_no_answer(dispatcher, ledger, platform, questions, error):
    def fail(job):
        raise error

    platform.metrics = fail
    made = dispatcher(budget=60.0)
    assert len(made.answer(questions(4))) == 4 and not made.usage.settle(patient=True)
    assert any("is not known, so their worst is held" in line for line in made.said)
    assert ledger.held() > 40


def used(dispatcher, platform, seconds, ran=True):
    """The same command again, to which the platform tells so many seconds."""
    reply = complete(seconds, ran)
    platform.metrics = lambda job: (usage.used(reply), reply)
    made = dispatcher()
    made.usage.settle()
    return made._ledger.held()


def test_a_figure_of_the_last_day_is_looked_at_again_and_only_grows(
    dispatcher, ledger, platform, questions
):
    dispatcher().answer(questions(1))
    worst = ledger.held()
    assert used(dispatcher, platform, 0) == worst  # with results it took time
    assert used(dispatcher, platform, 2.0) == 2.0
    assert used(dispatcher, platform, 3.5) == 3.5
    assert used(dispatcher, platform, 1.0) == 3.5
    assert used(dispatcher, platform, -5000) == 3.5


def test_a_correction_is_learnt_before_the_next_submit(dispatcher, ledger, platform, questions):
    reply = complete(2.0)
    platform.metrics = lambda job: (usage.used(reply), reply)
    first = dispatcher(budget=20.0)
    first.answer(questions(1))
    first.usage.settle()
    reply = complete(15.0)
    with pytest.raises(BudgetRefused):
        dispatcher(budget=20.0, run="another").answer(questions(1, first=9))
    assert ledger.held() == 15.0 and len(platform.jobs) == 1


def failed(ledger):
    made = request(0, 10.0)
    ledger.plan(made, [CONTENT])
    ledger.begin(made.tag, 100, "crn")
    ledger.submitted(made.tag, "job")
    ledger.failed(made.tag, "cancelled")
    return ledger.held()


def test_a_zero_of_a_failed_job_that_ran_counts_after_a_day(dispatcher, ledger, platform):
    worst = failed(ledger)
    assert used(dispatcher, platform, 0) == worst
    with ledger.writing():
        begun = datetime.now(UTC) - timedelta(days=1, minutes=1)
        ledger.set("UPDATE jobs SET begun = ?", begun.isoformat(timespec="seconds"))
    assert used(dispatcher, platform, 0) == 0


def test_a_zero_of_a_job_with_results_never_counts(dispatcher, ledger, platform, questions):
    dispatcher().answer(questions(1))
    worst = ledger.held()
    with ledger.writing():
        ledger.set("UPDATE jobs SET begun = '2026-01-01T00:00:00+00:00'")
    assert used(dispatcher, platform, 0) == used(dispatcher, platform, 0, ran=False) == worst


def test_a_job_that_never_ran_used_nothing(dispatcher, ledger, platform):
    failed(ledger)
    assert used(dispatcher, platform, 0, ran=False) == 0


def test_a_failed_job_that_was_charged_counts(dispatcher, ledger, platform):
    failed(ledger)
    assert used(dispatcher, platform, 7.0) == 7.0


@pytest.mark.parametrize(("used", "next_limit"), [(42.5, 30), (60.0, 30), (90.0, 10)])
def test_the_margin_is_learnt(ledger, used, next_limit):
    """30 s and its margin are 42.5 s; what exceeds that narrows the limits of later jobs."""
    ledger.plan(request(0, 10.0), [CONTENT])
    assert ledger.begin(request(0, 10.0).tag, 1000, "crn") == 30
    ledger.submitted(request(0, 10.0).tag, "job")
    ledger.done(request(0, 10.0).tag, [ANSWER])
    ledger.settle("job", used, {})
    margin = ledger.margin
    assert margin.worst(30) == pytest.approx(used)
    assert (margin == Margin()) == (used == 42.5)
    for limit in range(1, 100):
        by_seconds, by_share = used - 30 * 1.25 + 1.25 * limit, 5 + (used - 5) / 30 * limit
        assert margin.worst(limit) == pytest.approx(max(by_seconds, by_share))
    ledger.plan(request(1, 10.0), [CONTENT])
    left = margin.worst(next_limit) + 0.1
    assert ledger.begin(request(1, 10.0).tag, used + left, "crn") == next_limit


# -- limits and budgets that make no sense ---------------------------------------------------------


def test_a_job_longer_than_any_may_be_is_refused_before_the_submit(ledger):
    ledger.plan(request(0, 10_801.0), [CONTENT])
    with pytest.raises(BudgetRefused, match=r"10,801 s is longer than the platform allows, 10,800"):
        ledger.begin(request(0, 0).tag, 1e9, "crn")
    ledger.plan(request(1, 10_799.0), [CONTENT])
    assert ledger.begin(request(1, 0).tag, 1e9, "crn") == 10_800


@pytest.mark.parametrize("budget", [math.nan, math.inf, -1.0])
def test_a_budget_is_a_number_of_seconds(budget, qhu):
    with pytest.raises(UserError, match="max_qpu_seconds"):
        Access(budget=budget)
    with pytest.raises(ValueError, match="max_qpu_seconds"):
        Options(max_qpu_seconds=budget)
    code, _, errors = qhu("plan", "quickstart", "--max-qpu-seconds", budget)
    assert code == 2 and errors.count("\n") == 1


def test_two_processes_at_once_share_a_budget(tmp_path):
    """Each with the ledger open for itself: what one holds, the other does not have."""
    path = tmp_path / "ledger.db"
    book = Ledger(path)
    for number in range(12):
        book.plan(request(number, 10.0), [CONTENT])
    start = threading.Barrier(2)

    def begin(numbers):
        own, limits = Ledger(path), []
        start.wait()
        for number in numbers:
            with contextlib.suppress(BudgetRefused):
                limits.append(own.begin(request(number, 0).tag, 100.0, "crn:here"))
        return limits

    with ThreadPoolExecutor(2) as pool:
        both = pool.map(begin, (range(6), range(6, 12)))
        granted = [limit for limits in both for limit in limits]
    assert len(granted) >= 2 and math.fsum(map(Margin().worst, granted)) == book.held() <= 100.0


def test_a_budget_below_what_is_held_submits_nothing(dispatcher, ledger, platform, questions):
    dispatcher(budget=50.0).answer(questions(2))
    before = ledger.held()
    for budget in (0.0, before - 1):
        with pytest.raises(BudgetRefused, match="s are held for 1 jobs whose use the platform has"):
            platform.metrics = lambda job: (None, {})
            dispatcher(budget=budget, run="another").answer(questions(1, first=9))
    assert len(platform.jobs) == 1
