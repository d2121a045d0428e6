"""A key that is not accepted is told at the first try, and no key is ever printed or kept."""

import logging
import os
import re
import socket
import warnings
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from listener import Listener, http

from qhu.emulator import Emulator
from qhu.errors import UserError
from qhu.hardware.access import Access, redirected
from qhu.hardware.account import Account
from qhu.hardware.waiting import Patience, Unreachable
from qhu.redaction import keep_secret, redact

KEY = "marker+key/0123456789"
RUN = ("run", "tiny.yaml", "--backend", "ibm_manila", "--yes", "--max-qpu-seconds", "9")
TOKEN = "/identity/token"


@pytest.fixture(autouse=True)
def _alone(tiny, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.startswith("QISKIT_IBM"):
            monkeypatch.delenv(name)
    connect = socket.socket.connect

    def guarded(self, address):
        assert not isinstance(address, tuple) or address[0] == "127.0.0.1"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def stranger(request):
    """Another emulator, which answers everything with the same error, and with the key in it."""

    def stranger(status):
        body = f'{{"errors": [{{"code": "1", "message": "no such key {KEY} {quote(KEY)}"}}]}}'
        made = Listener(http(status, body))
        request.addfinalizer(made.close)
        return made

    return stranger


def account(emulator, seconds, token=None):
    access = Access(emulator.url, token or Emulator.token, Emulator.instance)
    return Account(access, Patience(total=seconds, pause=0.05), lambda line: None)


def asked(emulator):
    return [status for _, path, status in emulator.requests if path == TOKEN]


def test_a_wrong_key_is_told_at_the_first_try(qhu, start, monkeypatch):
    emulator = start()
    monkeypatch.setenv("QISKIT_IBM_TOKEN", KEY)
    status, _, errors = qhu(*RUN, "--emulator", emulator.url)
    assert status == 2 and re.fullmatch(r"qhu: the account is not accepted [^\n]+\n", errors)
    assert "could not be found" in errors and KEY not in errors
    assert asked(emulator) == [400]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
@pytest.mark.parametrize("path", [TOKEN, "/v3/resources/search"])
def test_a_refusal_is_told_at_the_first_try(start, status, path):
    emulator = start(faults=[{"do": "status", "status": status, "path": path, "times": 0}])
    opened = account(emulator, 60)
    with redirected(opened.access), pytest.raises(UserError, match="the account is not accepted"):
        opened.devices()
    assert [seen for _, where, seen in emulator.requests if where == path] == [status]


@pytest.mark.parametrize(
    "fault",
    [
        *({"do": "status", "status": status} for status in (500, 503, 429)),
        *({"do": do} for do in ("drop", "malform")),
    ],
)
def test_an_identity_service_that_fails_for_a_moment_is_waited_for(start, fault):
    emulator = start(faults=[{"path": TOKEN, "times": 2, **fault}])
    opened = account(emulator, 60)
    with redirected(opened.access):
        assert [device.name for device in opened.devices()] == ["ibm_manila"]


def test_an_identity_service_that_is_down_is_no_wrong_key(start):
    emulator = start(faults=[{"do": "status", "status": 503, "path": TOKEN, "times": 0}])
    opened = account(emulator, 0.5)
    with redirected(opened.access), pytest.raises(Unreachable, match=r"Status code: 503") as caught:
        opened.devices()
    assert len(asked(emulator)) > 1 and caught.value.exit_code == 1
    emulator.stop()
    with redirected(opened.access), pytest.raises(Unreachable, match="run the same command again"):
        opened.devices()


def test_an_instance_that_two_share_is_not_guessed(start, monkeypatch):
    from qhu.emulator.http import routes

    emulator = start()
    listed = routes.find

    def twice(request):
        route, ids = listed(request)
        if "search" not in request.path:
            return route, ids

        def answer(*arguments):
            (instance,) = route.answer(*arguments)["items"]
            return {"items": [instance, instance | {"crn": instance["crn"].replace("e0", "e1")}]}

        return replace(route, answer=answer), ids

    monkeypatch.setattr(routes, "find", twice)
    opened = Account(
        Access(emulator.url, Emulator.token, "emulated"), Patience(total=5), lambda line: None
    )
    with redirected(opened.access), pytest.raises(UserError, match="several instances are called"):
        opened.devices()


# -- nothing is printed or kept --------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 500, 503])
@pytest.mark.parametrize("command", [RUN, ("plan", "tiny.yaml", "--backend", "auto"), ("doctor",)])
def test_no_key_is_printed_logged_or_kept(
    qhu, stranger, monkeypatch, caplog, tmp_path, status, command
):
    from qhu.hardware import account

    monkeypatch.setattr(account, "OPENING", 0.2)
    monkeypatch.setenv("QISKIT_IBM_TOKEN", KEY)
    caplog.set_level(logging.DEBUG)
    server = stranger(status)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        code, printed, errors = qhu(*command, "--emulator", server.url)
    assert code in (1, 2) and server.heard
    texts = [printed, errors, caplog.text, *(str(entry.message) for entry in warned)]
    kept = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    for key in (KEY, quote(KEY, safe=""), quote(KEY)):
        assert not any(key in text for text in texts)
        assert not any(key.encode() in content for content in kept)


def test_an_unexpected_error_is_shown_without_a_key(qhu, start, monkeypatch):
    emulator = start()
    monkeypatch.setenv("QISKIT_IBM_TOKEN", KEY)

    def broken(self, *_):
        raise RuntimeError(f"apikey {KEY}")

    monkeypatch.setattr(Account, "_open", broken)
    status, printed, errors = qhu(*RUN, "--emulator", emulator.url)
    assert status == 1 and "RuntimeError: apikey …" in errors and "Traceback" in errors
    assert KEY not in printed + errors


def test_no_account_shows_its_key():
    opened = Account(Access("http://127.0.0.1:1", KEY), Patience(), lambda line: None)
    assert KEY not in f"{opened!r} {opened.access!r} {opened.credentials!r} {vars(opened)}"


def test_keys_and_tokens_are_taken_out_of_a_text():
    keep_secret(KEY)
    keep_secret(KEY + "-longer")
    token = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjF9.c2lnbmF0dXJl"
    text = f"{KEY}-longer {KEY} {quote(KEY, safe='')} Bearer {token}"
    assert redact(text) == "… … … Bearer …"
    assert not Path("ledger").exists()
