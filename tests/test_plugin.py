"""The example plugin: installed by pip into a folder of its own, found by its entry points."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

PLUGIN = Path(__file__).parents[1] / "docs" / "example-plugin"
CODE = "from qhu.cli import main; main()"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder that the plugin is installed in."""
    source, target = tmp_path_factory.mktemp("source") / "plugin", tmp_path_factory.mktemp("site")
    shutil.copytree(PLUGIN, source)  # pip builds beside the source
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-build-isolation", "--no-index", "--target", target]
    subprocess.run([*pip, *alone, source], check=True)
    return target


def call(site, cwd, *arguments):
    """The command in a process that finds the plugin."""
    path = os.pathsep.join([str(site), str(PLUGIN.parents[1])])
    return subprocess.run(
        [sys.executable, "-c", CODE, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def test_all_of_it_works_together_here_and_on_a_worker(site, tmp_path):
    experiment = PLUGIN / "moons.yaml"
    short = ("--seeds", "0-1", "-s", "training.epochs=3", "-s", "unlearning.steps=4")
    done = call(site, tmp_path, "run", experiment, *short, "--out", "alone")
    assert (done.returncode, done.stderr) == (0, "")
    results = pd.read_csv(tmp_path / "alone" / "results.csv")
    assert set(results.dataset) == {"moons"}
    assert list(results.backend.unique()) == ["faded", "statevector"]
    assert "shrink_perturb" in set(results.method)
    assert results.query("metric.str.startswith('brier_')").value.between(0, 2).all()
    record = json.loads((tmp_path / "alone" / "run.json").read_text())
    assert record["effective"]["evaluate"] == {"kind": "faded", "p": 0.1, "exact": True}
    assert record["status"] == "finished"
    assert "ash2020warm" in (tmp_path / "alone" / "references.bib").read_text()

    shutil.rmtree(tmp_path / "runs")
    done = call(site, tmp_path, "run", experiment, *short, "--out", "worked", "--workers", "1")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("results.csv", "summary.csv"):
        assert (tmp_path / "worked" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_its_names_are_listed_and_its_options_checked(site, tmp_path):
    listed = call(site, tmp_path, "list", "methods").stdout
    assert re.search(r"^shrink_perturb +Shrink θ towards zero", listed, re.MULTILINE)
    assert "phases             H and a phase" in call(site, tmp_path, "list", "encodings").stdout
    assert "Whether the prediction is right." in call(site, tmp_path, "list", "attacks").stdout
    wrong = ("-s", "methods.shrink_perturb.shrink=2")
    done = call(site, tmp_path, "run", PLUGIN / "moons.yaml", *wrong)
    assert done.returncode == 2
    assert "method 'shrink_perturb': shrink" in done.stderr


def test_a_broken_plugin_is_named(site, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(site, broken)
    (broken / "qhu_example" / "brier.py").write_text("import absent_package")
    done = call(broken, tmp_path, "list", "metrics")
    assert done.returncode == 2
    assert "plugin qhu_example.brier does not load" in done.stderr
    assert "uninstall qhu-example" in done.stderr
    assert done.stderr.count("\n") == 1
