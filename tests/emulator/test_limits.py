"""Odd, slow, huge and hostile requests: each is refused, and no other client waits for it."""

import os
import re
import socket
import stat
import struct
import time

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qhu.emulator import Emulator, connections
from qhu.emulator.platform import CRN


@pytest.fixture(autouse=True)
def _no_traceback(capfd):
    """Whatever was sent, nothing is printed."""
    yield
    out, errors = capfd.readouterr()
    assert "Traceback" not in out + errors


@pytest.fixture
def open_socket(running):
    opened = []

    def open_socket():
        port = int(running.url.rpartition(":")[2])
        opened.append(socket.create_connection(("127.0.0.1", port), timeout=20))
        return opened[-1]

    yield open_socket
    for item in opened:
        item.close()


@pytest.fixture
def exchange(open_socket):
    """Sends bytes; gives all that comes back until the end."""

    def exchange(*parts):
        connection = open_socket()
        for part in parts:
            connection.sendall(part)
        received = b""
        while part := connection.recv(2**16):
            received += part
        return received

    return exchange


@pytest.fixture(scope="module")
def headers(running):
    form = {"grant_type": "apikey", "apikey": running.token}
    token = requests.post(f"{running.url}/identity/token", data=form, timeout=5).json()
    return {"Authorization": f"Bearer {token['access_token']}", "Service-CRN": CRN}


@pytest.fixture
def alive(running, headers):
    """Another client is answered."""

    def alive():
        reply = requests.get(f"{running.url}/api/v1/backends", headers=headers, timeout=5)
        return reply.status_code == 200

    return alive


def post(*lines, body=b""):
    head = ("POST /api/v1/jobs HTTP/1.1", "Host: localhost", *lines)
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Content-Length: -1"], 400),
        (["Content-Length: +5"], 400),
        (["Content-Length: five"], 400),
        (["Content-Length: 1_0"], 400),
        (["Content-Length: 5", "Content-Length: 6"], 400),
        (["Content-Length: "], 400),
        ([f"Content-Length: {10**12}"], 413),
        ([f"Content-Length: {'9' * 5000}"], 413),
        (["Transfer-Encoding: chunked"], 411),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], 411),
        ([f"X: {'y' * 70_000}"], 431),
        ([f"X-{k}: y" for k in range(200)], 431),
    ],
)
def test_what_a_head_may_not_say(exchange, alive, lines, status):
    reply = exchange(post(*lines), b"")
    assert reply.split(b" ")[1] == str(status).encode()
    assert alive()


def test_a_body_is_refused_before_it_is_sent_in_full(running, headers):
    def endless():
        for _ in range(4):
            yield b"x" * 2**20

    sent = {**headers, "Content-Length": str(10**10)}
    try:
        reply = requests.post(f"{running.url}/api/v1/jobs", data=endless(), headers=sent, timeout=9)
        assert reply.status_code in (411, 413)
    except requests.ConnectionError:
        pass  # the client may be told while it sends


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/9.9",
        b"nonsense",
        b"\x00\xff\xfe",
        b"HEAD /api/v1/jobs HTTP/1.1",
        b"TRACE / HTTP/1.1",
        b"GET //[ HTTP/1.1",
        b"GET /api/v1/jobs/%00%ff/../../../etc/passwd HTTP/1.1",
        b"GET " + b"/x" * 40_000 + b" HTTP/1.1",
        b"GET http://evil/api/v1/jobs HTTP/1.1",
    ],
)
def test_request_lines_that_are_none(exchange, alive, line):
    reply = exchange(line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status = re.search(rb"HTTP/1.1 (\d+)|Error code: (\d+)", reply)
    assert int(status[1] or status[2]) in (400, 401, 403, 404, 414, 501, 505)
    assert alive()


@pytest.mark.parametrize(
    "cut", [b"", b"POST", post("Content-Length: 10")[:-2], post("Content-Length: 10")]
)
def test_clients_that_leave_midway(open_socket, alive, cut):
    connection = open_socket()
    connection.sendall(cut)
    # Reset instead of a tidy end.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    assert alive()


@pytest.mark.parametrize("start", [b"", b"GET / HT", post("Content-Length: 99", body=b"x")])
def test_a_client_that_trickles_is_let_go(open_socket, alive, monkeypatch, start):
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.5)
    connection = open_socket()
    connection.settimeout(0.05)
    received, number = None, 0
    try:
        connection.sendall(start)
        while received != b"" and number < 400:
            if start:
                connection.sendall(b"x")
            try:
                received = connection.recv(1)
            except TimeoutError:
                number += 1
    except ConnectionError:
        received = b""
    assert received == b"" and alive()


def test_more_connections_than_there_is_room_for(open_socket, alive, monkeypatch):
    """The oldest that says nothing makes room: nobody is locked out."""
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 20)
    silent = [open_socket() for _ in range(40)]
    assert alive()
    silent[0].settimeout(5)
    assert silent[0].recv(1) == b""


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"params": ' + b'{"a":' * 50_000,
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"program_id": ["sampler"], "backend": "ibm_manila"}',
        b'{"program_id": "sampler", "backend": {"a": 1}}',
        b'{"program_id": "sampler", "backend": "ibm_manila", "cost": "much"}',
        b'{"program_id": "sampler", "backend": "ibm_manila", "cost": NaN}',
        b'{"program_id": "sampler", "backend": "ibm_manila", "tags": [1, {}]}',
        b'{"program_id": "sampler", "backend": "ibm_manila", "session_id": 5}',
        b'{"program_id": "sampler", "backend": "ibm_manila", "tags": ["\\ud800"]}',
        b'{"program_id": "sampler", "backend": "ibm_manila", "calibration_id": "-1"}',
        b'{"program_id": "sampler", "backend": "ibm_manila", "params": {"pubs": 5}}',
        b'{"program_id": "sampler", "backend": "ibm_manila", "cost": ' + b"9" * 6000 + b"}",
    ],
)
def test_submissions_that_are_none(running, headers, body):
    reply = requests.post(f"{running.url}/api/v1/jobs", data=body, headers=headers, timeout=20)
    assert reply.status_code in (400, 404)
    assert len(reply.json()["errors"][0]["message"]) < 600


@given(
    params=st.recursive(
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["pubs", "options", "shots", "__type__", "__value__", "schema_version"]
                ),
                inner,
            )
        ),
        max_leaves=12,
    ),
    program=st.sampled_from(["sampler", "estimator", "executor"]),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_programs_of_any_content_are_refused_or_taken(running, headers, params, program):
    body = {"program_id": program, "backend": "ibm_manila", "params": params}
    reply = requests.post(f"{running.url}/api/v1/jobs", json=body, headers=headers, timeout=20)
    assert reply.status_code in (200, 400)


@pytest.mark.parametrize(
    "path",
    [
        "jobs?limit=many",
        "jobs?limit=-1",
        "jobs?offset=1e9",
        "jobs?created_after=yesterday",
        "jobs?created_before=9999-99-99",
        "backends/ibm_manila/properties?updated_before=0",
        "backends/ibm_manila/properties?calibration_id=x",
        "backends/ibm_manila/configuration?calibration_id=%C2%B2",
        "backends/%2e%2e/configuration",
    ],
)
def test_addresses_that_ask_for_nonsense(running, headers, path):
    reply = requests.get(f"{running.url}/api/v1/{path}", headers=headers, timeout=5)
    assert reply.status_code in (400, 404)


@pytest.mark.parametrize(
    "value", [b"Bearer \xff\xfe.b.c", b"Bearer", b"Bearer ..", b"\xe9", b"Bearer " + b"x" * 9000]
)
def test_tokens_that_are_none(exchange, value):
    head = b"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: "
    assert b" 401 " in exchange(head + value + b"\r\n\r\n")


def test_a_form_of_any_bytes_gets_no_token(exchange):
    head = b"POST /identity/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    assert b" 400 " in exchange(head + b"Content-Length: 4\r\n\r\n\xff\xfe\xfd=")


def test_its_folder_is_its_owners_alone(tmp_path):
    folder = tmp_path / "state"
    mask = os.umask(0)
    try:
        with Emulator("fake_manila", state=folder):
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    finally:
        os.umask(mask)
    assert set(modes.values()) == {0o600} and "emulator.sqlite" in modes
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_of_an_earlier_release_is_taken(tmp_path):
    import sqlite3

    from qhu.emulator.store import Job, PlatformStore

    folder = tmp_path / "state"
    with Emulator("fake_manila", state=folder) as emulator:
        store = emulator._platform.store
        store.jobs.add(Job("a", "ibm_manila", "sampler", "{}", "[]", "", False, 1, 1, 1, "Failed"))
    with sqlite3.connect(folder / "emulator.sqlite") as connection:
        connection.execute("ALTER TABLE Job DROP COLUMN pinned")
    store = PlatformStore(folder)
    assert store.jobs.get("a").pinned == -1
    store.close()


def test_silence_before_a_request_is_no_fault(running, headers):
    with requests.Session() as session:
        for _ in range(2):
            reply = session.get(f"{running.url}/api/v1/backends", headers=headers, timeout=5)
            assert reply.status_code == 200
            time.sleep(0.1)
