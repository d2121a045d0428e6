"""What a platform tells of jobs, plans, devices and queues, oddly: by the genuine client."""

import json
from pathlib import Path

import pandas as pd
import pytest

from qhu.emulator import Emulator
from qhu.emulator.platform import Rules
from qhu.hardware.access import Access
from qhu.hardware.ledger import Ledger

STUDY = """
name: odd
training: {epochs: 1}
unlearning: {steps: 1}
evaluation: {retain: 4}
scenarios: {subset: {fraction: 0.1}}
methods: [finetune]
seeds: 0
"""
OPTIONS = "resilience_level: 0, shots: 64, job_seconds: 1, poll: [0.02, 0.1], usage_timeout: 1"


@pytest.fixture
def emulate(tmp_path, monkeypatch, request):
    """Starts an emulator in a working folder that has a small study and a backend for it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Path("odd.yaml").write_text(STUDY)

    def start(options="", **rules):
        Path("backends.yaml").write_text(
            f"ibm_manila: {{kind: ibm, {OPTIONS}{', ' if options else ''}{options}}}"
        )
        rules = {"queue_seconds": 0, "settle_seconds": 0, **rules}
        made = Emulator("fake_manila", rules=Rules(**rules))
        made.start()
        request.addfinalizer(made.stop)
        return made

    return start


@pytest.fixture
def run(qhu):
    def run(emulator, command="run", budget=1000, *more):
        asked = ["--backend", "ibm_manila", "--emulator", emulator.url]
        own = ["--yes", "--out", "out"] if command == "run" else []
        limit = ["--max-qpu-seconds", budget]
        return qhu(command, "odd.yaml", *asked, *limit, *own, *more)

    return run


def charged(emulator):
    return sum(emulator._platform.store.jobs.total("charged", "TRUE") for _ in range(1))


def ledger(emulator):
    return Ledger(Access(emulator.url).ledger)


@pytest.mark.parametrize(
    "how",
    ["never", "missing", "null", "null_figure", "negative", "nan", "text", "other_fields"],
)
def test_a_run_keeps_its_results_whatever_is_told_of_usage(emulate, run, how):
    emulator = emulate(usage=how)
    code, _, errors = run(emulator)
    assert code == 0, errors
    assert len(pd.read_csv("out/results.csv"))
    spent = json.loads(Path("out/run.json").read_text())["costs"]["evaluate"]
    assert spent["qpu_seconds"] == 0 and len(spent["usage_not_known"]) == len(spent["jobs"])
    book = ledger(emulator)
    worst = sum(5 + 1.25 * job["reserved"] for job in book.jobs())
    assert spent["qpu_seconds_at_most"] == book.held() == worst >= charged(emulator) > 0
