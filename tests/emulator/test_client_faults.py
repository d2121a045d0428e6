"""Every kind of fault, and how the unmodified client takes it."""

import logging
import time

import pytest
import qiskit_ibm_runtime.exceptions as errors
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ibm_runtime import Batch, Session
from qiskit_ibm_runtime.accounts import InvalidAccountError
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.executor_estimator import Estimator

from qhu.emulator.platform import Rules

SUBMIT = {"method": "POST", "path": "/jobs"}
POLL = {"method": "GET", "path": "/jobs/[^/]+"}
RESULTS = {"method": "GET", "path": "/jobs/[^/]+/results"}
TAG = "unique-tag"


@pytest.fixture
def platform(running, client):
    """The shared emulator; jobs of earlier tests forgotten, faults of this test gone after it."""
    for job in running.jobs():
        running._platform.store.jobs.remove(job["id"])
    yield running
    running.clear_faults()


@pytest.fixture
def backend(platform, client):
    return client(platform).backend("ibm_manila")


@pytest.fixture
def submit(pub):
    """Submits the same small job, tagged."""

    def submit(mode, **options):
        estimator = Estimator(mode, options={"resilience_level": 0})
        estimator.options.environment.job_tags = [TAG]
        for name, value in options.items():
            setattr(estimator.options, name, value)
        return estimator.run([pub()], precision=0.2)

    return submit


def values(job):
    return job.result(poll_interval=0.1)[0].data.evs


def stored(platform):
    return [job["id"] for job in platform.jobs()]


# Submission.


def test_an_error_before_acceptance_is_retried_without_harm(platform, backend, submit):
    platform.add_fault(do="status", status=500, times=2, **SUBMIT)
    job = submit(backend)
    assert stored(platform) == [job.job_id()]


def test_an_error_after_acceptance_makes_two_jobs_and_names_one(platform, backend, submit):
    platform.add_fault(do="status", status=504, when="after", **SUBMIT)
    job = submit(backend)
    assert len(stored(platform)) == 2
    assert stored(platform)[1] == job.job_id()
    assert len(backend.service.jobs(job_tags=[TAG])) == 2


def test_a_connection_lost_after_acceptance_leaves_an_orphan_to_be_found_by_tag(
    platform, backend, submit
):
    platform.add_fault(do="drop", when="after", **SUBMIT)
    with pytest.raises(errors.IBMRuntimeError, match="Failed to run program"):
        submit(backend)
    (orphan,) = backend.service.jobs(job_tags=[TAG])
    assert values(orphan).shape == (3, 2)


def test_a_connection_lost_before_acceptance_looks_the_same_and_leaves_nothing(
    platform, backend, submit
):
    platform.add_fault(do="drop", **SUBMIT)
    with pytest.raises(errors.IBMRuntimeError, match="Failed to run program"):
        submit(backend)
    assert backend.service.jobs(job_tags=[TAG]) == []


@pytest.mark.parametrize(
    ("status", "headers", "raised"),
    [
        (400, {}, errors.IBMRuntimeError),
        (401, {}, errors.IBMNotAuthorizedError),
        (404, {}, errors.RuntimeProgramNotFound),
        (429, {}, errors.IBMRuntimeError),
        (429, {"Retry-After": "1"}, errors.IBMRuntimeError),
    ],
)
def test_a_refused_submission_is_not_retried(platform, backend, submit, status, headers, raised):
    platform.add_fault(do="status", status=status, headers=headers, **SUBMIT)
    with pytest.raises(raised):
        submit(backend)
    assert stored(platform) == []


def test_a_refusal_may_have_a_body_of_its_own(platform, backend, submit):
    body = {"error": {"message": "too many tags", "code": 1204}}
    platform.add_fault(do="status", status=400, body=body, **SUBMIT)
    with pytest.raises(errors.IBMRuntimeError, match=r"too many tags, Error code: 1204"):
        submit(backend)


def test_too_many_requests_before_submission_is_another_error(platform, backend, submit):
    platform.add_fault(do="status", status=429, path="/instances/usage")
    with pytest.raises(RequestsApiError) as raised:
        submit(backend)
    assert raised.value.status_code == 429
    assert stored(platform) == []


# Polls and results.


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "drop", "times": 2, **POLL},
        {"do": "status", "status": 502, "times": 2, **POLL},
        {"do": "status", "status": 429, "headers": {"Retry-After": "1"}, **POLL},
        {"do": "slow", "seconds": 0.3, **POLL},
        {"do": "drop", **RESULTS},
        {"do": "slow", "seconds": 0.3, **RESULTS},
    ],
    ids=lambda fault: f"{fault['do']}-{fault.get('status', '')}-{fault['path'][-7:]}",
)
def test_what_the_client_bears(platform, backend, submit, fault):
    job = submit(backend)
    platform.add_fault(**fault)
    assert values(job).shape == (3, 2)


@pytest.mark.parametrize("status", [404, 429])
def test_a_failed_poll_ends_the_waiting_and_not_the_job(platform, backend, submit, status):
    job = submit(backend)
    platform.add_fault(do="status", status=status, **POLL)
    with pytest.raises(RequestsApiError):
        values(job)
    assert values(backend.service.job(job.job_id())).shape == (3, 2)


def test_a_poll_that_hangs_ignores_the_timeout(platform, backend, submit):
    job = submit(backend)
    platform.add_fault(do="hang", seconds=1, **POLL)
    asked = time.monotonic()
    job.result(timeout=0.2)  # no RuntimeJobTimeoutError: the only poll outlasts the timeout
    assert time.monotonic() - asked >= 1
    assert ("GET", f"/jobs/{job.job_id()}", 0) in platform.requests


@pytest.mark.parametrize(("do", "raised"), [("truncate", RequestsApiError), ("malform", TypeError)])
def test_spoilt_results_can_be_fetched_again(platform, backend, submit, do, raised):
    job = submit(backend)
    platform.add_fault(do=do, **RESULTS)
    with pytest.raises(raised):
        values(job)
    assert values(job).shape == (3, 2)


def test_results_of_a_private_job_are_given_once(platform, backend, pub):
    estimator = Estimator(backend, options={"resilience_level": 0})
    estimator.options.environment.private = True
    job = estimator.run([pub()], precision=0.2)
    assert values(job).shape == (3, 2)
    assert job.result() is None


# Tokens and instances.


def test_a_revoked_token_is_refused_until_the_service_is_made_anew(
    platform, backend, submit, client
):
    job = submit(backend)
    platform.add_fault(do="tokens_revoked", **POLL)
    with pytest.raises(errors.IBMNotAuthorizedError):
        for _ in range(100):
            job.result(poll_interval=0.1)
    assert values(client(platform).job(job.job_id())).shape == (3, 2)


@pytest.mark.filterwarnings("ignore:Unable to retrieve IBM Cloud access token")
def test_without_iam_an_expired_token_becomes_a_raw_key(start, client, submit):
    emulator = start(rules=Rules(token_life=5))  # the client asks anew 10 s before the end
    backend = client(emulator).backend("ibm_manila")
    job = submit(backend)
    emulator.add_fault(do="status", status=500, path="/identity/token", times=0)
    with pytest.raises(errors.IBMNotAuthorizedError):
        values(job)
    emulator.clear_faults()  # the same service would now wait for up to a minute
    assert values(client(emulator).job(job.job_id())).shape == (3, 2)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_device_list_refused_on_submission_looks_like_a_retired_device(
    platform, backend, submit, status
):
    platform.add_fault(do="status", status=status, path="/backends")
    with pytest.raises(QiskitBackendNotFoundError, match="No backend matches"):
        submit(backend)
    assert stored(platform) == []


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 400}])
def test_no_token_no_service(platform, client, fault):
    platform.add_fault(do="status", path="/identity/token", **fault)
    with pytest.raises(InvalidAccountError, match="valid API token"):
        client(platform)


def test_a_wrong_key_is_refused(platform, client, monkeypatch):
    monkeypatch.setattr(type(platform), "token", "wrong")
    with pytest.raises(InvalidAccountError, match="valid API token"):
        client(platform)


def test_a_foreign_instance_is_refused(platform, client, monkeypatch):
    monkeypatch.setattr(type(platform), "instance", platform.instance.replace("e0", "f0"))
    with pytest.raises(errors.IBMInputValueError, match="does not have access"):
        client(platform)


def test_an_instance_that_may_not_list_devices_is_only_warned_about(platform, client, caplog):
    # qhu mutes the client for the whole process: another test may have run it.
    caplog.set_level(logging.WARNING, "qiskit_ibm_runtime")
    platform.add_fault(do="status", status=403, path="/backends")
    client(platform)
    assert "Invalid instance" in caplog.text


# Devices.


def test_an_unknown_device(backend):
    with pytest.raises(QiskitBackendNotFoundError, match="No backend matches"):
        backend.service.backend("ibm_nowhere")


def test_a_device_retired_meanwhile_keeps_its_jobs(start, client, submit):
    emulator = start()
    service = client(emulator)
    job = submit(service.backend("ibm_manila"))
    values(job)
    emulator.add_fault(do="retired", **POLL)
    found = service.job(job.job_id())
    assert found.result()[0].data.evs.shape == (3, 2)
    with pytest.raises(QiskitBackendNotFoundError):
        client(emulator).backend("ibm_manila")


def test_jobs_wait_while_a_device_is_maintained(start, client, submit):
    emulator = start()
    backend = client(emulator).backend("ibm_manila")
    emulator.add_fault(do="maintenance", path="/instances/usage")
    job = submit(backend)
    assert not backend.status().operational
    assert backend.status().status_msg == "maintenance"
    time.sleep(0.3)
    assert job.status() == "QUEUED"
    emulator.add_fault(do="online", **POLL)
    assert values(job).shape == (3, 2)


def test_a_maintenance_may_end_by_itself(start, client, submit):
    emulator = start(faults=[{"do": "maintenance", "seconds": 0.5, **SUBMIT}])
    job = submit(client(emulator).backend("ibm_manila"))
    assert values(job).shape == (3, 2)


def test_a_calibration_between_two_jobs_changes_properties_and_noise(start, client, submit):
    emulator = start()
    backend = client(emulator).backend("ibm_manila")
    first = submit(backend)
    values(first)
    emulator.add_fault(do="recalibrate", **SUBMIT)
    second = submit(backend)
    values(second)
    before, after = first.properties(), second.properties(refresh=True)
    assert after.last_update_date > before.last_update_date
    assert after.t1(0) != before.t1(0)
    assert after.readout_error(0) != before.readout_error(0)
    assert [job.metrics()["emulator"]["calibration"] for job in (first, second)] == [0, 1]
    assert (values(first) != values(second)).any()


# Sessions.


def test_the_open_plan_has_no_sessions(backend):
    with pytest.raises(RequestsApiError, match="1352"):
        Session(backend)


def test_a_session_closed_by_the_platform_takes_no_job(start, client, submit):
    emulator = start(rules=Rules(plan="paygo", queue_seconds=0))
    with Session(client(emulator).backend("ibm_manila")) as session:
        emulator.add_fault(do="session_closed", path="/instances/usage")
        with pytest.raises(errors.IBMRuntimeError, match="1217"):
            submit(session)


def test_jobs_left_at_the_end_of_a_batch_fail(start, client, submit):
    emulator = start(rules=Rules(max_ttl=0.5, queue_seconds=60))
    batch = Batch(client(emulator).backend("ibm_manila"))
    with pytest.raises(errors.RuntimeJobFailureError, match="closed before"):
        values(submit(batch))


def test_leaving_a_batch_can_fail(platform, backend, submit):
    platform.add_fault(do="status", status=500, method="PATCH")
    with pytest.raises(errors.IBMRuntimeError, match="Error closing session"), Batch(backend):
        pass


# The end of a job.


@pytest.mark.parametrize(
    ("do", "raised"),
    [
        ("job_failed", errors.RuntimeJobFailureError),
        ("job_cancelled", errors.RuntimeInvalidStateError),
        ("job_max_time", errors.RuntimeJobMaxTimeoutError),
    ],
)
def test_a_job_ends_badly(platform, backend, submit, do, raised):
    platform.add_fault(do=do, **SUBMIT)
    with pytest.raises(raised):
        values(submit(backend))


def test_a_job_longer_than_allowed_is_charged_its_limit(platform, backend, submit):
    job = submit(backend, max_execution_time=1)  # a job takes 2 seconds and more
    with pytest.raises(errors.RuntimeJobMaxTimeoutError):
        values(job)
    assert job.usage() == 1


def test_a_cancelled_job_is_free_while_it_waits(start, client, submit):
    emulator = start(rules=Rules(queue_seconds=60, settle_seconds=0))
    job = submit(client(emulator).backend("ibm_manila"))
    job.cancel()
    assert job.usage() == 0
    with pytest.raises(errors.RuntimeInvalidStateError):
        job.cancel()


def test_a_cancelled_job_is_charged_if_it_ran(start, client, submit):
    emulator = start(rules=Rules(queue_seconds=0, settle_seconds=0, pace=60))
    job = submit(client(emulator).backend("ibm_manila"))
    while job.status() != "RUNNING":
        time.sleep(0.05)
    job.cancel()
    assert job.usage() == pytest.approx(job.usage_estimation["quantum_seconds"])
    assert job.usage() > 2


@pytest.mark.filterwarnings("ignore:This instance has met its usage limit")
def test_jobs_wait_when_the_usage_limit_is_reached(start, client, submit):
    emulator = start(rules=Rules(usage_limit=3, queue_seconds=0, settle_seconds=0))
    backend = client(emulator).backend("ibm_manila")
    values(submit(backend))
    values(submit(backend))  # beyond the limit, but it was not reached when the job began
    assert backend.service.usage()["usage_remaining_seconds"] == 0
    with pytest.warns(UserWarning, match="met its usage limit"):
        job = submit(backend)
    time.sleep(0.3)
    assert job.status() == "QUEUED"


def test_the_usage_limit_by_script(start, client, submit):
    fault = {"do": "usage_limit", "seconds": 0.5, "path": "/instances/usage"}
    emulator = start(faults=[fault])
    with pytest.warns(UserWarning, match="no more time available"):
        backend = client(emulator).backend("ibm_manila")
        submit(backend)
        job = submit(backend)
    assert values(job).shape == (3, 2)
