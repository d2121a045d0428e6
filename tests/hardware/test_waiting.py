"""Calls that hang, fail for a moment, or are refused."""

import threading

import pytest
import requests
from qiskit.exceptions import QiskitError
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import IBMNotAuthorizedError, IBMRuntimeError

from qhu.hardware.waiting import (
    Patience,
    Unreachable,
    definite,
    patiently,
    retry_after,
    status,
    unsent,
    within,
)

DATE = "Wed, 21 Oct 2026 07:28:12 GMT"
QUICK = Patience(call=0.2, total=1.0, pause=0.01)


def failing(*errors):
    left = iter(errors)

    def call():
        for error in left:
            raise error
        return "answer"

    return call


def test_a_call_that_hangs_is_left_behind():
    stuck = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, stuck.wait)
    assert within(5, lambda: "answer") == "answer"
    stuck.set()


@pytest.mark.parametrize(
    "error",
    [
        RequestsApiError("503", -1),
        RequestsApiError("slow down", 429),
        RequestsApiError("bad gateway", 502),
        IBMNotAuthorizedError("401 Client Error"),
        ConnectionError("reset"),
        ValueError("half a document"),
        KeyError("state"),
    ],
)
def test_what_may_pass_is_tried_again(error):
    renewed = []
    found = patiently(failing(error, error), QUICK, lambda: renewed.append(1))
    assert (found, len(renewed)) == ("answer", 2)


@pytest.mark.parametrize("code", [400, 403, 404, 409])
def test_what_is_refused_is_not(code):
    calls = []

    def call():
        calls.append(1)
        raise RequestsApiError(f"{code} Client Error: for url", code)

    with pytest.raises(RequestsApiError):
        patiently(call, QUICK, lambda: None)
    assert len(calls) == 1


def test_patience_ends():
    with pytest.raises(Unreachable, match="no usable answer for 1 s") as caught:
        patiently(failing(*[ConnectionError("reset")] * 1000), QUICK, lambda: None)
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_a_mistake_of_ours_is_no_failure_of_the_platform():
    with pytest.raises(ZeroDivisionError):
        patiently(lambda: 1 / 0, QUICK, lambda: None)


def test_code_of_ours_that_stumbles_is_no_failure_of_the_platform():
    """The client raises the same kinds over damaged answers; whose code it was tells them apart."""
    ours = eval("lambda: {}['usage']", {"__name__": "qhu.hardware.reading"})
    calls = []
    with pytest.raises(KeyError):
        patiently(lambda: (calls.append(1), ours()), QUICK, lambda: None)
    assert len(calls) == 1


def test_the_status_is_found_in_the_text():
    wrapped = IBMRuntimeError("Failed to run program: '400 Client Error: Bad Request for url: …'")
    assert status(wrapped) == 400 and definite(wrapped)
    assert status(RequestsApiError("gone", -1)) is None
    assert status(ValueError("job 404")) is None


def answered(status, **headers):
    """What the client raises for an answer: its own error, the HTTP library's behind it."""
    response = requests.Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    try:
        try:
            response.raise_for_status()
        except requests.RequestException as error:
            raise QiskitError(f"Failed to run program: {error}") from None
    except QiskitError as error:
        return error


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": DATE, "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 12.0),
        ({"Retry_After": DATE, "Date": "Wed, 21 Oct 2026 09:00:00 GMT"}, 0.0),
        ({"Retry_After": "soon"}, None),
        ({}, None),
    ],
)
def test_when_to_come_back(headers, seconds):
    assert retry_after(answered(429, **headers)) == seconds


@pytest.mark.parametrize(("status", "turned_away"), [(401, True), (429, True), (504, False)])
def test_a_request_that_was_turned_away_did_nothing(status, turned_away):
    assert unsent(answered(status)) is turned_away


def test_a_request_that_nobody_took_was_not_sent():
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get("http://127.0.0.1:9", timeout=5)
    assert unsent(caught.value) and retry_after(caught.value) is None
