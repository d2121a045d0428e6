"""Calls that hang, fail for a moment, or are refused."""

import threading

import pytest
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import IBMNotAuthorizedError, IBMRuntimeError

from qhu.hardware.waiting import Patience, Unreachable, definite, patiently, status, within

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
