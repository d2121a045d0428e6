"""Events of a run, and what trackers make of them, read back by their own readers."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from qhu import pipeline
from qhu.errors import UnknownName, UserError
from qhu.grid.events import CellFinished, Listeners, RunFinished, RunStarted
from qhu.grid.run import run
from qhu.settings.experiment import load_experiment
from qhu.trackers import open_trackers


@pytest.fixture
def small(tiny, monkeypatch):
    """A scenario of two seeds, a cell of which fails."""
    evaluate = pipeline.evaluate

    def broken(study, cell):
        if (cell.method, cell.seed) == ("finetune", 1):
            raise ValueError("bad")
        return evaluate(study, cell)

    monkeypatch.setattr(pipeline, "evaluate", broken)
    return load_experiment(tiny, ["scenarios={subset: {fraction: 0.1}}"], ["finetune"])


def started(experiment, listeners, out="here", console=None):
    """Run with listeners, whatever comes of it."""
    from qhu.errors import Incomplete

    with pytest.raises(Incomplete):
        run(experiment, Path(out), console or Console(quiet=True), listeners=listeners)


def test_events_and_what_tensorboard_keeps_of_them(small, capsys):
    pytest.importorskip("tensorboard")
    events = []

    def breaks(event):
        raise KeyError("no server")

    listeners = [breaks, events.append, *open_trackers(["tensorboard"])]
    started(small, listeners, console=Console())
    assert capsys.readouterr().out.count("listener breaks failed and is left out: KeyError") == 1

    begun, *cells, ended = events
    assert isinstance(begun, RunStarted) and isinstance(ended, RunFinished)
    assert (begun.folder, begun.name, ended.status) == (Path("here"), "tiny", "incomplete")
    assert begun.settings["training"]["epochs"] == 3 and ended.seconds > 0
    assert all(isinstance(cell, CellFinished) for cell in cells)
    assert len({(cell.scenario, cell.method, cell.seed) for cell in cells}) == len(cells) == 8
    (bad,) = (cell for cell in cells if cell.failed)
    assert (bad.method, bad.seed, dict(bad.scores)) == ("finetune", 1, {})
    results = pd.read_csv("here/results.csv")
    values = {
        (f"{scenario}/{method}/{metric}", seed): value
        for scenario, method, seed, metric, value in results[
            ["scenario", "method", "seed", "metric", "value"]
        ].itertuples(index=False)
    }
    kept_by_tensorboard(values)


def test_what_mlflow_keeps(tmp_path, monkeypatch):
    tracking = pytest.importorskip("mlflow.tracking", exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", Path("mlruns").absolute().as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database takes seconds to be made
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    (listen,) = open_trackers(["mlflow"])
    here, settings = Path("here"), {"training": {"epochs": 3}, "metrics": ["x" * 1000]}
    here.mkdir()
    for name in ("report.html", "results.csv", "summary.csv", "run.json"):
        (here / name).write_text(name)
    values = {("subset/scrub/acc_test", 0): 0.5, ("subset/scrub/acc_test", 1): 0.75}
    listen(RunStarted(here, "tiny", settings, "abc"))
    for (_, seed), value in values.items():
        listen(CellFinished(here, "subset", "scrub", seed, "exact", {"acc_test": value}))
    listen(CellFinished(here, "subset", "scrub", 2, "exact", failed=("ValueError: bad",)))
    listen(RunFinished(here, "incomplete", 1.0))
    client = tracking.MlflowClient()
    experiment = client.get_experiment_by_name("tiny")
    (kept,) = client.search_runs([experiment.experiment_id])
    assert kept.info.status == "FAILED" and kept.data.tags["qhu.status"] == "incomplete"
    assert kept.data.tags["mlflow.runName"] == "abc"
    assert kept.data.params["training.epochs"] == "3"
    history = {
        (name, point.step): point.value
        for name in kept.data.metrics
        for point in client.get_metric_history(kept.info.run_id, name)
    }
    assert history == pytest.approx(values)
    files = {file.path for file in client.list_artifacts(kept.info.run_id)}
    assert files == {"report.html", "results.csv", "summary.csv"}


def kept_by_tensorboard(values):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator("here/tensorboard").Reload()
    tags = set(reader.Tags()["scalars"])
    seen = {(tag, point.step): point.value for tag in tags for point in reader.Scalars(tag)}
    assert {k: v for k, v in seen.items() if "loss/" not in k[0]} == pytest.approx(values, rel=1e-6)
    lines = [json.loads(line) for line in Path("here/history.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["stage"] == "teacher" and line["seed"] == 0]
    points = reader.Scalars("loss/teacher/seed 0")
    assert [point.value for point in points] == pytest.approx(losses, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "module"), [("mlflow", "mlflow.tracking"), ("tensorboard", "torch.utils.tensorboard")]
)
def test_a_tracker_that_is_not_installed_is_one_line(monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=rf"^{name} cannot be .*: pip install 'qhu\[{name}\]'$"):
        open_trackers([name])


def test_an_unknown_tracker_is_refused():
    with pytest.raises(UnknownName, match="did you mean 'mlflow'"):
        open_trackers(["mlflw"])


def test_listeners_go_on_without_one_that_fails():
    seen = []

    def fails(event):
        raise ValueError("x")

    listen = Listeners([fails, seen.append], Console(quiet=True))
    listen(RunFinished(Path("x"), "finished", 1.0))
    listen(RunFinished(Path("y"), "finished", 1.0))
    assert [event.folder.name for event in seen] == ["x", "y"]
