"""Who is let in, what is refused, and the mistakes of who starts an emulator."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from qhu.commands import emulator as command
from qhu.emulator import Emulator
from qhu.emulator.faults import read_faults
from qhu.emulator.platform import CRN
from qhu.errors import UnknownName, UserError


@pytest.fixture
def call(running):
    """Calls the runtime API with a valid token, unless headers say otherwise."""
    form = {"grant_type": "apikey", "apikey": running.token}
    token = requests.post(f"{running.url}/identity/token", data=form, timeout=5).json()
    valid = {"Authorization": f"Bearer {token['access_token']}", "Service-CRN": CRN}

    def call(method, path, body=None, **headers):
        sent = {k: v for k, v in {**valid, **headers}.items() if v is not None}
        return requests.request(method, running.url + path, json=body, headers=sent, timeout=5)

    return call


@pytest.mark.parametrize("prefix", ["/api/v1", "/experimental/api/v1"])
def test_both_prefixes_serve_the_same(call, prefix):
    assert call("GET", f"{prefix}/backends").json()["devices"][0]["name"] == "ibm_manila"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": None},
        {"Authorization": "apikey qhu-emulator-key-not-a-secret"},
        {"Authorization": "Bearer a.b.c"},
        {"Service-CRN": None},
        {"Service-CRN": CRN.replace("us-east", "eu-de")},
    ],
)
def test_without_a_valid_token_and_instance_nothing_is_told(call, headers):
    reply = call("GET", "/api/v1/jobs", **headers)
    assert reply.status_code == 401
    assert reply.json()["errors"][0]["code"] in (1200, 1201)


def test_a_request_for_another_host_is_refused(call):
    assert call("GET", "/api/v1/backends", Host="quantum.cloud.ibm.com").status_code == 403


def test_it_listens_on_loopback_only(running):
    assert running._server._server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"program_id": "executor", "backend": "ibm_nowhere"}, 404, 1007),
        ({"program_id": "circuit-runner", "backend": "ibm_manila"}, 404, 9999),
        ({"program_id": "executor", "backend": "ibm_manila", "params": {}}, 400, 1002),
        ({"program_id": "executor", "backend": "ibm_manila", "cost": 20_000}, 400, 9999),
        ({"program_id": "executor", "backend": "ibm_manila", "session_id": "x"}, 404, 9999),
    ],
)
def test_wrong_submissions(call, body, status, code):
    reply = call("POST", "/api/v1/jobs", body)
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (status, code)


def test_a_schema_that_is_not_emulated_is_named(call):
    body = {"program_id": "executor", "backend": "ibm_manila", "params": {"schema_version": "v9"}}
    reply = call("POST", "/api/v1/jobs", body)
    assert "schema v9 is not emulated" in reply.json()["errors"][0]["message"]


@pytest.mark.parametrize("path", ["/jobs/none", "/jobs/none/results", "/sessions/none", "/none"])
def test_what_does_not_exist(call, path):
    assert call("GET", f"/api/v1{path}").status_code == 404


def test_a_body_that_is_no_json(running, call):
    reply = call("POST", "/api/v1/sessions", None)
    assert reply.status_code == 400


def test_mistakes_at_the_start(tmp_path, running):
    with pytest.raises(UnknownName, match="fake_manila"):
        Emulator("fake_manilla")
    taken = int(running.url.rpartition(":")[2])
    with pytest.raises(UserError, match=f"cannot listen on port {taken}"):
        Emulator("fake_manila", port=taken)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-s", "plam=open"], "no rule 'plam'"),
        (["-s", "plan=premium"], "rule 'plan'"),
        (["--faults", "none.yaml"], "cannot read the fault script none.yaml"),
        (["--faults", "bad.yaml"], "line 1.do"),
        (["--faults", "broken.yaml"], "not valid YAML"),
        (["--device", "fake_nowhere"], "unknown device snapshot"),
    ],
)
def test_mistakes_on_the_command_line(qhu, tmp_path, arguments, message):
    lines = [{"do": "drop"}, {"do": "explode"}]
    (tmp_path / "bad.yaml").write_text(json.dumps(lines))
    (tmp_path / "broken.yaml").write_text("[")
    code, _, errors = qhu("emulator", *arguments)
    assert code == 2
    assert message in errors


def test_the_command_serves_until_it_is_interrupted(qhu, monkeypatch):
    class Interrupted:
        def wait(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "threading", SimpleNamespace(Event=Interrupted))
    code, out, errors = qhu("emulator", "--device", "fake_manila", "-s", "pace=0.5")
    assert code == 130
    assert errors == "qhu: the emulator has stopped\n"
    assert out.startswith("EMULATED ibm_manila at http://127.0.0.1:")
    assert "export QISKIT_IBM_TOKEN=" in out
    ready = next(line for line in out.splitlines() if "QiskitRuntimeService(" in line)
    assert 'url="http://127.0.0.1:' in ready and "unless it passes url=" in out


def test_the_script_in_the_docs_is_one(tmp_path):
    page = (Path(__file__).parents[2] / "docs/emulator.md").read_text()
    script = tmp_path / "faults.yaml"
    script.write_text(page.split("```yaml\n")[1].split("```")[0])
    assert [fault.do for fault in read_faults(script)] == ["status", "drop", "maintenance"]
