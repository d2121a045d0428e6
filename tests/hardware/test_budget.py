"""The budget: whatever a platform charges and says, held never falls below what it charged."""

import math
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

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

    requests, running, ended = Bundle("requests"), Bundle("running"), Bundle("ended")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path, self.platform = Path(self.folder.name, "ledger.db"), Charging()
        self.numbers, self.budget, self.granted = iter(range(10_000)), 100.0, 100.0
        self.unplanned = 0.0  # charged for doubles
        self.next_command()

    def teardown(self):
        self.ledger.close()
        self.folder.cleanup()

    @rule()
    def next_command(self):
        if hasattr(self, "ledger"):
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

    @rule(target=requests, estimate=st.floats(0.5, 40.0))
    def plan(self, estimate):
        made = request(next(self.numbers), estimate)
        self.ledger.plan(made, [CONTENT])
        return made.tag

    @rule(target=running, tag=requests, share=st.floats(0.0, 1.0))
    def submit(self, tag, share):
        """A job, only held for until it is seen, which may be charged its limit and margin."""
        asked = self.ledger.request(tag)
        if asked.state != "failed" and (asked.state != "planned" or asked.reserved):
            return None
        margin, estimate = self.ledger.margin, asked.estimate
        try:
            limit = self.ledger.begin(tag, self.budget, "crn:here")
        except BudgetRefused:
            worst = margin.worst(math.ceil(estimate))
            assert self.ledger.held(without=tag) + worst > self.budget
            return None
        assert estimate <= limit <= self.budget
        job = f"job{next(self.numbers)}"
        self.platform.charged[job] = max(0.01, share * margin.worst(limit))
        return tag, job

    @rule(job=running)
    def is_seen(self, job):
        if job and self.ledger.request(job[0]).state == "planned":
            self.ledger.submitted(*job)

    @rule(target=ended, job=running, share=st.floats(0.0, 1.0))
    def doubles(self, job, share):
        """A second job of a request, which nothing was held for before it was seen."""
        if not job or self.ledger.request(job[0]).job != job[1]:
            return None
        double = f"job{next(self.numbers)}"
        self.ledger.doubled(job[0], double)
        limit = self.ledger.jobs("id = ?", double)[0]["reserved"]
        self.platform.charged[double] = share * self.ledger.margin.worst(limit)
        self.unplanned += self.platform.charged[double]
        return double, "failed"

    @rule(target=ended, job=running, how=st.sampled_from(["done", "failed", "idle"]))
    def end(self, job, how):
        if not job or self.ledger.request(job[0]).job != job[1]:
            return None
        if self.ledger.request(job[0]).state != "submitted":
            return None
        if how == "idle":  # it was cancelled before it ran
            self.platform.charged[job[1]] = 0.0
        if how == "done":
            self.ledger.done(job[0], "raw", [ANSWER])
        else:
            self.ledger.failed(job[0], "by somebody")
        return job[1], how

    @rule(job=ended, odd=st.sampled_from([*ODD, "zero", "true", "true"]))
    def says(self, job, odd):
        """What the platform says from now on: the truth, nothing, 0 at first, or odd things."""
        if not job:
            return
        name, how = job
        truth = complete(self.platform.charged[name], ran=how != "idle")
        zero = complete(0, ran=how != "idle")
        meant = {"zero": zero, "true": truth}.get(odd, odd) if isinstance(odd, str) else odd
        self.platform.replies[name] = meant

    @rule(down=st.sampled_from([None, Unreachable("gone"), Denied("not you")]))
    def fails(self, down):
        self.platform.down = down

    @rule()
    def settle(self):
        self.dispatcher.settle()

    @invariant()
    def held_covers_what_was_charged(self):
        charged = math.fsum(self.platform.charged.values())
        assert self.ledger.held() >= charged - 1e-6
        assert charged - self.unplanned <= self.granted + 1e-6


Spending.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
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
    assert not made.settle() and ledger.held() == 5 + 1.25 * limit


@pytest.mark.parametrize("error", [Unreachable("no answer"), Denied("403")])
def test_metrics_that_always_fail_lose_no_answer(dispatcher, ledger, platform, questions, error):
    def fail(job):
        raise error

    platform.metrics = fail
    made = dispatcher(budget=60.0)
    assert len(made.answer(questions(4))) == 4 and not made.settle(patient=True)
    assert any("is not known, so their worst is held" in line for line in made.said)
    assert ledger.held() > 40


def used(dispatcher, platform, seconds, ran=True):
    """The same command again, to which the platform tells so many seconds."""
    reply = complete(seconds, ran)
    platform.metrics = lambda job: (usage.used(reply), reply)
    made = dispatcher()
    made.settle()
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
    first.settle()
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
    ledger.done(request(0, 10.0).tag, "raw", [ANSWER])
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


def test_a_budget_below_what_is_held_submits_nothing(dispatcher, ledger, platform, questions):
    dispatcher(budget=50.0).answer(questions(2))
    before = ledger.held()
    for budget in (0.0, before - 1):
        with pytest.raises(BudgetRefused, match="s are held for 1 jobs whose use the platform has"):
            platform.metrics = lambda job: (None, {})
            dispatcher(budget=budget, run="another").answer(questions(1, first=9))
    assert len(platform.jobs) == 1
