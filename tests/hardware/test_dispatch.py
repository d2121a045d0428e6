"""From questions to answers on a platform in memory: nothing lost, nothing twice."""

import itertools

import numpy as np
import pytest
from memory_platform import MemoryPlatform, expected

from qhu.errors import BudgetRefused
from qhu.hardware.database import Database
from qhu.hardware.dispatch import pack
from qhu.hardware.ledger import Ledger
from qhu.hardware.platform import Doubtful, Hanging, JobFailed, Refused, State, Unreadable
from qhu.hardware.waiting import Unreachable


def right(answers, questions):
    """Whether every question has the answer that an undisturbed platform gives."""
    for question in questions:
        wanted = expected(np.ravel(question.content["values"]))
        np.testing.assert_array_equal(answers[question.key].means, wanted.means)
        np.testing.assert_array_equal(answers[question.key].errors, wanted.errors)
    return True


def test_questions_share_jobs_and_are_answered_once(dispatcher, platform, questions):
    asked = questions(5)
    assert right(dispatcher().answer(asked), asked)
    assert [len(job["values"]) for job in platform.jobs.values()] == [2, 2, 1]
    assert right(dispatcher(run="another").answer(asked[1:]), asked[1:])
    assert len(platform.jobs) == 3


def test_a_question_that_is_under_way_is_waited_for(dispatcher, platform, questions, ledger):
    asked = questions(2)
    first = dispatcher()
    tag = first._plan(asked)
    first._submitter.ensure(tag, {question.key: question for question in asked})
    assert right(dispatcher(run="another").answer(asked[:1]), asked[:1])
    assert len(platform.jobs) == 1 and ledger.request(tag).state == "done"


def test_packing_does_not_depend_on_what_is_done(dispatcher, questions):
    """A resumed run sends the jobs that an undisturbed one sends."""
    asked = questions(7)
    whole = [[q.key for q in group] for group in pack(asked, 0.5)]
    dispatcher().answer(asked[:2])
    assert [[q.key for q in group] for group in pack(asked[2:], 0.5)] == whole[1:]
    assert pack([], 1) == [] and len(pack(questions(3), 0.01)) == 3


@pytest.mark.parametrize("accepted", ["before", "after"])
def test_a_submit_in_doubt_is_looked_for(dispatcher, questions, accepted):
    failures = iter([True, False])

    def happens(call, when):
        if (call, when) == ("submit", accepted) and next(failures, False):
            raise Doubtful("dropped")

    platform, asked = MemoryPlatform(happens), questions(1)
    assert right(dispatcher(where=platform).answer(asked), asked)
    assert platform.running() == {next(iter(platform.running())): 1} and len(platform.jobs) == 1


def test_a_double_is_cancelled(dispatcher, ledger, questions):
    """A client that repeats a submit by itself makes two jobs by one call."""

    class Twice(MemoryPlatform):
        def submit(self, pubs, tag, limit):
            super().submit(pubs, tag, limit)
            return super().submit(pubs, tag, limit)

    platform, asked = Twice(), questions(1)
    assert right(dispatcher(where=platform).answer(asked), asked)
    assert [job["state"] for job in platform.jobs.values()] == ["cancelled", "done"]
    assert ledger.requests()[0].job == "job1"
    assert {job["id"]: job["state"] for job in ledger.jobs()} == {"job1": "done", "job0": "double"}


def test_a_submit_that_hangs_is_not_repeated_by_the_same_process(dispatcher, questions):
    def happens(call, when):
        if call == "submit":
            raise Hanging("no answer")

    platform, asked = MemoryPlatform(happens), questions(1)
    with pytest.raises(Unreachable, match="run the same command again"):
        dispatcher(where=platform).answer(asked)
    assert not platform.jobs
    platform.happens = lambda call, when: None
    assert right(dispatcher(where=platform).answer(asked), asked)
    assert len(platform.jobs) == 1


def test_a_late_double_is_found_when_the_job_is_done(dispatcher, platform, questions):
    """A submit that hung in a process of before arrives while the next one waits."""
    asked = questions(1)
    late = dispatcher()
    submit = platform.submit

    def submit_and_arrive_late(pubs, tag, limit):
        name = submit(pubs, tag, limit)
        state = platform.state

        def arrive(job):
            platform.state = state
            submit(pubs, tag, limit)
            return State("queued")

        platform.state = arrive
        return name

    platform.submit = submit_and_arrive_late
    assert right(late.answer(asked), asked)
    assert [job["state"] for job in platform.jobs.values()] == ["queued", "cancelled"] or [
        job["state"] for job in platform.jobs.values()
    ] == ["done", "cancelled"]


def test_a_refused_job_is_not_tried_again(dispatcher, platform, ledger, questions):
    def happens(call, when):
        if call == "submit":
            raise Refused("code 7001: not in native gates")

    platform.happens = happens
    with pytest.raises(Refused, match="7001"):
        dispatcher().answer(questions(1))
    assert ledger.requests()[0].state == "failed" and ledger.held() == 0


def test_a_failed_job_gets_another_and_both_count(dispatcher, ledger, questions):
    class Fails(MemoryPlatform):
        def state(self, job):
            return State("failed", "system") if job == "job0" else super().state(job)

        def metrics(self, job):
            return (0.5 if job == "job0" else 1.5), {}

    platform, asked = Fails(), questions(1)
    made = dispatcher(where=platform)
    assert right(made.answer(asked), asked)
    made.usage.settle()
    assert ledger.held() == 2.0
    history = [what for _, what in ledger.history(ledger.requests()[0].tag)]
    assert any(what.startswith("job job0 failed") for what in history)


@pytest.mark.parametrize("how", ["cancelled", "too long"])
def test_a_job_that_was_ended_is_submitted_again_only_when_asked_again(
    dispatcher, ledger, questions, how
):
    class Ended(MemoryPlatform):
        def state(self, job):
            return State(how, "by somebody") if job == "job0" else super().state(job)

    platform, asked = Ended(), questions(1)
    with pytest.raises(JobFailed, match="the same command submits it again"):
        dispatcher(where=platform).answer(asked)
    assert len(platform.jobs) == 1
    before = ledger.requests()[0].estimate
    assert right(dispatcher(where=platform).answer(asked), asked)
    assert len(platform.jobs) == 2
    assert (platform.jobs["job1"]["limit"] > platform.jobs["job0"]["limit"]) == (how == "too long")
    assert (before > 3) == (how == "too long")


def test_a_job_that_the_platform_forgot_is_never_submitted_again(dispatcher, platform, questions):
    asked = questions(1)
    made = dispatcher()
    tag = made._plan(asked)
    made._submitter.ensure(tag, {asked[0].key: asked[0]})
    platform.jobs.clear()
    with pytest.raises(JobFailed, match="does not know job job0"):
        dispatcher().answer(asked)
    assert not platform.jobs
    platform.emulated = True  # started afresh: nothing was paid
    assert right(dispatcher().answer(asked), asked)


def test_a_job_of_another_instance_is_left_alone(dispatcher, platform, questions):
    asked, made = questions(1), dispatcher()
    made._ledger.begin(made._plan(asked), 100, "crn:elsewhere")
    with pytest.raises(Refused, match="another instance"):
        made.answer(asked)
    assert not platform.jobs


# -- results ---------------------------------------------------------------------------------------


def test_results_are_kept_before_they_are_read(dispatcher, platform, ledger, questions):
    """A client that cannot read what was paid for: said in one line, read later, paid once."""
    asked, read = questions(2), platform.read

    def unable(raw, shapes):
        assert ledger.raw("job0") == raw
        raise Unreadable("TypeError: 'type' object is not iterable")

    platform.read = unable
    with pytest.raises(JobFailed, match=r"job0 is done and paid.*kept in .*ledger\.db.*TypeError"):
        dispatcher().answer(asked)
    platform.read = read
    platform.happens = lambda call, when: pytest.fail(f"{call}: it lies in the ledger")
    assert right(dispatcher().answer(asked), asked)


def test_results_that_were_damaged_on_their_way_are_fetched_anew(
    dispatcher, platform, ledger, questions
):
    asked = questions(1)
    made = dispatcher()
    tag = made._plan(asked)
    made._submitter.ensure(tag, {asked[0].key: asked[0]})
    ledger.keep("job0", "[[0.0, 0.1]]")

    def read(raw, shapes, read=platform.read):
        answers = read(raw, shapes)
        if [answer.means.shape for answer in answers] != shapes:
            raise Unreadable("they answer another question")
        return answers

    platform.read = read
    assert right(dispatcher().answer(asked), asked)
    assert ledger.raw("job0") == platform.result("job0") and len(platform.jobs) == 1


# -- budget ----------------------------------------------------------------------------------------


def test_without_a_budget_nothing_is_submitted(dispatcher, platform, questions):
    with pytest.raises(BudgetRefused, match="no budget"):
        dispatcher(budget=None).answer(questions(1))
    assert not platform.jobs


def test_the_cap_holds_over_runs(dispatcher, platform, ledger, questions):
    asked = questions(6)
    made = dispatcher(budget=11.0)  # jobs of about 2.5 s that turn out to use 1.5 s
    with pytest.raises(BudgetRefused, match="above the budget"):
        made.answer(asked + questions(4, first=6))
    assert ledger.held() <= 11
    used = len(platform.jobs)
    assert used and all(job["limit"] <= 4 for job in platform.jobs.values())
    with pytest.raises(BudgetRefused):
        dispatcher(budget=11.0, run="another").answer(questions(1, first=20))
    assert len(platform.jobs) == used
    assert right(dispatcher(budget=24.0).answer(asked), asked)


def test_a_job_may_never_use_more_than_is_left(dispatcher, platform, questions):
    """By no more than the margin that is held beside its limit."""
    dispatcher(budget=10.4).answer(questions(1))
    assert platform.jobs["job0"]["limit"] == 4


def test_what_is_under_way_is_waited_for_before_the_budget_refuses(dispatcher, platform, questions):
    """Reservations are generous; what jobs really use makes room for the others."""
    asked = questions(6)
    assert right(dispatcher(budget=13.0, pending=3).answer(asked), asked)
    assert len(platform.jobs) == 3


# -- killed anywhere -------------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here."""


def unsynced(path):
    """A ledger that does not wait for the disk: processes are killed here, not machines."""
    book = Ledger(path)
    book.first("PRAGMA synchronous = OFF")
    return book


@pytest.mark.parametrize("surprise", ["none", "accepted in doubt", "twice"])
def test_killed_anywhere_nothing_is_lost_and_nothing_twice(
    tmp_path, dispatcher, questions, monkeypatch, surprise
):
    """Every call to the platform and every change of the ledger is a place to be killed at."""
    asked, writing = questions(3), Database.writing

    class Surprising(MemoryPlatform):
        def submit(self, pubs, tag, limit):
            name = super().submit(pubs, tag, limit)
            if surprise == "twice":
                name = super().submit(pubs, tag, limit)
            if surprise == "accepted in doubt":
                raise Doubtful("dropped")
            return name

    for place in itertools.count():
        left = itertools.count(place, -1)

        def happens(*_, left=left):
            if next(left) == 0:
                raise Killed

        def guarded(self, happens=happens):
            happens()
            return writing(self)

        monkeypatch.setattr(Database, "writing", guarded)
        platform, path = Surprising(happens), tmp_path / f"{place}.db"
        killed = False
        try:
            dispatcher(unsynced(path), platform, budget=50.0).answer(asked)
        except Killed:
            killed = True
        monkeypatch.setattr(Database, "writing", writing)
        platform.happens = lambda *_: None
        book = unsynced(path)
        made = dispatcher(book, platform, budget=50.0)
        assert right(made.answer(asked), asked)
        assert set(platform.running().values()) == {1}, f"killed at {place}"
        made.usage.settle()
        assert book.held() == 1.5 * 2, f"killed at {place}"
        assert {job["id"] for job in book.jobs()} == set(platform.jobs), f"killed at {place}"
        if not killed:
            break
    assert place > 20
