"""Every kind of forget set through whole runs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import qhu
from qhu.errors import UserError
from qhu.grid import run as grid
from qhu.grid.description import describe
from qhu.memorisation import halves
from qhu.record.store import Store
from qhu.seeding import numpy_stream
from qhu.settings.experiment import make_experiment
from qhu.study import Study

KINDS = """
name: kinds
data: {copies: {rows: 4, copies: 2}}
training: {epochs: 3}
unlearning: {steps: 5}
scenarios:
  top: {memorised: {top: 7, models: 6}}
  hard: {memorised: {tier: hard, count: 5, models: 6}}
  easy: {memorised: {tier: easy, models: 6}}
  outliers: {outliers: 6}
  cluster: {cluster: {count: 5, within: class}}
  originals: {duplicates: originals}
  all: {duplicates: all}
methods: [none]
metrics: [acc]
seeds: 0
"""
COUNTS = {"top": 7, "hard": 5, "easy": 37, "outliers": 6, "cluster": 5, "originals": 4, "all": 12}
FEW = {"top": 5, "models": 4}


@pytest.fixture
def kinds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "kinds.yaml"
    path.write_text(KINDS)
    return path


def asked(**changes):
    settings = {
        "name": "few",
        "training": {"epochs": 2},
        "unlearning": {"steps": 2},
        "scenarios": {"s": {"memorised": FEW}},
        "methods": ["none"],
        "seeds": [0],
    }
    return make_experiment(settings | changes, "here")


def test_every_kind_runs_and_says_what_it_forgets(kinds, qhu):
    code, printed, errors = qhu("run", kinds, "--out", "here")
    assert (code, errors) == (0, "")
    assert "memorisation: trains 6 models on random halves of the training rows" in printed
    assert "4 training rows have 2 copies each" in " ".join(printed.split())
    whole = " ".join(printed.split()).replace(" scenario ", "\nscenario ")  # lines are folded
    lines = dict(line.split(": ", 1) for line in whole.splitlines() if " forgets " in line)
    assert lines["scenario top"].startswith("forgets 7 training rows: the 7 most memorised")
    assert "by 6 models trained on random halves; memorisation " in lines["scenario top"]
    assert "least like their class; local outlier factor " in lines["scenario outliers"]
    assert "that have copies, and the copies" in lines["scenario all"]
    results = pd.read_csv("here/results.csv")
    sizes = results[results.metric == "acc_forget"].groupby("scenario").n.unique()
    assert {name: counts.tolist() for name, counts in sizes.items()} == {
        name: [count] for name, count in COUNTS.items()
    }
    predictions = pd.read_parquet("here/predictions.parquet")
    copies = predictions[predictions.row >= 150]
    assert set(copies.row) == set(range(150, 158)) and set(copies.subset) == {"forget", "retain"}
    page = Path("here/methods.md").read_text()
    assert "top: forget the 7 most memorised training rows" in page
    assert "[@feldman2020what]" in page and "[@breunig2000lof]" in page
    assert qhu("run", kinds, "--out", "here")[1].startswith("here is finished already")


def test_memorisation_is_what_networks_on_halves_say(tmp_path, monkeypatch):
    """Two networks, each trained here on its half by the stages' own recipe."""
    monkeypatch.chdir(tmp_path)
    study = Study(asked(training={"epochs": 20}))
    part = study.partition(0)
    members = halves(part.labels[part.train], 4, numpy_stream(0, "halves", 4))
    given = np.concatenate([study.graded(h).arrays["given"] for h in study.halves()])
    assert given.shape == members.shape and ((given > 0) & (given < 1)).all()
    value, error = study.memorisation(0, 4)
    row = 17
    inside, outside = given[members[:, row], row], given[~members[:, row], row]
    assert value[row] == pytest.approx(inside.mean() - outside.mean())
    assert np.isfinite(error).all()
    top = study.partition(0, "s").forget
    np.testing.assert_array_equal(top, part.train[np.sort(np.argsort(-value)[:5])])


def test_rows_with_a_random_label_are_memorised_more():
    """Only memory gets them right."""
    study = Study(
        asked(
            data={"label_noise": 0.08},
            training={"epochs": 60, "lr": 0.05, "batch_size": 16},
            scenarios={"w": {"mislabelled": True}},
        )
    )
    part, grades = study.partition(0, "w"), study.memorisation(0, 32).value
    wrong = np.isin(part.train, part.forget)
    assert grades[wrong].mean() > 2 * grades[~wrong].mean()


def test_models_on_halves_are_kept_by_parts_and_resumed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qhu.study.STACKED", 2)
    experiment, store = asked(), Store(tmp_path / "store")
    whole = Study(experiment).memorisation(0, 4).value
    study = Study(experiment, store)
    first, second = study.halves()
    study.graded(first)
    assert study.is_graded(first) and not study.is_graded(second)
    trained = []
    again = Study(experiment, store)
    fit = again.fit_halves
    monkeypatch.setattr(again, "fit_halves", lambda p, spec: trained.append(p) or fit(p, spec))
    np.testing.assert_array_equal(again.memorisation(0, 4).value, whole)
    assert trained == [second]


def test_other_scenarios_train_none_and_are_not_moved():
    alone = asked(scenarios={"a": {"fraction": 0.1}})
    beside = asked(scenarios={"a": {"fraction": 0.1}, "s": {"memorised": FEW}})
    assert Study(alone).halves() == []
    for name in ("retain", "forget", "val", "test"):
        rows = [getattr(Study(e).partition(0, "a"), name) for e in (alone, beside)]
        np.testing.assert_array_equal(*rows)
    study = Study(beside)
    assert len(study.partition(0, "a").forget) == 10 and not study.is_graded(study.halves()[0])


def test_wrong_inputs_are_refused_before_models_are_trained(tmp_path, monkeypatch, qhu):
    monkeypatch.chdir(tmp_path)
    for scenario, message in (
        ({"memorised": {"top": 500, "models": 4}}, "train has 102 rows and 500 are asked for"),
        ({"memorised": {"tier": "hard", "count": 50, "models": 4}}, "tier hard has 34 rows"),
    ):
        with pytest.raises(UserError, match=message):
            grid.run(asked(scenarios={"s": scenario}), None, Console(quiet=True))
    other = {"s": {"memorised": FEW}, "b": {"outliers": 500}}
    with pytest.raises(UserError, match="scenario 'b': train has 102 rows"):
        grid.run(asked(scenarios=other), None, Console(quiet=True))
    assert not list(tmp_path.rglob("*.safetensors")) and not Path("runs/few").exists()


def test_a_partition_in_python_finds_what_a_run_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    experiment = asked()
    store = Store(grid.STORE)
    forget = Study(experiment, store).partition(0, "s").forget
    monkeypatch.setattr(Study, "fit_halves", None)
    np.testing.assert_array_equal(qhu.partition(experiment, 0, "s").forget, forget)


def test_where_networks_train_one_by_one_the_line_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qhu.grid.collect.write_report", lambda folder: None)
    console = Console(record=True, width=300, file=Path("out").open("w"))  # noqa: SIM115
    experiment = asked(model={"head": {"name": "mlp", "hidden": [4], "dropout": 0.2}})
    assert not Study(experiment).net("train").stacked
    grid.run(experiment, None, console)
    printed = console.export_text()
    assert "trains 4 models on random halves of the training rows, one at a time: about" in printed
    assert "a lower memorised.models takes less" in printed


@pytest.mark.slow
def test_workers_share_what_was_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = grid.run(asked(), Path("here"), Console(quiet=True))
    there = asked()
    monkeypatch.setattr(grid, "STORE", Path("other/.stages"))
    on_dask = grid.run(there, Path("there"), Console(quiet=True), workers=1)
    first, second = ((folder / "results.csv").read_text() for folder in (here, on_dask))
    assert first == second


def test_no_device_trains_models_on_halves():
    study = Study(asked())
    study.paid["train"] = study.backends["train"]
    with pytest.raises(UserError, match="4 models would be trained on statevector"):
        study.memorisation(0, 4)


def test_a_run_says_what_splits_and_batches_do_that_a_reader_may_not_expect(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = {"scenarios": {"s": {"fraction": 0.1}, "rows": {"ids": list(range(0, 150, 10))}}}
    study = Study(asked(**rows, training={"epochs": 1, "batch_size": 150}), Store(tmp_path))
    (exchanged,) = [remark for remark in describe(study).remarks if "ids" in remark]
    places = len(study.partition(0).split.exchanged)
    assert places > 0 and f"up to {places} of them" in exchanged
    assert any("s, rows fit one batch" in remark for remark in describe(study).remarks)
    assert describe(Study(asked(), Store(tmp_path))).remarks == ()
