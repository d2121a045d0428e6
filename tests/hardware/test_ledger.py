"""The ledger: what is written stays, and says what was paid."""

import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from qhu.errors import BudgetRefused, UserError
from qhu.hardware.ledger import Ledger
from qhu.hardware.questions import Answer, JobRequest


def request(tag="qhu:run:evaluate:0", keys=("a", "b"), estimate=10.0, run="run"):
    at = "2026-01-01T00:00:00+00:00"
    return JobRequest(tag, run, "evaluate", "dev", at, "planned", estimate, *[None] * 4, keys)


CONTENT = {"observables": [[["Z", 1.0]]], "values": [[0.0], [1.0]]}
ANSWER = Answer(np.array([[0.5, -0.5]]), np.array([[0.1, 0.2]]))


@pytest.fixture
def planned(ledger):
    ledger.plan(request(), [CONTENT, CONTENT])
    return ledger


def test_a_request_lives(planned):
    tag = request().tag
    assert planned.holder("a") == request() and planned.answer("a") is None
    assert not planned.is_asked("a") and planned.held() == 0
    assert planned.begin(tag, 100.0, "crn") == 30
    assert planned.held() == 42.5 and planned.held(without=tag) == 0
    planned.submitted(tag, "job")
    assert planned.is_asked("b") and planned.shapes(tag) == [(1, 2), (1, 2)]
    planned.keep("job", '{"text": 1}')
    planned.done(tag, [ANSWER, ANSWER])
    np.testing.assert_array_equal(planned.answer("b").errors, ANSWER.errors)
    assert planned.raw("job") == '{"text": 1}' and planned.held() == 42.5
    planned.settle("job", 9.5, {"usage": 9.5})
    assert planned.held() == 9.5 and planned.request(tag).state == "done"
    again = Ledger(planned.path)
    assert again.answer("a").means.tolist() == [[0.5, -0.5]]


def test_a_failed_request_is_begun_again(planned):
    tag = request().tag
    planned.begin(tag, 100, "crn")
    planned.submitted(tag, "first")
    planned.failed(tag, "system error")
    assert planned.request(tag).why == "system error" and planned.held() == 42.5
    planned.settle("first", 0.0, {})
    planned.begin(tag, 100, "crn")
    assert planned.request(tag).state == "planned" and planned.held() == 42.5
    planned.submitted(tag, "second")
    planned.doubled(tag, "third")
    assert {j["id"]: j["state"] for j in planned.jobs()} == {
        "first": "failed",
        "second": "submitted",
        "third": "double",
    }
    assert planned.held() == 85


def test_nothing_is_begun_above_the_budget(planned):
    with pytest.raises(BudgetRefused, match=r"17\.5 s are held, .*: 17\.4 s of max_qpu_seconds 17"):
        planned.begin(request().tag, 17.4, "crn")
    assert planned.request(request().tag).reserved is None
    assert planned.begin(request().tag, 17.9, "crn") == 10


def test_what_was_given_up_can_be_asked_otherwise(planned):
    planned.drop(request().tag)
    assert planned.holder("a") is None
    planned.plan(request("qhu:other", ("b", "c"), run="other"), [CONTENT, CONTENT])
    planned.plan(request(keys=("a",)), [CONTENT])
    assert planned.request(request().tag).state == "planned"


def test_a_placement_lasts_a_day_or_as_long_as_the_run(ledger):
    ledger.placements.keep("run", "circuit", "dev", b"old")
    assert ledger.placements.find("run", "circuit", "dev", "2000") == b"old"
    assert ledger.placements.find("other", "circuit", "dev", "2000") == b"old"
    assert ledger.placements.find("other", "circuit", "elsewhere", "2000") is None
    assert ledger.placements.find("run", "circuit", "dev", "2999") is None
    ledger.plan(request(), [CONTENT, CONTENT])  # now the run has asked something
    assert ledger.placements.find("run", "circuit", "dev", "2999") == b"old"
    ledger.placements.keep("run", "circuit", "dev", b"new")
    assert ledger.placements.find("run", "circuit", "dev", "2999") == b"old"


def test_every_change_is_synced(ledger):
    assert ledger.first("PRAGMA journal_mode")[0] == "wal"
    assert ledger.first("PRAGMA synchronous")[0] == 2


def test_a_full_disk_is_one_line_and_changes_nothing(planned):
    planned.first("PRAGMA max_page_count = 1")
    with pytest.raises(UserError, match=r"no space left for .*: free some and run again"):
        planned.done(
            request().tag,
            [Answer(np.random.default_rng(0).random((1, 9999)), ANSWER.errors)] * 2,
        )
    planned.first("PRAGMA max_page_count = 1000000")
    assert planned.request(request().tag).state == "planned"
    planned.note(request().tag, "still works")


def test_a_file_that_is_no_ledger_is_named(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"something else" * 100)
    with pytest.raises(UserError, match="is damaged"):
        Ledger(tmp_path / "ledger.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        Ledger(tmp_path / "file" / "ledger.db")


def test_two_processes_take_turns_and_a_killed_one_lets_go(ledger):
    held = (
        "import sys, time; from pathlib import Path; from qhu.hardware.ledger import Ledger\n"
        "with Ledger(Path(sys.argv[1])).alone():\n    print('mine', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", held, str(ledger.path)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "mine\n"
    lock = sqlite3.connect(ledger.path.with_suffix(".lock"), timeout=0, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        lock.execute("BEGIN EXCLUSIVE")
    other.kill()
    other.wait()
    begun = time.monotonic()
    with ledger.alone():
        assert time.monotonic() - begun < 30
