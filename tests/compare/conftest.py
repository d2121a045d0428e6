"""Runs of one small experiment under noise of which every part is known."""

import json
import shutil

import pytest
import yaml
from markupsafe import Markup
from matplotlib.figure import Figure
from rich.console import Console

from qhu.grid.run import run
from qhu.report.svg import Drawing
from qhu.settings.experiment import load_experiment

EXPERIMENT = """
name: known
model: {layers: 1, angle: 0.5}
training: {epochs: 3}
unlearning: {steps: 5}
scenarios: {class: {label: 0}}
methods: [finetune, scrub]
metrics: [acc, kl]
seeds: 0-2
"""
NOISES = {
    "readout": {"readout": [0.03, 0.08]},
    "gates": {"depolarizing": [0.01, 0.03]},
    "both": {"depolarizing": [0.01, 0.03], "readout": [0.03, 0.08]},
    "shots": {"depolarizing": [0.01, 0.03], "readout": [0.03, 0.08], "shots": 200},
}


@pytest.fixture(scope="session")
def known(tmp_path_factory):
    """A working folder with a run folder per noise, and ``exact``; not to be changed."""
    folder = tmp_path_factory.mktemp("known")
    (folder / "known.yaml").write_text(EXPERIMENT)
    entries = {f"noise_{name}": {"kind": "aer", **noise} for name, noise in NOISES.items()}
    (folder / "backends.yaml").write_text(yaml.safe_dump(entries))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("qhu.grid.collect.write_report", lambda folder: None)
        for name in ("exact", *NOISES):
            backend = "statevector" if name == "exact" else f"noise_{name}"
            asked = load_experiment(folder / "known.yaml", [f"stages.evaluate={backend}"])
            run(asked, folder / name, Console(quiet=True))
    return folder


@pytest.fixture(scope="session")
def blank():
    """Stands in for a figure: they take most of the time."""
    return Drawing("", Markup(), "", Figure())


@pytest.fixture
def undrawn(monkeypatch, blank):
    """Leaves figures out."""
    monkeypatch.setattr("qhu.report.comparison.sections.draw", lambda *_: blank)


@pytest.fixture
def runs(known, tmp_path, monkeypatch):
    """Copies of some run folders, in an empty working folder; without checksums, to be edited."""
    monkeypatch.chdir(tmp_path)

    def copied(*names):
        for name in names:
            shutil.copytree(known / name, tmp_path / name)
            file = tmp_path / name / "run.json"
            record = json.loads(file.read_text())
            file.write_text(json.dumps({**record, "files": {}, "checksum": ""}))
        return [tmp_path / name for name in names]

    return copied
