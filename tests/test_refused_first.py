"""Wrong inputs through the real command: one line, exit 2, and no file of a run."""

import re
from pathlib import Path

import pytest

import qhu as package

THEIRS = re.compile(
    r"Input should|Field required|Extra inputs|valid (integer|number|string)|None\b"
)
"""Phrases of pydantic's."""
BACKENDS = """
far: {kind: aer, device: fake_manila, layout: [0, 1, 2, 9]}
short: {kind: aer, device: fake_manila, layout: [0, 1, 2]}
twice: {kind: aer, device: fake_manila, layout: [0, 1, 1, 2]}
negative: {kind: aer, device: fake_manila, layout: [0, 1, 2, -1]}
times: {kind: aer, depolarizing: [0, 0], gate_times: [50, 500]}
shots: {kind: aer, depolarizing: [0, 0], shots: 10000000000000}
placed: {kind: ibm, device: ibm_fez, layout: [0, 1, 2, 999]}
"""
SWEEP = """
name: s
training: {epochs: 1}
scenarios: {a: {fraction: 0.1}}
methods: [finetune]
seeds: 0
metrics: [acc]
sweep: {question: why, vary: {model.layers: [1, 2]}}
"""
DEVICE = ("--emulator", "auto", "--max-qpu-seconds", "100", "--yes")
RUNS = {
    "another method's name": (["-s", "methods.scrub={method: finetune}"], "of the method scrub"),
    "the oracle in part": (["-s", "methods.retrain.scope=quantum"], "retrain is the oracle"),
    "wider than the device": (
        ["--backend", "fake_manila", "-s", "data.width=8"],
        "the device has 5",
    ),
    "wider than ibm's": (["--backend", "ibm_fez", "-s", "data.width=200", *DEVICE], "has 156"),
    "layout beyond": (["--backend", "far"], "stages.evaluate far: layout qubits must lie in 0 … 4"),
    "layout too short": (["--backend", "short"], "layout must name 4 different qubits"),
    "layout twice": (["--backend", "twice"], "layout must name 4 different qubits"),
    "layout negative": (["--backend", "negative"], "layout qubits must lie in 0 … 4"),
    "layout on a device": (["--backend", "placed", *DEVICE], "layout qubits must lie in 0 … 155"),
    "too wide for noise": (
        ["--backend", "fake_brisbane", "-s", "data.width=12"],
        "up to 10 qubits",
    ),
    "gate times of nothing": (["--backend", "times"], "gate_times are for t1 and t2"),
    "shots": (["--backend", "shots"], "shots: must be 1000000000 or less"),
    "noise without circuit": (
        ["--backend", "fake_manila", "-s", "model.quantum=false"],
        "stages.evaluate fake_manila has nothing to run",
    ),
    "width": (["-s", "data.width=100000"], "data.width: must be 1000 or less"),
    "layers": (["-s", "model.layers=100000"], "layers: must be 1000 or less"),
    "epochs": (["-s", "training.epochs=1000000000"], "4,000,000,000 optimiser steps"),
    "steps": (["-s", "unlearning.steps=1000000000"], "unlearning.steps 1,000,000,000"),
    "unlearning epochs": (
        ["-s", "unlearning={steps: null, epochs: 100000000}"],
        "unlearning.epochs 100,000,000",
    ),
    "a method's steps": (["-s", "methods.finetune.steps=1000000000"], "methods.finetune.steps"),
    "hidden": (["-s", "model.hidden=[100000, 100000]"], "the head of the network"),
    "copies": (["-s", "data.copies={rows: 5, copies: 1000000000}"], "lower data.copies"),
    "graded models": (
        ["-s", "scenarios.m={memorised: {top: 5, models: 1000000000}}"],
        "memorised.models: must be 1000000 or less",
    ),
    "workers": (["--workers", "100000"], "100,000 workers would take"),
    "workers and scheduler": (
        ["--workers", "1", "--scheduler", "tcp://127.0.0.1:1"],
        "--workers starts local processes and --scheduler uses others",
    ),
    "no scheduler": (["--scheduler", ""], "--scheduler must be an address"),
    "workers and a device": (
        ["--backend", "ibm_fez", "--workers", "1", *DEVICE],
        "one process talks to a device",
    ),
    "no layer left": (
        ["-s", "methods={cf_k: {move: rest, k: 4}}"],
        "methods.cf_k in scenario 'subset', seed 0: k 4 leaves none of the 4 layers",
    ),
    "no layer in the scope": (
        ["-s", "model.quantum=false", "-s", "unlearning.scope=quantum"],
        "methods.finetune in scenario 'subset', seed 0: no layer of the network is in its scope",
    ),
    "no validation rows": (
        ["-s", "methods=[scrub_rewind]", "-s", "data.val=0"],
        "it needs validation rows of the forgotten classes: raise data.val",
    ),
    "no whole epoch": (
        ["-s", "methods=[salun]", "-s", "unlearning.steps=2"],
        "it spends whole epochs: one takes 4 steps and the budget has 2",
    ),
    "no step budget": (
        ["-s", "methods=[noisy_finetune]", "-s", "unlearning={steps: null, epochs: 2}"],
        "noisy steps are a share of the step budget",
    ),
    "no certificate": (["-s", "methods={noisy_finetune: {decay: 100}}"], "must lie in [0, 1)"),
    "patience": (
        ["-s", "methods.finetune.patience=3"],
        "methods.finetune.patience has no effect: unlearning.patience is not set",
    ),
    "rate of nothing": (["-s", "methods.none.lr=0.5"], "methods.none.lr has no effect: it does"),
    "steps of the oracle": (["-s", "methods.retrain.steps=3"], "it trains as training says"),
    "rate of one step": (["-s", "methods={ssd: {lr: 0.5}}"], "methods.ssd.lr has no effect"),
    "pairing": (["-s", "methods={scrub: {pairing: zip}}"], "methods.scrub.pairing has no effect"),
    "epsilon": (
        ["-s", "methods={noisy_finetune: {sigma: 0.1, epsilon: 2}}"],
        "methods.noisy_finetune.epsilon has no effect: sigma is given",
    ),
    "evidence": (["-s", "evidence={models: 16}"], "use qhu evidence"),
    "a value twice": (
        ["-s", "training.epochs=2", "-s", "training.epochs=1"],
        "-s training.epochs=2 has no effect, because -s training.epochs=1 comes after it",
    ),
    "a method left out": (
        ["--methods", "finetune", "-s", "methods={new: {method: scrub}}"],
        "add new to --methods",
    ),
}


@pytest.fixture(autouse=True)
def _folder(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE"):
        monkeypatch.delenv(name, raising=False)
    Path("tiny.yaml").write_text(
        "{name: tiny, training: {epochs: 1}, unlearning: {steps: 4}, seeds: 0, metrics: [acc], "
        "scenarios: {subset: {fraction: 0.1}}, methods: [finetune]}"
    )
    Path("backends.yaml").write_text(BACKENDS)
    Path("sweep.yaml").write_text(SWEEP)


def refused(qhu, *arguments):
    """What is said of a wrong command, which leaves no trace of a run."""
    code, out, errors = qhu(*arguments)
    said = [
        line for line in errors.splitlines() if not line.startswith(("backend ", "experiment "))
    ]
    assert code == 2, (out, errors)
    assert len(said) == 1 and said[0].startswith("qhu: ") and len(said[0]) < 500, errors
    assert not THEIRS.search(said[0]), said[0]
    assert not list(Path().rglob("run.json")) and not list(Path().rglob("*.safetensors"))
    assert not Path("runs").exists() or not any(p.is_file() for p in Path("runs").rglob("*"))
    return said[0]


@pytest.mark.parametrize("case", RUNS)
def test_a_run_is_refused_before_anything_is_written(qhu, case):
    arguments, words = RUNS[case]
    assert words in refused(qhu, "run", "tiny.yaml", *arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["run", "sweep.yaml"],
            "sweep.yaml: it varies a setting, by its section sweep: use qhu ab",
        ),
        (["plan", "sweep.yaml"], "use qhu ablate"),
        (["evidence", "sweep.yaml"], "use qhu ablate"),
        (["tune", "sweep.yaml"], "use qhu ablate"),
        (["ablate", "tiny.yaml"], "varies nothing: give sweep.vary, or use qhu run"),
        (["ablate", "sweep.yaml"], "sweep.read 'kl_forget' is a score of none of the metrics"),
        (["ablate", "sweep.yaml", "-s", "model.layers=3"], "-s model.layers=3 has no effect"),
        (["evidence", "tiny.yaml", "-s", "evidence.models=9"], "must be a multiple of 2"),
        (["evidence", "tiny.yaml", "-s", "evidence.models=1000000000"], "must be 1000000 or less"),
        (["evidence", "tiny.yaml", "-s", "evidence.bank=1000000000"], "must be 1000000 or less"),
        (["evidence", "tiny.yaml", "--workers", "100000"], "100,000 workers would take"),
        (["tune", "tiny.yaml", "--trials", "1000000000"], "trials: must be 10000 or less"),
        (["tune", "tiny.yaml", "-s", "methods.finetune.patience=3"], "has no effect"),
        (["claims", "--models", "1000000000"], "must be 1000000 or less"),
        (["claims", "-s", "trainin.epochs=3"], "-s trainin.epochs=3: unknown key 'trainin'"),
        (["plan", "tiny.yaml", "--backend", "far"], "layout qubits must lie in 0 … 4"),
        (["plan", "tiny.yaml", "-s", "methods={cf_k: {move: rest, k: 9}}"], "k 9 leaves none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_every_command_refuses_alike(qhu, arguments, words):
    assert words in refused(qhu, *arguments)


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"methods": {"scrub": {"method": "finetune"}}}, {}, "of the method scrub"),
        ({"methods": {"ssd": {"lr": 0.5}}}, {}, "methods.ssd.lr has no effect"),
        ({}, {"workers": -1}, "workers must be a whole number"),
        ({}, {"workers": 1.5}, "workers must be a whole number"),
        ({"seeds": [0, "1-2"]}, {}, "seeds.1: must be a whole number"),
    ],
)
def test_python_refuses_alike(changes, options, words):
    given = {
        "name": "x",
        "scenarios": {"a": {"fraction": 0.1}},
        "methods": ["finetune"],
        "seeds": 0,
        "training": {"epochs": 1},
        "metrics": ["acc"],
        **changes,
    }
    with pytest.raises(package.UserError) as caught:
        package.run(given, **options)
    assert words in str(caught.value)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('a,b,label\n1,2,"x\ny"\n\n# c\n1,2,z\n1,2,3,4\n1,2,z\n', "line 7 has 4 cells"),
        ('a,b,label\n1,2,"x\ny"\n\n# c\n1,2,z\n1,oops,z\n1,2,z\n', "(line 7), column 'b'"),
        ('a,b,label\n1,2,"x\n# in it\n\ny"\n1,,z\n1,2,z\n', "(line 6), column 'b'"),
    ],
)
def test_lines_of_a_table_are_counted_as_editors_count(qhu, text, words):
    Path("t.csv").write_text(text)
    assert words in refused(qhu, "run", "tiny.yaml", "-s", "data.source=file:t.csv")
