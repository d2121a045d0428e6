"""The Python interface: what docs/api.md shows, run as a notebook would."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import qhu as package

DOCS = Path(__file__).parents[1] / "docs"
COUNTED = """
from qhu.record.store import Store

put, computed = Store.put, []
Store.put = lambda self, key, *rest: (computed.append(key), put(self, key, *rest))
"""
EDITED = """
both = {**experiment.model_dump(), "methods": ["finetune", "step_back"]}
SHARE = 1.0
computed.clear()
edited = qhu.run(both)
assert len(computed) == 2 * 2, "the edited method alone: model and outputs of two seeds"
SHARE = 0.5
computed.clear()
qhu.run(both)
assert not computed, "the old one is found again"

SHARE = 1.0
import qhu.grid.run, pathlib
qhu.grid.run.STORE = pathlib.Path("another-store")
worked = qhu.run(both, out="worked", workers=1)
assert worked.summary.equals(edited.summary)

assert list(run.summary.columns[-4:]) == ["mean", "ci_low", "ci_high", "seeds"]
assert set(run.predictions.method) == {"none", "retrain", "floor", "finetune", "scrub"}
assert {"loss", "val_loss", "seed"} <= set(run.history)
assert run.report().name == "report.html"
assert "sure_test" in set(run.results.metric)

stored = run.predictions.query("method == 'scrub' and seed == 0 and scenario == 'subset'")
stored = stored.set_index("row").filter(regex="^p")
assert len(stored) > 100
assert abs(probabilities.detach()[stored.index].numpy() - stored).max().max() < 1e-6
assert set(elsewhere.results.method) == {"none", "retrain", "floor", "mine"}
assert set(elsewhere.results.seed) == {0}
assert callable(qhu.evaluate)
print("all of it ran")
"""


def run_python(code, cwd, *arguments):
    """Run code the way a kernel does: as ``__main__``, without a file."""
    path = os.pathsep.join([str(DOCS.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


def test_the_page_runs_and_an_edited_method_is_computed_again(tmp_path):
    cells = re.findall(r"```python\n(.*?)```", (DOCS / "api.md").read_text(), re.DOTALL)
    assert len(cells) == 5
    done = run_python(COUNTED + "\n".join(cells) + EDITED, tmp_path)
    assert done.stdout.endswith("all of it ran\n"), done.stderr
    assert not done.stderr


def test_importing_takes_nothing_along():
    code = "import sys, qhu; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = run_python(code, None).stdout
    assert "qhu" in loaded
    for heavy in ("torch", "qiskit", "pandas", "numpy", "pydantic", "distributed"):
        assert f"'{heavy}'" not in loaded


def test_every_public_name_is_there():
    for name in package.__all__:
        assert getattr(package, name) is not None
        assert name in dir(package)
    with pytest.raises(AttributeError, match="no attribute 'expriment'"):
        package.expriment  # noqa: B018


def test_mistakes_in_a_dict_are_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(package.UserError, match=r"^experiment: scenarios: [^\n]+$"):
        package.run({"name": "x", "methods": ["finetune"]})
    with pytest.raises(package.UserError, match="cannot read absent"):
        package.run("absent.yaml")
    assert not list(tmp_path.iterdir())


def test_a_method_without_options_is_told(tiny, qhu, monkeypatch):
    monkeypatch.setattr(package.method, "_entries", dict(package.method._entries))
    package.method.names()

    @package.method("bare")
    def bare(student, task, options):
        """Takes anything."""

    code, _, errors = qhu("run", tiny, "--methods", "bare")
    assert code == 2
    assert "annotate its parameter options with qhu.MethodOptions" in errors
    assert not Path("runs").exists()


def test_a_taken_name_is_refused_in_the_notebook(monkeypatch):
    def scrub(student, task, options: package.MethodOptions):
        """Not the one you know."""

    scrub.__module__ = "__main__"
    with pytest.raises(package.QhuError, match="'scrub' is defined twice"):
        package.method("scrub")(scrub)


def test_a_finished_run_opens_from_its_folder(tiny, qhu):
    qhu("run", tiny, "--out", "here", "--methods", "finetune", "--seeds", "0")
    run = package.Run("here")
    assert run.folder == Path("here")
    assert len(run.results) == len(Path("here/results.csv").read_text().splitlines()) - 1
    assert json.loads(Path("here/run.json").read_text())["status"] == "finished"
    with pytest.raises(package.UserError, match="there is no folder nowhere"):
        package.Run("nowhere")
