"""Every fault of docs/reliability.md against the emulator, by the genuine client.

After each, the same command ends with the results of an undisturbed run, with one job per request
and nothing above the budget.
"""

import contextlib
import json
import re
import time
from collections import Counter

import numpy as np
import pytest

from qhu.backends.ibm import IbmBackend
from qhu.emulator import emulator
from qhu.emulator.http import Reply
from qhu.emulator.platform import Rules
from qhu.errors import QhuError, UserError
from qhu.hardware import client
from qhu.hardware.access import Access, redirected
from qhu.hardware.ledger import Ledger
from qhu.hardware.options import Options

BUDGET = 40.0
POST, POLL, RESULTS = "/jobs", "/jobs/[^/]+", "/jobs/[^/]+/results"
QUICK = {"queue_seconds": 0, "settle_seconds": 0}
MINE = {
    "device": "ibm_manila",
    "resilience_level": 0,
    "shots": 64,
    "job_seconds": 0.1,
    "poll": (0.02, 0.1),
    "patience": 120.0,
    "call_timeout": 60.0,
    "submit_timeout": 120.0,
    "usage_timeout": 2.0,
    "tags_timeout": 1.0,
}
HASTY = {"call_timeout": 4.0, "submit_timeout": 10.0}
"""For platforms that never answer; elsewhere a busy machine must not look like one."""


def submit(do, **more):
    return {"do": do, "method": "POST", "path": POST, **more}


def get(path, do, **more):
    return {"do": do, "method": "GET", "path": path, **more}


SAME = [
    ("submit-500-before", [submit("status", status=500, times=2)]),
    ("submit-503-before", [submit("status", status=503)]),
    ("submit-504-after", [submit("status", status=504, when="after")]),
    ("submit-500-after", [submit("status", status=500, when="after")]),
    ("submit-drop-before", [submit("drop")]),
    ("submit-drop-after", [submit("drop", when="after")]),
    ("submit-429", [submit("status", status=429)]),
    ("submit-429-retry-after", [submit("status", status=429, headers={"Retry-After": "1"})]),
    ("submit-401", [submit("status", status=401)]),
    ("submit-hang-after", [submit("hang", seconds=30, when="after")]),
    ("submit-slow", [submit("slow", seconds=1)]),
    ("submit-reply-malformed", [submit("malform")]),
    ("submit-reply-truncated", [submit("truncate")]),
    ("usage-500", [get("/instances/usage", "status", status=500)]),
    ("usage-429", [get("/instances/usage", "status", status=429)]),
    ("status-hang", [get("/backends/[^/]+/status", "hang", seconds=30)]),
    ("maintenance-before", [get("/backends/[^/]+/status", "maintenance", seconds=1)]),
    ("maintenance-mid-run", [submit("maintenance", seconds=1)]),
    ("usage-limit-reached", [submit("usage_limit", seconds=1)]),
    ("poll-500", [get(POLL, "status", status=500, times=2)]),
    ("poll-429", [get(POLL, "status", status=429, times=2)]),
    ("poll-404", [get(POLL, "status", status=404)]),
    ("poll-drop", [get(POLL, "drop", times=2)]),
    ("poll-hang", [get(POLL, "hang", seconds=30)]),
    ("poll-malformed", [get(POLL, "malform")]),
    ("token-expired", [get(POLL, "tokens_revoked")]),
    (
        "token-service-down",
        [
            get(POLL, "tokens_revoked"),
            {"do": "status", "path": "/identity/token", "status": 500, "nth": 3},
        ],
    ),
    ("results-500", [get(RESULTS, "status", status=500)]),
    ("results-truncated", [get(RESULTS, "truncate")]),
    ("results-malformed", [get(RESULTS, "malform")]),
    ("results-slow", [get(RESULTS, "slow", seconds=1)]),
    ("results-hang", [get(RESULTS, "hang", seconds=30)]),
    ("job-failed", [submit("job_failed")]),
    ("tag-search-500", [submit("drop", when="after"), get("/jobs", "status", status=500)]),
    ("metrics-500", [get("/jobs/[^/]+/metrics", "status", status=500)]),
]
"""Faults that a command survives by itself."""
AGAIN = [
    ("submit-400", [submit("status", status=400)], "refuses the job"),
    ("submit-hang-before", [submit("hang", seconds=30)], "run the same command again"),
    ("job-cancelled", [submit("job_cancelled")], "submits it again"),
    ("job-max-time", [submit("job_max_time")], "submits it again"),
    ("results-forbidden", [get(RESULTS, "status", status=403)], "the platform refuses: "),
]
"""Faults that end a command with one line; the same command then goes on."""


SPARE = {
    r"/identity/token": {"access_token"},
    r"/backends": {"devices", "name"},
    r"/backends/[^/]+/status": {"state", "status"},
    r"/instances/usage": set(),
    r"/jobs": {"jobs", "count", "id", "backend", "state", "status", "program", "created"},
    r"/jobs/[^/]+": {"id", "backend", "state", "status", "program", "created"},
    r"/jobs/[^/]+/metrics": set(),
}
"""All that the client needs of replies; another platform may say no more."""


@pytest.fixture
def emulate(tmp_path, monkeypatch, start):
    """Starts an emulator, in an empty working folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    return lambda faults=(), **rules: start(faults=faults, rules=Rules(**QUICK, **rules))


@pytest.fixture
def command(make_ansatz, draw):
    """What a run does on a device: count, fetch, evaluate; values of three models."""
    ansatz = make_ansatz(2)
    rows = draw(ansatz, 6)

    def run(emulator, said=None, budget=BUDGET, models=3, **options):
        access = Access(emulator.url, emulator.token, emulator.instance, budget)
        backend = IbmBackend("ibm_manila", Options(**{**MINE, **options}))
        backend.access = access
        backend.attach("run", "evaluate", (said if said is not None else []).append)
        with redirected(access):
            network = backend.layer(ansatz, 0).neural_network
            forward = network.forward
            asked = [lambda k=k: forward(rows[:, :2], rows[k, 2:]) for k in range(models)]
            backend.counted = {}
            for model in asked:
                model()
            questions, backend.counted = list(backend.counted.values()), None
            backend.fetch(questions)
            values = [model() for model in asked]
            backend.close(settle=True)
        run.ledger = backend.session.ledger
        return np.array(values)

    return run


@pytest.fixture(scope="module")
def undisturbed():
    return {}


@pytest.fixture
def settled(emulate, command, undisturbed, tmp_path, monkeypatch):
    """Runs a command until it ends well, then looks at everything that must hold."""

    def settle(faults, commands, **more):
        folder = tmp_path / ("disturbed" if faults else "undisturbed")
        folder.mkdir()
        monkeypatch.chdir(folder)
        emulator = emulate(faults, **more.pop("rules", {}))
        errors = []
        for _ in range(commands):
            try:
                values = command(emulator, **more)
                break
            except QhuError as error:
                errors.append(str(error))
        else:
            pytest.fail(f"still failing: {errors}")
        undisturbed.setdefault("values", values)
        np.testing.assert_array_equal(values, undisturbed["values"])
        kept = [job for job in emulator.jobs() if job["status"] == "Completed"]
        assert set(Counter(job["tags"][0] for job in kept).values()) == {1}
        known = {job["id"]: job["state"] for job in command.ledger.jobs()}
        assert known.keys() == {job["id"] for job in emulator.jobs()}
        assert sum(state == "done" for state in known.values()) == 3
        assert command.ledger.held() <= more.get("budget", BUDGET)
        assert sum(job["usage"]["seconds"] for job in emulator.jobs()) <= BUDGET
        return errors, emulator

    undisturbed or settle([], 1)
    return settle


@pytest.mark.parametrize("faults", [f for _, f in SAME], ids=[name for name, _ in SAME])
def test_a_command_survives(settled, faults):
    hasty = HASTY if any(fault["do"] == "hang" for fault in faults) else {}
    assert settled(faults, 1, **hasty)[0] == []


@pytest.mark.parametrize(
    ("faults", "message"), [row[1:] for row in AGAIN], ids=[row[0] for row in AGAIN]
)
def test_the_next_command_goes_on(settled, faults, message):
    hasty = HASTY if faults[0]["do"] == "hang" else {}
    errors, _ = settled(faults, 2, **hasty)
    assert len(errors) == 1 and message in errors[0]
    assert "\n" not in errors[0] and len(errors[0]) < 600


def test_a_platform_that_is_down_for_long_ends_in_patience(settled):
    """The client repeats each look five times by itself, 15 s long; qhu's deadline is shorter."""
    down = get(POLL, "status", status=503, times=12)
    errors, _ = settled([down], 5, call_timeout=4.0, patience=8.0)
    assert errors[0].startswith("no usable answer for 8 s from the platform")
    assert all(error.endswith("nothing is lost: run the same command again") for error in errors)


@pytest.mark.parametrize(
    ("rules", "mode", "note"),
    [
        ({"plan": "open"}, "session", "the open plan has no sessions: batch instead"),
        ({"plan": "paygo"}, "session", None),
        ({"plan": "open"}, "batch", None),
    ],
)
def test_modes_give_the_same_results(settled, rules, mode, note):
    said = []
    settled([get("/never", "drop")], 1, rules=rules, mode=mode, said=said)
    assert ([note] if note else []) == [line for line in said if not line.startswith("job ")]


def test_a_double_that_cannot_be_cancelled_is_known_and_counted(emulate, command):
    """It has ended already: it was paid, so the budget must know."""
    late = {"do": "status", "path": "/jobs/[^/]+/cancel", "status": 409}
    emulator = emulate([submit("status", status=504, when="after"), late], tags_seconds=3)
    said = []
    command(emulator, models=2, tags_timeout=0.1)
    time.sleep(3)
    command(emulator, said)
    assert any("a double, it had completed" in line for line in said)
    assert Counter(job["state"] for job in command.ledger.jobs()) == {"done": 3, "double": 1}
    used = sum(job["usage"]["seconds"] for job in emulator.jobs())
    assert command.ledger.held() == pytest.approx(used, abs=0.01) and used <= BUDGET


def test_a_submit_is_sent_once_by_the_client(settled):
    """It would repeat a POST that failed with 5xx five times, each of which may make a job."""
    settled([submit("status", status=504, when="after", times=5)], 1, budget=30.0)


@pytest.mark.parametrize("how", ["seconds", "date", "none"])
def test_submissions_above_the_limit_wait(settled, how):
    said = []
    limited = {"submissions": 2, "submission_window": 2.0, "retry_after": how}
    settled([get("/never", "drop")], 1, rules=limited, said=said, poll=(0.02, 0.5))
    assert any("takes no submission (" in line and "429" in line for line in said)


def test_tags_that_are_shown_late_lose_no_job(settled):
    lost = [submit("status", status=504, when="after"), submit("drop", when="after", nth=2)]
    settled(lost, 1, rules={"tags_seconds": 1.5}, tags_timeout=20.0)


@pytest.mark.parametrize("listing", ["newest_first", "shuffled"])
@pytest.mark.parametrize("lost", ["removed", "zeroed", "another folder"])
def test_a_lost_ledger_is_paid_for_once(emulate, command, tmp_path, monkeypatch, lost, listing):
    emulator = emulate(listing=listing)
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    first = command(emulator)
    if lost == "another folder":
        monkeypatch.chdir(tmp_path / "there")
    else:
        command.ledger.close()
        for file in (tmp_path / "here" / "ledger").iterdir():
            file.unlink()
        if lost == "zeroed":
            (tmp_path / "here" / "ledger" / "emulator.db").touch()
    np.testing.assert_array_equal(command(emulator), first)
    assert len(emulator.jobs()) == 3
    used = sum(job["usage"]["seconds"] for job in emulator.jobs())
    assert command.ledger.held() == pytest.approx(0 if lost == "another folder" else used, abs=0.01)


def test_a_job_says_whose_it_is(emulate, command):
    emulator = emulate()
    command(emulator)
    owner = Access().owner
    for job in emulator.jobs():
        assert job["tags"][1:] == [f"qhu-owner:{owner}"]
    assert re.fullmatch("[0-9a-f]{12}", owner)


def test_a_calibration_mid_run_moves_no_circuit(emulate, command):
    """What runs later runs under other noise, as on a device; nothing is asked twice for that."""
    emulator = emulate([submit("recalibrate")])
    first = command(emulator)
    placed = command.ledger.all("SELECT body FROM placements")
    np.testing.assert_array_equal(command(emulator), first)
    assert command.ledger.all("SELECT body FROM placements") == placed
    assert len(emulator.jobs()) == 3 and len(placed) == 1


def test_a_session_that_is_refused_becomes_a_batch(settled):
    said = []
    refuse = {"do": "status", "method": "POST", "path": "/sessions", "status": 403}
    settled([refuse], 1, rules={"plan": "paygo"}, mode="session", said=said)
    assert said[0].startswith("no session (")


def test_a_session_that_ends_early_is_opened_anew(settled):
    closing = submit("session_closed", nth=2)
    settled([closing], 1, rules={"plan": "paygo"}, mode="session", pending=1)


def test_no_job_is_private_and_results_are_read_once(settled):
    """A private job gives its results once: so there is none."""
    _, emulator = settled([get(RESULTS, "status", nth=4, times=0, status=404)], 1)
    assert not any(job["private"] for job in emulator.jobs())
    reads = [path for _, path, _ in emulator.requests if path.endswith("/results")]
    assert len(reads) == len(set(reads)) == 3


def test_every_job_has_a_limit_and_the_formula_meets_the_meter(settled, command):
    _, emulator = settled([get("/never", "drop")], 1)
    assert all(0 < job["cost"] <= BUDGET for job in emulator.jobs())
    estimated = sum(request.estimate for request in command.ledger.requests())
    assert estimated == pytest.approx(
        sum(job["usage"]["seconds"] for job in emulator.jobs()), rel=0.01
    )


@pytest.mark.parametrize(("factor", "seconds"), [(1.2, 2.0), (1.25, 5.0), (1.0, 4.2)])
@pytest.mark.parametrize("budget", [23.0, 40.0])
def test_overshoot_stays_within_the_budget(emulate, command, factor, seconds, budget):
    """Every job is charged its limit and more: later ones get less, or are not submitted."""
    emulator = emulate(overshoot_factor=factor, overshoot_seconds=seconds)
    for _ in range(3):
        with contextlib.suppress(QhuError):
            command(emulator, budget=budget)
    jobs = emulator.jobs()
    assert jobs and sum(job["usage"]["seconds"] for job in jobs) <= budget
    held = Ledger(Access(emulator.url).ledger).held()
    assert held == pytest.approx(sum(job["usage"]["seconds"] for job in jobs), abs=0.01)


def test_what_was_overshot_by_more_than_the_margin_is_learnt(emulate, command):
    """The first job may break the promise, those after it do not."""
    emulator = emulate(overshoot_factor=2.0)
    command(emulator, budget=1000.0)
    spent = sum(job["usage"]["seconds"] for job in emulator.jobs())
    emulator.change_rules(overshoot_factor=2.0, overshoot_seconds=0.1)
    for run in range(3):
        with contextlib.suppress(QhuError):
            command(emulator, budget=spent + 40.0, rep_delay=1e-4 * (run + 1))
    assert spent + 10 < sum(job["usage"]["seconds"] for job in emulator.jobs()) <= spent + 40


def test_usage_that_is_corrected_is_held_before_and_known_after(emulate, command):
    emulator = emulate(usage="zero_first")
    emulator.change_rules(settle_seconds=1e9)
    command(emulator, budget=200.0)
    limits = [job["cost"] for job in emulator.jobs()]
    assert command.ledger.held() == sum(5 + 1.25 * limit for limit in limits)
    emulator.change_rules(settle_seconds=0)
    command(emulator, budget=200.0, rep_delay=1e-4)
    charged = sum(job["usage"]["seconds"] for job in emulator.jobs())
    assert command.ledger.held() == pytest.approx(charged, abs=0.01)


@pytest.mark.parametrize(
    "fault", [{"do": "status", "status": 500}, {"do": "status", "status": 403}, {"do": "malform"}]
)
def test_metrics_that_fail_for_ever_lose_nothing(
    emulate, command, undisturbed, settled, fault, tmp_path, monkeypatch
):
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path / "own")
    emulator = emulate([{**fault, "method": "GET", "path": "/jobs/[^/]+/metrics", "times": 0}])
    values = command(emulator, budget=200.0, usage_timeout=0.2)
    np.testing.assert_array_equal(values, undisturbed["values"])
    limits = [job["cost"] for job in emulator.jobs()]
    assert command.ledger.held() == sum(5 + 1.25 * limit for limit in limits)


@pytest.mark.parametrize("reply", [[], "text", {"usage_limit_seconds": "many"}], ids=repr)
def test_a_plan_whose_usage_is_told_oddly_takes_jobs(emulate, command, reply):
    emulator = emulate([get("/instances/usage", "status", status=200, body=reply, times=0)])
    command(emulator)
    assert len(emulator.jobs()) == 3


def test_nothing_is_submitted_above_the_budget(emulate, command):
    emulator = emulate()
    with pytest.raises(QhuError, match="above the budget") as caught:
        command(emulator, job_seconds=60.0, shots=100_000)
    assert caught.value.exit_code == 3 and emulator.jobs() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token", "not-the-key"),
        ("instance", "crn:v1:bluemix:public:quantum-computing:us-east::::"),
        ("instance", "another name"),
    ],
)
def test_a_wrong_account_is_one_line_without_the_key(emulate, command, field, value):
    emulator = emulate()
    setattr(emulator, field, value)
    with pytest.raises(UserError, match="the account is not accepted") as caught:
        command(emulator, patience=1.0)
    assert "not-the-key" not in str(caught.value)


def test_a_full_disk_loses_no_job(settled, command, monkeypatch):
    """The ledger cannot note the job just submitted; the next command finds it by its tag."""
    submitted, left = Ledger.submitted, [True]

    def full(self, tag, job, owner=None):
        if left:
            left.pop()
            raise UserError("no space left for ledger.db: free some and run again")
        submitted(self, tag, job, owner)

    monkeypatch.setattr(Ledger, "submitted", full)
    errors, _ = settled([get("/never", "drop")], 2)
    assert errors == ["no space left for ledger.db: free some and run again"]


def test_a_client_that_cannot_read_what_was_paid_for(emulate, command, monkeypatch):
    """Its error is not polled; another version reads what is kept, and nobody is asked again."""
    from qiskit_ibm_runtime.decoders import defaults
    from qiskit_ibm_runtime.decoders.result_decoder import ResultDecoder

    class Stumbling(ResultDecoder):
        @classmethod
        def decode(cls, data):
            raise TypeError("'type' object is not iterable")

    emulator, decoders = emulate(), defaults.DEFAULT_DECODERS
    monkeypatch.setattr(defaults, "DEFAULT_DECODERS", {**decoders, "executor": [Stumbling]})
    monkeypatch.setattr(client, "probe", lambda *_: None)  # which would have refused to submit
    with pytest.raises(QhuError, match=r"done and paid.*another version of it") as caught:
        command(emulator, patience=4.0, pending=1)
    assert "\n" not in str(caught.value) and "TypeError" in str(caught.value)
    monkeypatch.setattr(defaults, "DEFAULT_DECODERS", decoders)
    fetched = [path for _, path, _ in emulator.requests if path.endswith("/results")]
    assert np.isfinite(command(emulator)).all() and len(emulator.jobs()) == 3
    again = [path for _, path, _ in emulator.requests if path.endswith("/results")]
    assert again.count(fetched[0]) == fetched.count(fetched[0])


def test_replies_need_hold_no_more_than_the_client_reads(settled, monkeypatch):
    """Another emulator, or tomorrow's platform: no tags, no usage, states in small letters."""
    answer = emulator.answer

    def sparse(platform, request):
        reply, fault = answer(platform, request)
        for path, names in SPARE.items():
            if re.fullmatch(path, request.path) and reply.status == 200:
                reply = Reply.json(spared(json.loads(reply.body), names))
        return reply, fault

    monkeypatch.setattr(emulator, "answer", sparse)
    settled([get("/never", "drop")], 1, budget=3 * 25.0)


def spared(document, names):
    if isinstance(document, list):
        return [spared(item, names) for item in document]
    if isinstance(document, dict):
        return {key: spared(value, names) for key, value in document.items() if key in names}
    return document.lower() if document in ("Queued", "Running", "Completed") else document


def test_no_key_reaches_the_disk(settled, tmp_path):
    _, emulator = settled([submit("status", status=400)], 2)
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or emulator.token.encode() not in file.read_bytes(), file


def test_only_one_file_imports_the_service():
    from pathlib import Path

    import qhu

    files = [f for f in Path(qhu.__file__).parent.rglob("*.py") if "emulator" not in f.parts]
    naming = [f.name for f in files if "import QiskitRuntimeService" in f.read_text()]
    assert naming == ["account.py"]
