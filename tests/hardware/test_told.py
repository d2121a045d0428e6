"""What a platform tells of jobs, plans, devices and queues, oddly: by the genuine client."""

import itertools
import json
import math
import re
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from qhu.emulator import emulator as serving
from qhu.emulator.http import Reply
from qhu.errors import UserError
from qhu.estimators.noise import device_noise
from qhu.hardware.access import Access, redirected
from qhu.hardware.account import Account, Listed
from qhu.hardware.ledger import Ledger
from qhu.hardware.session import DeviceSession
from qhu.hardware.waiting import Patience
from qhu.layout.calibration import thaw
from qhu.layout.figures import DEFAULT_DELAY, Pace, pace
from qhu.layout.placement import place

STUDY = """
name: odd
training: {epochs: 1}
unlearning: {steps: 1}
evaluation: {retain: 4}
scenarios: {subset: {fraction: 0.1}}
methods: [finetune]
seeds: 0
"""
OPTIONS = {
    "kind": "ibm",
    "resilience_level": 0,
    "shots": 64,
    "job_seconds": 1,
    "poll": [0.02, 0.1],
    "usage_timeout": 1,
}


@pytest.fixture
def emulate(tmp_path, monkeypatch, start, tell):
    """Starts an emulator in a working folder that has a small study and a backend for it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("odd.yaml").write_text(STUDY)

    def emulate(**options):
        entry = {"ibm_manila": {**OPTIONS, **options}}
        Path("backends.yaml").write_text(json.dumps(entry))
        return start()

    return emulate


@pytest.fixture
def run(qhu):
    def run(emulator, command="run", budget=1000, *more):
        asked = ["--backend", "ibm_manila", "--emulator", emulator.url]
        own = ["--yes", "--out", "out"] if command == "run" else []
        limit = ["--max-qpu-seconds", budget]
        return qhu(command, "odd.yaml", *asked, *limit, *own, *more)

    return run


@pytest.fixture
def tell(monkeypatch):
    """Changes what the emulator answers on paths: by a function of the document that it sends."""
    answer, changes = serving.answer, {}

    def changed(platform, request):
        reply, fault = answer(platform, request)
        for path, change in changes.items():
            if re.fullmatch(path, request.path) and request.method == "GET":
                reply = Reply.json(change(json.loads(reply.body)))
        return reply, fault

    monkeypatch.setattr(serving, "answer", changed)
    return lambda path, change: changes.update({path: change})


def complete(figure):
    return {"usage": {"qpu_charge_time_seconds": figure, "status": "complete"}}


FAST = [None, complete(-5000), complete(math.nan), {"usage": None}, {"usage": [1]}]
OTHER = [[], "text", {}, complete(None), complete("4 s"), complete(1e12), complete(True), 7.5]
OTHER += [{"usage": {"quantum_seconds": 1, "state": "final"}}, complete({}), complete(math.inf)]


@pytest.mark.parametrize("replies", [FAST, pytest.param(OTHER, marks=pytest.mark.slow)])
def test_a_run_keeps_its_results_whatever_is_told_of_usage(emulate, run, tell, replies):
    emulator, left = emulate(), itertools.cycle(replies)
    tell("/jobs/[^/]+/metrics", lambda true: next(left))
    code, _, errors = run(emulator)
    assert code == 0, errors
    assert len(pd.read_csv("out/results.csv"))
    spent = json.loads(Path("out/run.json").read_text())["costs"]["evaluate"]
    assert spent["qpu_seconds"] == 0 and len(spent["usage_not_known"]) == len(spent["jobs"]) > 2
    book = Ledger(Access(emulator.url).ledger)
    worst = sum(job["reserved"] + 5 + job["reserved"] / 4 for job in book.jobs())
    charged = sum(job["usage"]["seconds"] for job in emulator.jobs())
    assert spent["qpu_seconds_at_most"] == book.held() == worst >= charged > 0


def test_an_end_that_fails_keeps_the_results(emulate, run, monkeypatch):
    def fail(session, settle):
        raise UserError("no space left for the ledger: free some and run again")

    monkeypatch.setattr(DeviceSession, "close", fail)
    code, _, errors = run(emulate())
    assert code == 2 and "no space left" in errors
    assert len(pd.read_csv("out/results.csv"))
    assert json.loads(Path("out/run.json").read_text())["status"] == "failed"


# -- figures of an account, asked one by one -------------------------------------------------------


@pytest.fixture
def account(emulate):
    emulator = emulate()
    access = Access(emulator.url, emulator.token, emulator.instance)
    patience = Patience(call=20.0, total=20.0, pause=0.1, spared=2.0)
    with redirected(access):
        yield Account(access, patience, lambda line: None)


NO_FIGURE = [None, -1, math.nan, math.inf, "600", [600], True]


@pytest.mark.parametrize("figure", NO_FIGURE, ids=repr)
@pytest.mark.parametrize("entry", ["usage_limit_seconds", "usage_consumed_seconds"])
def test_time_left_that_is_no_figure_is_not_known(account, tell, entry, figure):
    tell("/instances/usage", lambda true: {**true, entry: figure})
    left = account.seconds_left("ibm_manila")
    assert left is None or 0 <= left < math.inf


@pytest.mark.parametrize("reply", [None, [], "text", {}, 5], ids=repr)
def test_a_plan_that_tells_nothing_is_not_known(account, tell, reply):
    tell("/instances/usage", lambda true: reply)
    assert account.seconds_left("ibm_manila") is None


@pytest.mark.parametrize("figure", NO_FIGURE, ids=repr)
def test_a_queue_that_is_no_figure_is_not_known(account, tell, figure):
    tell("/backends/[^/]+/status", lambda true: {**true, "length_queue": figure, "status": None})
    (listed,) = account.devices()
    assert listed.queue in (None, 0.0) and listed.operational and isinstance(listed.message, str)


@pytest.mark.parametrize("reply", [None, [], "text"], ids=repr)
def test_a_status_that_cannot_be_read_is_said(account, tell, reply):
    tell("/backends/[^/]+/status", lambda true: reply)
    assert account.devices() == [Listed("ibm_manila", True, "its status is not readable", None)]


def test_other_names_of_plans_are_not_guessed(account, tell):
    assert account.plan("ibm_manila") == "open"
    account.renew()
    tell("/catalog/api/v1/[^/]+", lambda true: {**true, "overview_ui": {"en": {}}})
    assert account.plan("ibm_manila") == "unknown"


def with_values(properties, names, value):
    """Properties whose entries of some names have a value; ``drop``: that have none of them."""
    gates = [item for gate in properties["gates"] for item in [gate["parameters"]]]
    for entries in [*properties["qubits"], *gates]:
        for entry in [entry for entry in entries if entry["name"] in names]:
            if value == "drop":
                entries.remove(entry)
            else:
                entry["value"] = value
    return properties


@pytest.mark.parametrize(
    "value",
    [
        "drop",
        math.nan,
        *(pytest.param(v, marks=pytest.mark.slow) for v in (math.inf, -0.5, 1.5, 0.0)),
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "names", [{"T1"}, {"T2"}, {"gate_error"}, {"readout_error"}, {"gate_length"}], ids=str
)
def test_a_calibration_is_read_or_refused_in_one_line(account, tell, make_ansatz, names, value):
    """What is no probability counts as certain to fail: placed elsewhere, or success is 0."""
    tell("/backends/[^/]+/properties", lambda true: with_values(true, names, value))
    try:
        device, _ = account.calibrated("ibm_manila")
        placement = place(make_ansatz(2), device, optimization_level=1, seed=0)
    except UserError as error:
        assert "\n" not in str(error) and "ibm_manila" in str(error)
        return
    assert 0 <= placement.success <= 1 and 0 <= placement.length < 1
    json.dumps(placement.record(), allow_nan=False)
    device_noise(thaw(placement.figures))
    if names & {"gate_error", "readout_error"} and value:
        assert placement.success == 0


@pytest.mark.parametrize("value", [None, "text"], ids=repr)
def test_a_calibration_that_cannot_be_read_is_one_line(account, tell, value):
    tell("/backends/[^/]+/properties", lambda true: with_values(true, {"T1"}, value))
    with pytest.raises(UserError, match="the calibration of ibm_manila cannot be read"):
        account.calibrated("ibm_manila")


@pytest.mark.parametrize("bounds", [None, [], [0], ["a", "b"], [5, 1], [-1, 2], [math.nan, 1]])
@pytest.mark.parametrize("default", [None, "fast", -1.0, math.nan])
def test_a_pace_that_is_none_is_as_if_not_told(bounds, default):
    told = pace(SimpleNamespace(rep_delay_range=bounds, default_rep_delay=default))
    assert told == Pace(DEFAULT_DELAY, 0.0, math.inf)


# -- what needs consent ----------------------------------------------------------------------------


def test_a_repetition_delay_is_within_what_the_device_takes(emulate, run):
    emulator = emulate(rep_delay=0.1)
    for command in ("plan", "run"):
        code, _, errors = run(emulator, command)
        assert code == 2 and errors.splitlines()[-1].startswith(
            "qhu: stages.evaluate ibm_manila: rep_delay 0.1 is outside"
        )
        assert "ibm_manila takes, 0 to 0.0005 s" in errors
    assert emulator.jobs() == []


def test_a_device_where_nothing_can_succeed_needs_consent(emulate, run, tell):
    emulator = emulate()
    tell("/backends/[^/]+/properties", lambda true: with_values(true, {"readout_error"}, 1.0))
    code, out, _ = run(emulator, "plan")
    assert code == 0 and "0 % of the executions are expected to be without error" in out
    assert "would be refused: on ibm_manila, 0 %" in out
    code, _, errors = run(emulator)
    assert code == 3 and emulator.jobs() == []
    line = errors.splitlines()[-1]
    assert (
        line.startswith("qhu: on ibm_manila, 0 % of the executions") and "--least-success 0" in line
    )
    assert run(emulator, "run", 1000, "--least-success", 0)[0] == 0 and emulator.jobs()


def test_a_job_longer_than_any_may_be_is_said_before_anything_is_submitted(emulate, run):
    emulator = emulate(shots=1_000_000, job_seconds=20_000, rep_delay=4e-4)
    code, out, errors = run(emulator, "plan", 1000000)
    assert code == 0, errors
    assert "would be refused: a job of about" in out
    code, _, errors = run(emulator, "run", 1000000)
    assert code == 3 and "is longer than the platform allows, 10,800 s" in errors
    assert emulator.jobs() == []
