"""The code of the pages works as it stands."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from documents import ROOT, blocks, pages, place
from shadow_pool import shadow_pool

import qhu
from qhu import registry
from qhu.evidence.auc import auc
from qhu.evidence.game import forget_game
from qhu.model.circuit import build_ansatz
from qhu.settings.experiment import make_experiment
from qhu.settings.model import ModelSpec
from qhu.settings.parts import Scenario
from qhu.settings.sweep import load_sweep
from qhu.study import Study

DOCS = ROOT / "docs"
TESTED = {
    "docs/howto.md": "report/test_figure_style.py",
    "docs/extend.md": "docs/test_snippets.py",
    "docs/backends.md": "docs/test_snippets.py",
    "docs/emulator.md": "docs/test_snippets.py",
    "docs/engine.md": "docs/test_snippets.py",
    "docs/ablations.md": "docs/test_snippets.py",
    "docs/datasets.md": "docs/test_snippets.py",
    "docs/scenarios.md": "docs/test_snippets.py",
    "docs/settings.md": "docs/test_snippets.py",
    "docs/api.md": "test_api.py",
    "docs/metrics/index.md": "metrics/test_evidence.py",
    "docs/networks/index.md": "docs/test_snippets.py",
    "docs/networks/circuits.md": "docs/test_snippets.py",
    "docs/scale.md": "grid/test_cluster.py",
}
"""Pages with code, and the tests that read it."""


def test_all_code_is_run_by_some_test():
    fence = re.compile("^```(python|yaml)", re.MULTILINE)
    found = {place(page) for page in pages() if fence.search(page.read_text())}
    assert found == set(TESTED)
    for page, test in TESTED.items():
        assert page.rpartition("/")[2] in (ROOT / "tests" / test).read_text()


@pytest.fixture
def added(monkeypatch):
    """Runs what pages define; forgets it afterwards."""
    for kind in registry.REGISTRIES.values():
        kind.names()
        monkeypatch.setattr(kind, "_entries", dict(kind._entries))
    for page in ("extend.md", "backends.md"):
        for block in blocks(DOCS / page, "python"):
            exec(block, {"__name__": "__main__"})


def test_all_that_is_added_works_together(added, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qhu.grid.collect.write_report", lambda folder: None)
    run = qhu.run(
        {
            "name": "extended",
            "data": {"source": "rings"},
            "model": {
                "front": "squeezed",
                "qubits": 2,
                "encoding": "phases",
                "reupload": True,
                "ansatz": "bricks",
                "observables": "x_and_z",
                "head": "plain",
            },
            "training": {"epochs": 1},
            "unlearning": {"steps": 2},
            "stages": {"evaluate": "mine"},
            "scenarios": {"inner": {"label": 0}},
            "methods": {"drift": {"weight": 0.5}},
            "metrics": ["acc"],
            "seeds": [0],
        }
    )
    assert set(run.results["method"]) == {"none", "retrain", "floor", "drift"}
    assert set(run.results["backend"]) == {"mine", "statevector"}, "exact values stand beside"
    assert "kurmanji2023unbounded" in (run.folder / "references.bib").read_text()


def test_the_attack_that_is_added_sees_what_is_planted(added):
    game = forget_game(**shadow_pool(pairs=100, shift=2))
    rate = auc(*registry.attack["calibrated"].make(game, None), game.units, game.blocks)
    assert rate.low > 0.8


def test_the_emulator_starts_in_the_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    (block,) = blocks(DOCS / "emulator.md", "python")
    names = {}
    exec(block, names)
    assert names["emulator"].environment().items() <= os.environ.items()


def test_the_engine_serves_without_the_rest():
    names = {}
    for block in blocks(DOCS / "engine.md", "python"):
        exec(block, names)
    rows = np.linspace(-1, 1, 8).reshape(2, 4)
    exact = names["qnn"].forward(rows, names["layer"].weight.detach().numpy())
    assert names["layer"](torch.tensor(rows)).tolist() == pytest.approx(exact, abs=1e-5)
    assert 0 < names["result"].data.stds < 0.011


@pytest.mark.slow
def test_the_notebook_runs_and_says_what_it_holds(capsys):
    """Its cells compare the results themselves; the times behind the colon differ."""
    notebook = json.loads((DOCS / "examples" / "engine.ipynb").read_text())
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
            kept = "".join(line for output in cell["outputs"] for line in output["text"])
            assert capsys.readouterr().out.partition(":")[0] == kept.partition(":")[0]


def test_the_sweep_is_one(tmp_path):
    (block,) = blocks(DOCS / "ablations.md", "yaml")
    (tmp_path / "ablation").mkdir()
    (tmp_path / "iris.yaml").write_text((ROOT / "experiments" / "iris.yaml").read_text())
    (tmp_path / "ablation" / "width.yaml").write_text(block)
    sweep, experiments = load_sweep(tmp_path / "ablation" / "width.yaml")
    assert sweep.question == yaml.safe_load(block)["sweep"]["question"]
    assert [one.model.head.options.hidden for one in experiments.values()] == [(8,), (16,), (32,)]


@pytest.fixture
def a_paper(tmp_path, monkeypatch):
    """A working folder with the circuit that a page names."""
    monkeypatch.chdir(tmp_path)
    circuit = "input float x1; input float t1; qubit q; ry(x1) q; rz(t1) q; ry(t1) q;"
    Path("paper.qasm").write_text(f'OPENQASM 3.0; include "stdgates.inc"; {circuit}')


@pytest.mark.parametrize("page", ["index", "circuits"])
def test_the_networks_of_the_pages_are_made(a_paper, page):
    (block,) = blocks(DOCS / "networks" / f"{page}.md", "yaml")
    spec = ModelSpec.model_validate(yaml.safe_load(block)["model"])
    ansatz = build_ansatz(spec, 4 if page == "index" else 1)
    assert ansatz.weights and ansatz.inputs


def test_the_smaller_tasks_are_what_they_are_said_to_be():
    (block,) = blocks(DOCS / "datasets.md", "yaml")
    rest = {"name": "part", "scenarios": {"subset": {"fraction": 0.1}}, "methods": ["finetune"]}
    studies = {
        name: Study(make_experiment({**rest, "data": data}, name))
        for name, data in yaml.safe_load(block).items()
    }
    assert {name: study.shape for name, study in studies.items()} == {"wine": (4,), "digits": (4,)}
    assert len(studies["digits"].data.y) == 150
    assert studies["wine"].data.features == ("alcohol", "hue")


def test_the_page_of_forget_sets_has_every_kind():
    page = DOCS / "scenarios.md"
    (block,) = blocks(page, "yaml")
    asked = {name: Scenario(**given) for name, given in yaml.safe_load(block).items()}
    used = {kind for scenario in asked.values() for kind, value in scenario if value is not None}
    assert used == set(Scenario.model_fields)
    kinds = re.findall(r"^\| `(\w+)` \|", page.read_text(), re.MULTILINE)
    assert sorted(kinds) == sorted(set(Scenario.model_fields) - {"requests"})


def test_a_setting_in_the_file_is_the_one_behind_the_option():
    (block,) = blocks(DOCS / "settings.md", "yaml")
    (dotted,) = re.findall(r"`-s (\S+)`", (DOCS / "settings.md").read_text().replace("`-s`", ""))
    rest = {"name": "part", "scenarios": {"subset": {"fraction": 0.1}}, "methods": ["finetune"]}
    given = make_experiment({**rest, **yaml.safe_load(block)}, "page")
    assert given == make_experiment(rest, "page", [dotted]) != make_experiment(rest, "page")
