"""What the platform does on request, by rule, as a platform may: each through the real client."""

import math
import time
from email.utils import parsedate_to_datetime

import pytest
import requests
from qiskit_ibm_runtime.exceptions import IBMRuntimeError
from qiskit_ibm_runtime.executor_estimator import Estimator

from qhu.emulator.platform import CRN, Rules


@pytest.fixture
def platform(running):
    """The shared emulator without jobs; its rules are as before after the test."""
    before = running._platform.rules
    for job in running.jobs():
        running._platform.store.jobs.remove(job["id"])
    yield running
    running._platform.rules = before


@pytest.fixture
def submit(platform, client, pub):
    backend = client(platform).backend("ibm_manila")

    def submit(tag="tag", limit=None, done=True):
        estimator = Estimator(backend, options={"resilience_level": 0})
        estimator.options.environment.job_tags = [tag]
        estimator.options.max_execution_time = limit
        job = estimator.run([pub()], precision=0.2)
        if done:
            job.wait_for_final_state(poll_interval=0.02)
        return job

    return submit


@pytest.mark.parametrize(
    ("limit", "status", "charged"), [(10, "DONE", 14.0), (1, "ERROR", 3.2), (None, "DONE", 0)]
)
def test_a_limit_is_overshot(platform, submit, limit, status, charged):
    platform.change_rules(overshoot_factor=1.2, overshoot_seconds=2.0)
    job = submit(limit=limit)
    expected = charged or 1.2 * job.usage_estimation["quantum_seconds"] + 2
    assert (job.status(), job.usage()) == (status, pytest.approx(expected, abs=1e-3))
    assert platform.jobs()[0]["usage"]["seconds"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("how", "entry"),
    [
        ("never", {"qpu_charge_time_seconds": 0, "status": "pending"}),
        ("missing", "missing"),
        ("null", None),
        ("null_figure", {"qpu_charge_time_seconds": None, "status": "complete"}),
        ("negative", {"qpu_charge_time_seconds": -5002.013, "status": "complete"}),
        ("text", {"qpu_charge_time_seconds": "2.013 s", "status": "complete"}),
        ("other_fields", {"quantum_seconds": 2.013, "billed": 2.013, "state": "final"}),
    ],
)
def test_usage_is_reported_oddly_and_charged_as_ever(platform, submit, how, entry):
    platform.change_rules(usage=how)
    job = submit()
    assert job.metrics().get("usage", "missing") == entry
    assert platform.jobs()[0]["usage"]["seconds"] == pytest.approx(2.013, abs=0.01)
    assert job.result(poll_interval=0.02)


def test_usage_that_is_no_number(platform, submit):
    platform.change_rules(usage="nan")
    assert math.isnan(submit().usage())


def test_usage_is_complete_with_nothing_and_corrected_later(platform, submit):
    platform.change_rules(usage="zero_first", settle_seconds=1e9)
    job = submit()
    assert job.metrics()["usage"] == {"qpu_charge_time_seconds": 0, "status": "complete"}
    platform.change_rules(settle_seconds=0)
    assert job.usage() > 2


def test_usage_comes_late(platform, submit):
    platform.change_rules(settle_seconds=math.inf)
    job = submit()
    assert job.metrics()["usage"]["status"] == "pending"
    platform.change_rules(settle_seconds=0)
    assert job.metrics()["usage"]["status"] == "complete"


def test_tags_are_seen_and_found_late(platform, submit, client):
    platform.change_rules(tags_seconds=1e6)
    job = submit()
    service = client(platform)
    assert service.jobs(job_tags=["tag"]) == []
    assert [(item.job_id(), item.tags) for item in service.jobs()] == [(job.job_id(), [])]
    assert service.job(job.job_id()).tags == []
    platform.change_rules(tags_seconds=0)
    assert [item.tags for item in service.jobs(job_tags=["tag"])] == [["tag"]]


@pytest.mark.parametrize("rule", ["newest_first", "oldest_first", "shuffled"])
@pytest.mark.parametrize("descending", [True, False])
def test_listings_come_in_an_order_of_their_own(platform, submit, client, rule, descending):
    ids = [submit(done=False).job_id() for _ in range(3)]
    order = {"newest_first": ids[::-1], "oldest_first": ids, "shuffled": sorted(ids)}[rule]
    platform.change_rules(listing=rule)
    listed = client(platform).jobs(descending=descending)
    assert [job.job_id() for job in listed] == order


@pytest.mark.parametrize("header", ["seconds", "date", "none"])
def test_submissions_are_limited_within_a_window(platform, submit, header):
    platform.change_rules(submissions=2, submission_window=60.0, retry_after=header)
    for _ in range(2):
        submit(done=False)
    form = {"grant_type": "apikey", "apikey": platform.token}
    token = requests.post(f"{platform.url}/identity/token", data=form, timeout=5).json()
    reply = requests.post(
        f"{platform.url}/api/v1/jobs",
        json={"program_id": "sampler", "backend": "ibm_manila", "params": {}},
        headers={"Authorization": f"Bearer {token['access_token']}", "Service-CRN": CRN},
        timeout=5,
    )
    assert reply.status_code == 429
    after = reply.headers.get("Retry-After")
    if header == "seconds":
        assert 50 < int(after) <= 60
    elif header == "date":
        assert 50 < parsedate_to_datetime(after).timestamp() - time.time() <= 61
    else:
        assert after is None
        with pytest.raises(IBMRuntimeError, match="At most 2 jobs are accepted in 60 seconds"):
            submit()
    platform.change_rules(submission_window=1e-3)
    submit(done=False)


def test_a_job_is_accepted_and_denied_three_times_in_a_row(platform, submit):
    """The client repeats a submission after 5xx; the last of its tries is the one it knows."""
    platform.add_fault(do="status", status=504, when="after", method="POST", path="/jobs", times=3)
    job = submit(done=False)
    assert [item["id"] for item in platform.jobs()][3:] == [job.job_id()]


def test_rules_are_those_of_the_docs():
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs/emulator.md").read_text()
    table = page.split("## Rules")[1].split("**Quantum time**")[0]
    assert {name for name in Rules.__dataclass_fields__ if f"| `{name}`" not in table} == set()
