"""The ledger in words, and what the doctor finds."""

import json
from pathlib import Path

import pytest

from qhu.commands.jobs import lines
from qhu.hardware.access import Access
from qhu.hardware.ledger import Ledger


@pytest.fixture
def kept(tmp_path, monkeypatch, dispatcher, platform, questions):
    """A working folder whose ledger holds one finished request and one that failed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "QISKIT_IBM_TOKEN", "IAM_URL", "QISKIT_IBM_URL"):
        monkeypatch.delenv(name, raising=False)
    book = Ledger(Access().ledger)
    made = dispatcher(book)
    made.answer(questions(2))
    made.usage.settle()
    tag = made._plan(questions(1, first=9))
    book.begin(tag, 100, "crn")
    book.submitted(tag, "lost")
    return book, tag


def test_jobs_are_listed_and_explained(kept, qhu):
    code, out, _ = qhu("jobs")
    assert code == 0 and "done      job0 on ibm_here: 2 models" in out
    assert "submitted lost" in out and "s of device time used or held" in out
    listed = json.loads(qhu("jobs", "--json")[1])
    assert [row["state"] for row in listed] == ["done", "submitted"]
    code, out, _ = qhu("jobs", "lost")
    assert code == 0 and "run the same command again" in out and "usage not known" in out
    code, _, errors = qhu("jobs", "nothing")
    assert code == 2 and "knows no request or job 'nothing'" in errors


def test_a_lost_job_can_be_given_up(kept, qhu):
    book, tag = kept
    assert qhu("jobs", tag, "--give-up")[0] == 0
    assert book.request(tag).state == "failed"
    code, _, errors = qhu("jobs", "job0", "--give-up")
    assert code == 2 and "answered already" in errors


def test_the_doctor_says_what_to_mend(kept, qhu, tmp_path):
    Path("backends.yaml").write_text("ibm: {kind: ibm, max_qpu_seconds: 50}")
    code, out, _ = qhu("doctor")
    assert code == 1
    assert "NO  IBM account: no IBM account: save one once with" in out
    words = " ".join(out.split())
    assert f"ok ledger: {tmp_path}/.local/share/qhu/ibm.db" in words and "ok budget:" in words
    Path("backends.yaml").write_text("ibm: {kind: ibm}")
    assert "NO  budget: none" in qhu("doctor")[1]
    assert len(kept[0].requests()) == 2


def test_a_listing_asks_the_ledger_as_often_for_many_requests_as_for_few(
    kept, dispatcher, questions
):
    """43 s at 100,000 requests: each was a question to the ledger of its own."""
    book, _ = kept

    def asked():
        queries = []
        book._db.set_trace_callback(queries.append)
        listed = lines(book), book.requests()
        book._db.set_trace_callback(None)
        assert len(listed[0]) == len(listed[1]) + 1
        return len(queries)

    few = asked()
    for number in range(30):
        dispatcher(book)._plan(questions(1, first=100 + number))
    assert asked() == few


def test_no_query_reads_a_whole_table_for_one_request(kept):
    book, _ = kept
    for query in (
        "SELECT id FROM jobs WHERE tag = 'x'",
        "SELECT id FROM jobs WHERE used IS NULL AND state <> 'submitted'",
        "SELECT id FROM jobs WHERE tag IN (SELECT tag FROM requests WHERE run = 'x')",
        "SELECT tag FROM requests WHERE state = 'submitted' AND device = 'x'",
        "SELECT what FROM events WHERE tag = 'x' ORDER BY rowid",
        "SELECT key FROM questions WHERE tag = 'x' ORDER BY place",
    ):
        plan = [row["detail"] for row in book.all(f"EXPLAIN QUERY PLAN {query}")]
        assert not any(step.startswith("SCAN") for step in plan), (query, plan)
