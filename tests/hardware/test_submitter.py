"""One job per request: late tags, lost ledgers, other commands' jobs, a platform that is full."""

import time

import pytest
from memory_platform import MemoryPlatform, expected

from qhu.errors import BudgetRefused
from qhu.hardware.ledger import Ledger
from qhu.hardware.platform import Doubtful, State, Unsent
from qhu.hardware.waiting import Unreachable


@pytest.fixture
def books(tmp_path):
    """Makes ledgers of owners, each in its file."""
    return lambda owner, name=None: Ledger(tmp_path / f"{name or owner}.db", owner=owner)


def right(answers, asked):
    return all(
        (answers[q.key].means == expected(q.pub.parameter_values.as_array().ravel()).means).all()
        for q in asked
    )


def accepted_in_doubt(platform, times):
    """The first submits are accepted, and the answer is lost."""
    submit, left = platform.submit, iter(range(times))

    def lose(pubs, tag, limit):
        name = submit(pubs, tag, limit)
        if next(left, None) is not None:
            raise Doubtful("504")
        return name

    platform.submit = lose


def shown_later(platform, seconds):
    """Tags are shown so long after the submit."""
    begun, submit = {}, platform.submit

    def note(pubs, tag, limit):
        begun[f"job{len(platform.jobs)}"] = time.monotonic()
        return submit(pubs, tag, limit)

    platform.submit = note
    platform.shown = lambda name: time.monotonic() - begun.get(name, 0) >= seconds


def test_a_submit_in_doubt_waits_for_tags_to_be_shown(dispatcher, platform, questions, ledger):
    asked = questions(1)
    shown_later(platform, 0.3)
    accepted_in_doubt(platform, 5)
    assert right(dispatcher(tags=5.0).answer(asked), asked)
    assert list(platform.jobs) == ["job0"] == [job["id"] for job in ledger.jobs()]


def test_a_job_whose_tag_is_shown_later_than_one_waits_is_counted(
    dispatcher, platform, questions, ledger
):
    """It was paid for by then; the next command finds it."""
    asked = questions(1)
    accepted_in_doubt(platform, 1)
    hidden = {"job0"}
    platform.shown = lambda name: name not in hidden
    first = dispatcher(tags=0.0)
    assert right(first.answer(asked), asked)
    platform.jobs["job0"]["state"] = "done"
    hidden.clear()
    second = dispatcher()
    assert right(second.answer(questions(1, first=1)), questions(1, first=1))
    assert {job["id"]: job["state"] for job in ledger.jobs()}["job0"] == "double"
    assert any("job0: a double, it had completed; 1.5 s paid" in line for line in second.said)
    second.usage.settle()
    assert ledger.held() == 1.5 * 3


def test_a_command_that_ended_in_a_submit_is_followed_by_a_patient_one(
    dispatcher, platform, questions, ledger
):
    class Killed(BaseException):
        pass

    asked = questions(1)
    submit = platform.submit
    shown_later(platform, 0.3)

    def kill(pubs, tag, limit):
        platform_submit(pubs, tag, limit)
        raise Killed

    platform_submit, platform.submit = platform.submit, kill
    with pytest.raises(Killed):
        dispatcher(tags=5.0).answer(asked)
    platform.submit = submit
    assert right(dispatcher(tags=5.0).answer(asked), asked)
    assert list(platform.jobs) == ["job0"]


@pytest.mark.parametrize("state", ["queued", "done"])
@pytest.mark.parametrize("owner", ["here", "elsewhere"])
def test_a_lost_ledger_finds_jobs_by_their_tags(
    dispatcher, platform, questions, books, state, owner
):
    asked = questions(4)
    platform.owner = owner
    dispatcher(books(owner, "lost")).answer(asked)
    paid = list(platform.jobs)
    for job in platform.jobs.values():
        job["state"] = state
    book = books("here")
    made = dispatcher(book)
    assert right(made.answer(asked), asked)
    assert list(platform.jobs) == paid
    made.usage.settle()
    assert book.held() == (1.5 * len(paid) if owner == "here" else 0)


def test_a_lost_ledger_takes_no_job_that_ended_without_results(dispatcher, questions, books):
    class Mixed(MemoryPlatform):
        def state(self, job):
            return State("cancelled", "before") if job == "job0" else super().state(job)

    asked, platform = questions(1), Mixed()
    platform.owner = "here"
    book = books("here")
    made = dispatcher(book, platform)
    tag = made._plan(asked)
    platform.submit([asked[0].pub], tag, 10)
    assert right(made.answer(asked), asked)
    assert {job["id"]: job["state"] for job in book.jobs()} == {"job0": "failed", "job1": "done"}


@pytest.fixture
def pair(dispatcher, platform, questions, books):
    """Two owners with a ledger each: the first has submitted, the second is about to."""
    asked = questions(1)
    platform.owner = "one"
    first = dispatcher(books("one"))
    tag = first._plan(asked)
    first._submitter.ensure(tag, {q.key: q for q in asked})
    platform.owner = "two"
    second = dispatcher(books("two"))
    second._plan(asked)
    return first, second, tag


def test_two_ledgers_share_a_job_and_cancel_only_their_own(
    pair, dispatcher, platform, questions, books
):
    """Both have submitted before either has looked; searches show the newest first."""
    asked = questions(1)
    first, second, tag = pair
    platform.shown = lambda name: name != "job0"
    second._submitter.ensure(tag, {q.key: q for q in asked})
    platform.shown = lambda name: True
    assert right(first.answer(asked), asked)
    assert platform.jobs["job1"]["state"] != "cancelled"
    assert right(second.answer(asked), asked)
    third = dispatcher(books("three"))
    platform.owner = "three"
    assert right(third.answer(asked), asked) and len(platform.jobs) == 2


def test_of_two_that_submit_at_once_the_later_adopts_the_earlier(
    dispatcher, platform, questions, books
):
    asked = questions(1)
    at_hand = {q.key: q for q in asked}
    platform.owner = "two"
    book = books("two")
    second = dispatcher(book)
    tag = second._plan(asked)
    submit = platform.submit

    def the_other_was_earlier(pubs, tag, limit):
        platform.owner = "one"
        submit(pubs, tag, limit)
        platform.owner = "two"
        return submit(pubs, tag, limit)

    platform.submit = the_other_was_earlier
    second._submitter.ensure(tag, at_hand)
    assert [job["state"] for job in platform.jobs.values()] == ["done", "cancelled"] or [
        job["state"] for job in platform.jobs.values()
    ] == ["queued", "cancelled"]
    assert book.request(tag).job == "job0"
    assert right(second.answer(asked), asked)


def test_a_foreign_job_that_its_owner_cancels_is_replaced(pair, platform, questions):
    asked = questions(1)
    _, second, tag = pair
    second._submitter.ensure(tag, {q.key: q for q in asked})
    assert list(platform.jobs) == ["job0"]
    platform.jobs["job0"]["state"] = "cancelled"
    assert right(second.answer(asked), asked) and len(platform.jobs) == 2


def test_a_platform_that_takes_no_submissions_is_waited_for(dispatcher, platform, questions):
    asked, submit = questions(1), platform.submit
    refusals = iter([0.05, None, 0.05])

    def full(pubs, tag, limit):
        for seconds in refusals:
            raise Unsent("429 Too Many Requests", seconds)
        return submit(pubs, tag, limit)

    platform.submit = full
    made = dispatcher()
    assert right(made.answer(asked), asked) and len(platform.jobs) == 1
    assert sum("takes no submission" in line for line in made.said) == 3


def test_a_platform_that_takes_none_for_long_ends_in_patience(dispatcher, platform, questions):
    def full(pubs, tag, limit):
        raise Unsent("429 Too Many Requests", 3600.0)

    platform.submit = full
    with pytest.raises(Unreachable, match=r"takes no submissions.*run the same command again"):
        dispatcher(patience=60.0).answer(questions(1))


def test_budgets_of_two_folders_in_one_ledger_are_apart(dispatcher, platform, questions, tmp_path):
    path = tmp_path / "shared.db"
    platform.owner = "one"
    dispatcher(Ledger(path, owner="one"), budget=11.0).answer(questions(1))
    with pytest.raises(BudgetRefused):
        dispatcher(Ledger(path, owner="one"), budget=3.0).answer(questions(1, first=1))
    platform.owner = "two"
    book = Ledger(path, owner="two")
    assert book.held() == 0
    asked = questions(2)
    assert right(dispatcher(book, budget=11.0).answer(asked), asked)  # one from the ledger
    assert len(platform.jobs) == 2
