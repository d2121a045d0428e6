"""Which account is meant: what is damaged or not plain is one line that names file or variable."""

import json
import os
import re
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhu.errors import UserError

KEY = "marker-key-0123456789"
CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/0:1::"
FILE = "~/.qiskit/qiskit-ibm.json"
RUN = ("run", "tiny.yaml", "--backend", "ibm_fez", "--yes", "--max-qpu-seconds", "1")
MINE = {"token": KEY, "channel": "ibm_quantum_platform"}


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    """An empty home and no account; nothing leaves this process."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in list(os.environ):
        if name.startswith("QISKIT_IBM") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)

    def nowhere(*_):
        raise OSError("a test connects")

    monkeypatch.setattr(socket.socket, "connect", nowhere)
    monkeypatch.setattr(socket, "getaddrinfo", nowhere)


def save(content):
    file = Path(FILE).expanduser()
    file.parent.mkdir(exist_ok=True)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(json.dumps(content))


DAMAGED = {
    "cut": (b'{"default-ibm-quantum-platform": {"tok', "no JSON"),
    "empty": (b"", "no JSON"),
    "no text": (b"\xff\xfe\x00", "no JSON"),
    "deep": (b"[" * 100_000, "no JSON"),
    "a name twice": (b'{"mine": {"token": "a"}, "mine": {"token": "b"}}', "a name twice"),
    "list": ([1], "as a whole"),
    "number": (3, "as a whole"),
    "null": (None, "as a whole"),
    "account is a word": ({"mine": "word"}, "mine"),
    "account is a list": ({"mine": [KEY]}, "mine"),
    "token is a number": ({"mine": MINE | {"token": 5}}, "mine.token"),
    "token is a list": ({"mine": MINE | {"token": [KEY]}}, "mine.token"),
    "no token": ({"mine": {"channel": "ibm_quantum_platform"}}, "token of account 'mine'"),
    "empty token": ({"mine": MINE | {"token": ""}}, "token of account 'mine'"),
    "token and line end": ({"mine": MINE | {"token": KEY + "\n"}}, "token of account 'mine'"),
    "token in quotes": ({"mine": MINE | {"token": f'"{KEY}"'}}, "token of account 'mine'"),
    "token of other letters": ({"mine": MINE | {"token": KEY + "…"}}, "token of account 'mine'"),
    "token in braces": ({"mine": MINE | {"token": "{" + KEY + "}"}}, "token of account 'mine'"),
    "cut CRN": ({"mine": MINE | {"instance": CRN[:45]}}, "instance of account 'mine'"),
    "CRN without end": ({"mine": MINE | {"instance": CRN[:-1]}}, "instance of account 'mine'"),
    "empty instance": ({"mine": MINE | {"instance": ""}}, "instance of account 'mine'"),
    "instance is a list": ({"mine": MINE | {"instance": [CRN]}}, "mine.instance"),
    "retired channel": ({"mine": MINE | {"channel": "ibm_quantum"}}, "only of ibm_quantum"),
    "unknown channel": ({"mine": MINE | {"channel": "ibm_qantum"}}, "channel 'ibm_qantum'"),
    "local channel": ({"mine": MINE | {"channel": "local"}}, "channel 'local'"),
    "several": ({"home": MINE, "work": MINE}, "several accounts (home, work)"),
    "several defaults": (
        {name: MINE | {"is_default_account": True} for name in ("home", "work")},
        "several accounts (home, work)",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_one_line_that_names_it(tiny, qhu, name):
    content, word = DAMAGED[name]
    save(content)
    status, _, errors = qhu(*RUN)
    assert status == 2 and re.fullmatch(r"qhu: [^\n]+\n", errors)
    assert word in errors and "qiskit-ibm.json" in errors and KEY not in errors


def test_a_file_that_is_a_folder_is_one_line(tiny, qhu):
    Path(FILE).expanduser().mkdir(parents=True)
    status, _, errors = qhu(*RUN)
    assert status == 2 and re.fullmatch(r"qhu: .*qiskit-ibm.json cannot be read .*\n", errors)


def test_a_file_that_may_not_be_read_is_one_line(tiny, qhu, monkeypatch):
    save({"mine": MINE})
    read = Path.read_text

    def refused(self, *more, **options):
        if self.name == "qiskit-ibm.json":
            raise PermissionError(13, "Permission denied", str(self))
        return read(self, *more, **options)

    monkeypatch.setattr(Path, "read_text", refused)
    status, _, errors = qhu(*RUN)
    assert status == 2 and re.fullmatch(r"qhu: .*json cannot be read \(Permission .*\n", errors)


VARIABLES = {
    "empty token": {"QISKIT_IBM_TOKEN": ""},
    "blank token": {"QISKIT_IBM_TOKEN": " \n"},
    "token and line end": {"QISKIT_IBM_TOKEN": KEY + "\n"},
    "token after a blank": {"QISKIT_IBM_TOKEN": " " + KEY},
    "token in quotes": {"QISKIT_IBM_TOKEN": f"'{KEY}'"},
    "token with a blank": {"QISKIT_IBM_TOKEN": f"{KEY} {KEY}"},
    "token of other letters": {"QISKIT_IBM_TOKEN": KEY + "é"},
    "empty instance": {"QISKIT_IBM_INSTANCE": "", "QISKIT_IBM_TOKEN": KEY},
    "instance in quotes": {"QISKIT_IBM_INSTANCE": f'"{CRN}"', "QISKIT_IBM_TOKEN": KEY},
    "instance and line end": {"QISKIT_IBM_INSTANCE": f"{CRN}\r", "QISKIT_IBM_TOKEN": KEY},
    "cut CRN": {"QISKIT_IBM_INSTANCE": CRN[:30], "QISKIT_IBM_TOKEN": KEY},
    "CRN cut to its first word": {"QISKIT_IBM_INSTANCE": "crn:", "QISKIT_IBM_TOKEN": KEY},
    "CRN in capitals": {"QISKIT_IBM_INSTANCE": CRN.upper(), "QISKIT_IBM_TOKEN": KEY},
    "unknown channel": {"QISKIT_IBM_CHANNEL": "ibm_quantum", "QISKIT_IBM_TOKEN": KEY},
    "local channel": {"QISKIT_IBM_CHANNEL": "local", "QISKIT_IBM_TOKEN": KEY},
    "empty name": {"QISKIT_IBM_NAME": ""},
    "unknown name": {"QISKIT_IBM_NAME": "other"},
    "two accounts": {"QISKIT_IBM_NAME": "mine", "QISKIT_IBM_TOKEN": KEY},
}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_damaged_variable_is_one_line_that_names_it(tiny, qhu, monkeypatch, name):
    save({"mine": MINE})
    for variable, value in VARIABLES[name].items():
        monkeypatch.setenv(variable, value)
    status, _, errors = qhu(*RUN)
    assert status == 2 and re.fullmatch(r"qhu: [^\n]+\n", errors)
    assert next(iter(VARIABLES[name])) in errors and KEY not in errors


def test_a_plan_refuses_a_damaged_account_before_anything_is_computed(tiny, qhu):
    save([1])
    status, _, errors = qhu("plan", "tiny.yaml", "--backend", "ibm_fez")
    assert status == 2 and re.fullmatch(r"qhu: .*qiskit-ibm.json is damaged.*\n", errors)
    assert not Path("runs").exists()


def test_no_account_leaves_the_home_folder_alone(tiny, qhu):
    status, _, errors = qhu(*RUN)
    assert status == 2 and "no IBM account: save one once" in errors
    assert not Path(FILE).expanduser().parent.exists()


GOOD = {"token": "another-key"}
CHOICES = {
    "one under any name": ({"work": MINE}, {}, "work"),
    "one of the older channel": ({"work": MINE | {"channel": "ibm_cloud"}}, {}, "work"),
    "named": ({"work": MINE, "home": MINE | GOOD}, {"QISKIT_IBM_NAME": "work"}, "work"),
    "marked": ({"a": MINE | GOOD, "work": MINE | {"is_default_account": True}}, {}, "work"),
    "default": (
        {"default-ibm-quantum-platform": MINE, "work": MINE | GOOD},
        {},
        "default-ibm-quantum-platform",
    ),
    "beside a retired one": (
        {"old": MINE | {"channel": "ibm_quantum", "is_default_account": True}, "work": MINE},
        {},
        "work",
    ),
    "of a channel": (
        {"a": MINE | {"channel": "ibm_cloud"}, "work": MINE},
        {"QISKIT_IBM_CHANNEL": "ibm_quantum_platform"},
        "work",
    ),
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_account_that_is_meant(monkeypatch, name):
    from qhu.hardware.credentials import credentials

    accounts, environment, expected = CHOICES[name]
    save(accounts)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    chosen = credentials()
    assert (chosen.token, chosen.source.split("'")[1]) == (KEY, expected)
    assert KEY not in repr(chosen)


def test_where_the_client_guesses_nothing_it_takes_the_same_account():
    from qiskit_ibm_runtime.accounts import AccountManager

    from qhu.hardware.credentials import credentials

    for name in ("one under any name", "marked", "default"):
        save(CHOICES[name][0])
        theirs = AccountManager.get(filename=str(Path(FILE).expanduser()))
        assert theirs.token == credentials().token


def test_channels_and_default_names_are_those_of_the_client():
    from qiskit_ibm_runtime.accounts import management

    from qhu.hardware.credentials import DEFAULTS
    from qhu.hardware.identifiers import CHANNELS

    theirs = {name: value for name, value in vars(management).items() if name.startswith("_DEF")}
    assert {*CHANNELS} == set(management._CHANNEL_TYPES)
    assert {*DEFAULTS} == {value for name, value in theirs.items() if "ACCOUNT_NAME" in name}


def test_the_instance_of_the_environment_goes_before_the_saved_one(monkeypatch):
    from qhu.hardware.credentials import credentials

    save({"work": MINE | {"instance": CRN, "region": "eu-de", "tags": ["mine"]}})
    assert credentials().instance == CRN
    assert credentials().preferences == {"region": "eu-de", "tags": ["mine"]}
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", "another instance")
    assert credentials().instance == "another instance"


def test_the_doctor_shows_which_account_is_used(tiny, qhu, monkeypatch):
    save({"work": MINE | {"instance": CRN[:40]}})
    assert "instance of account 'work'" in qhu("doctor")[1]
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", CRN)
    from qhu.hardware import account

    monkeypatch.setattr(account, "OPENING", 0.1)
    printed = qhu("doctor")[1]
    line = f"ok  account: account 'work' in {Path(FILE).expanduser()}; instance: {CRN}"
    assert "".join(line.split()) in "".join(printed.split())
    assert KEY not in printed


@given(st.text(max_size=40), st.sampled_from(["", CRN, "crn:v1:"]))
def test_any_instance_is_taken_as_it_is_or_refused(text, start):
    from qiskit_ibm_runtime.api.client_parameters import ClientParameters

    from qhu.hardware.identifiers import PLATFORM, check_instance
    from qhu.hardware.redirects import PLATFORM_URL

    try:
        check_instance(start + text, "here")
    except UserError as error:
        assert str(error).startswith("here ")
    else:
        parameters = ClientParameters(channel="", token="", url=PLATFORM, instance=start + text)
        assert PLATFORM_URL.fullmatch(parameters.get_runtime_api_base_url())
