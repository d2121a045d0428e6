"""Whole runs of a small experiment."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console
from safetensors.numpy import load_file

from qhu import pipeline
from qhu.errors import Interrupted, UserError
from qhu.grid import run as grid
from qhu.grid.execute import one_by_one
from qhu.record.folder import RESULT_COLUMNS, RunFolder
from qhu.record.receipt import RECEIPTS
from qhu.record.store import Store
from qhu.settings.experiment import load_experiment
from qhu.study import Cell

FILES = {
    "experiment.yaml",
    "run.json",
    "results.csv",
    "summary.csv",
    "predictions.parquet",
    "history.jsonl",
    "costs.csv",
    "stages.txt",
    "circuit.svg",
    "references.bib",
    "report.html",
    "figures",
    "tables",
    "methods.md",
    "methods.tex",
    "models",
}
SUMMARY = [
    "dataset",
    "scenario",
    "method",
    "backend",
    "metric",
    "mean",
    "ci_low",
    "ci_high",
    "seeds",
]


def status(folder):
    return json.loads((folder / "run.json").read_text())["status"]


def test_a_run_writes_every_file_of_the_contract(tiny, qhu):
    code, _, errors = qhu("run", tiny, "--out", "here")
    assert (code, errors) == (0, "")
    here = Path("here")
    assert {path.name for path in here.iterdir()} == FILES
    record = json.loads((here / "run.json").read_text())
    assert record["status"] == "finished"
    assert set(record["effective"]) == {"train", "unlearn", "evaluate"}
    assert record["environment"]["packages"]["qiskit"]
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    assert record["environment"]["vectors"] in [*simd["baseline"], *simd.get("found", ())]
    results = pd.read_csv(here / "results.csv")
    assert list(results) == RESULT_COLUMNS
    assert list(pd.read_csv(here / "summary.csv")) == SUMMARY
    assert set(results.method) == {"none", "retrain", "floor", "finetune", "scrub"}
    per_cell = results.groupby(["scenario", "method", "seed"]).size().groupby("scenario").nunique()
    assert set(per_cell) == {1}, "every method has the same metrics"
    oracle = results[(results.method == "retrain") & results.metric.str.startswith("kl_")]
    assert (oracle.value.abs() < 1e-12).all()
    history = [json.loads(line) for line in (here / "history.jsonl").read_text().splitlines()]
    steps = [line for line in history if line.get("method") == "scrub" and "step" in line]
    assert len(steps) == 2 * (4 + 5)  # by seed, an epoch of each scenario
    costs = pd.read_csv(here / "costs.csv").set_index(["scenario", "method", "seed"])
    assert set(costs.index) == set(results.set_index(["scenario", "method", "seed"]).index)
    assert (costs["seconds"] > 0).all()
    stack = costs.loc["subset"].xs("retrain", level="method")
    assert len(stack) == 2 and stack["seconds"].nunique() == 1, "an equal share of one stack"
    oracles = [line for line in history if line["stage"] == "oracle"]
    for (scenario, method, seed), row in costs.iterrows():
        if method == "retrain":  # what training the oracle took, not handing it on
            epochs = [x for x in oracles if (x["scenario"], x["seed"]) == (scenario, seed)]
            assert row["steps"] % len(epochs) == 0 and row["steps"] > 0
        assert method != "none" or row["steps"] == 0
    models = sorted(path.name for path in (here / "models").iterdir())
    assert "seed0-teacher.safetensors" in models
    assert "seed1-class-oracle.safetensors" in models
    assert "seed1-class-scrub.safetensors" in models


def test_metrics_follow_from_the_predictions_alone(tiny, qhu):
    qhu("run", tiny, "--out", "here")
    frame = pd.read_parquet("here/predictions.parquet")
    results = pd.read_csv("here/results.csv")
    p = [column for column in frame if column.startswith("p")]
    for (scenario, method, seed), cell in frame.groupby(["scenario", "method", "seed"]):
        rows = cell[cell.subset == "retain"]
        accuracy = (rows[p].to_numpy().argmax(axis=1) == rows.label).mean()
        same = results[
            (results.scenario == scenario) & (results.method == method) & (results.seed == seed)
        ].set_index("metric")
        assert same.value["acc_retain"] == pytest.approx(accuracy)
        assert same.n["acc_retain"] == len(rows)


def test_a_model_file_opens_in_plain_torch(tiny, qhu, make_net):
    import torch

    qhu("run", tiny, "--out", "here", "--seeds", "0")
    net = make_net()
    tensors = load_file("here/models/seed0-subset-scrub.safetensors")
    net.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})


def test_the_second_time_nothing_is_computed(tiny, qhu, monkeypatch):
    qhu("run", tiny)

    def computed(*_):
        raise AssertionError("a finished stage was computed again")

    monkeypatch.setattr(Store, "put", computed)
    code, out, _ = qhu("run", tiny)
    assert code == 0
    assert "nothing to compute" in out
    code, out, _ = qhu("run", tiny, "--out", "elsewhere")
    assert code == 0, "another folder finds the same stages"
    first = next(Path("runs/tiny/statevector").iterdir())
    assert (Path("elsewhere") / "results.csv").read_bytes() == (first / "results.csv").read_bytes()


def test_a_run_of_other_rows_is_not_finished(tiny, qhu):
    rows = [f"{row % 7},{row % 5},{row % 2}" for row in range(60)]
    Path("m.csv").write_text("\n".join(rows))
    command = ("run", tiny, "--out", "here", "-s", "data.source=file:m.csv", "--seeds", "0")
    qhu(*command)
    before = json.loads(Path("here/run.json").read_text())
    assert "nothing to compute" in qhu(*command)[1]
    Path("m.csv").write_text("\n".join([*rows, "6,4,1"]))
    assert "nothing to compute" not in qhu(*command)[1]
    after = json.loads(Path("here/run.json").read_text())
    assert after["data"] != before["data"] and after["fingerprint"] == before["fingerprint"]


def test_files_are_written_again_by_other_code_and_nothing_is_computed(tiny, qhu, monkeypatch):
    command = ("run", tiny, "--out", "here", "--seeds", "0")
    qhu(*command)
    summary = Path("here/summary.csv").read_text()
    monkeypatch.setattr("qhu.record.environment.files_digest", lambda: "edited")
    monkeypatch.setattr("qhu.grid.collect.summarise", lambda results, scores: results.head(1))
    monkeypatch.setattr("qhu.grid.collect.write_report", lambda folder: None)
    monkeypatch.setattr(Store, "put", None)
    shutil.rmtree(RECEIPTS)  # other code believes none
    assert "nothing to compute" not in qhu(*command)[1]
    assert status(Path("here")) == "finished"
    assert Path("here/summary.csv").read_text() != summary
    assert "nothing to compute" in qhu(*command)[1]


def test_a_model_file_is_a_copy(tiny, qhu):
    """Whoever overwrites one does not change what later runs find in the store."""
    qhu("run", tiny, "--out", "here", "--seeds", "0")
    for model in Path("here/models").iterdir():
        model.write_bytes(b"spoilt")
    assert qhu("run", tiny, "--out", "again", "--seeds", "0")[0] == 0
    for name in ("results.csv", "predictions.parquet"):
        assert Path("again", name).read_bytes() == Path("here", name).read_bytes()


def test_more_seeds_reuse_the_ones_that_are_done(tiny, qhu, monkeypatch):
    qhu("run", tiny, "--out", "few")
    kept, put = [], Store.put

    def counted(self, key, *rest):
        kept.append(key)
        put(self, key, *rest)

    monkeypatch.setattr(Store, "put", counted)
    qhu("run", tiny, "--out", "more", "--seeds", "0-2")
    few, more = (pd.read_csv(f"{name}/results.csv") for name in ("few", "more"))
    pd.testing.assert_frame_equal(more[more.seed < 2].reset_index(drop=True), few)
    # Seed 2 alone: 5 fits and 2 × 4 methods, with the outputs of 1 + 2 × 5 distinct models.
    assert len(kept) < 30


def test_ctrl_c_keeps_what_is_finished_and_the_same_command_resumes(tiny, qhu, monkeypatch):
    evaluate, calls = pipeline.evaluate, []

    def interrupted(study, cell):
        calls.append(cell)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return evaluate(study, cell)

    monkeypatch.setattr(pipeline, "evaluate", interrupted)
    code, _, errors = qhu("run", tiny, "--out", "here")
    assert code == 130
    assert "the same command resumes" in errors
    assert status(Path("here")) == "cancelled"
    cells = pd.read_csv("here/results.csv")[["scenario", "method", "seed"]].drop_duplicates()
    assert len(cells) == 7
    monkeypatch.setattr(pipeline, "evaluate", evaluate)
    assert qhu("run", tiny, "--out", "here")[0] == 0
    assert status(Path("here")) == "finished"
    qhu("run", tiny, "--out", "undisturbed")
    for name in ("results.csv", "summary.csv", "history.jsonl"):
        assert Path("here", name).read_bytes() == Path("undisturbed", name).read_bytes()


def test_ctrl_c_among_several_runs_ends_the_one_that_works(tiny, monkeypatch):
    plain = load_experiment(tiny)
    asked = {
        name: (plain.model_copy(update={"seeds": (seed,)}), Path(name))
        for seed, name in enumerate(("first", "second", "third"))
    }
    evaluate = pipeline.evaluate

    def interrupted(study, cell):
        if cell == Cell("class", "finetune", 1):
            raise KeyboardInterrupt
        return evaluate(study, cell)

    monkeypatch.setattr(pipeline, "evaluate", interrupted)
    with pytest.raises(Interrupted):
        grid.run_all(asked, Console(quiet=True))
    assert [status(Path(name)) for name in ("first", "second")] == ["finished", "cancelled"]
    assert {path.name for path in Path("first").iterdir()} == FILES
    assert not Path("third").exists()
    monkeypatch.setattr(pipeline, "evaluate", evaluate)
    grid.run_all(asked, Console(quiet=True))
    assert [status(Path(name)) for name in asked] == ["finished"] * 3


def test_a_run_that_cannot_be_written_keeps_no_other_from_it(monkeypatch):
    ended = []

    class Full:
        study, folder, failed = SimpleNamespace(paid={}), RunFolder(Path()), {}

        def end(self, status):
            ended.append((self, status))
            raise UserError("no space left")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(grid, "_grids", interrupted)
    runs = [Full(), Full()]
    with pytest.raises(UserError):
        grid._work(runs, one_by_one, Console(quiet=True))
    assert set(ended) == {(one, "cancelled") for one in runs}


def test_the_resolved_experiment_runs_again_to_the_same_place(tiny, qhu):
    qhu("run", tiny, "--seeds", "0", "-s", "model.layers=1")
    folder = next(Path("runs/tiny/statevector").iterdir())
    settings = yaml.safe_load((folder / "experiment.yaml").read_text())
    assert settings["model"]["ansatz"]["layers"] == 1
    assert "nothing to compute" in qhu("run", folder / "experiment.yaml")[1]


def test_methods_share_the_forget_set_and_seeds_do_not(tiny, qhu):
    qhu("run", tiny, "--out", "here")
    frame = pd.read_parquet("here/predictions.parquet")
    forget = frame[(frame.scenario == "subset") & (frame.subset == "forget")]
    rows = forget.groupby(["seed", "method"]).row.apply(tuple)
    assert rows.groupby("seed").nunique().eq(1).all()
    assert rows.nunique() == 2
    probabilities = frame[[c for c in frame if c.startswith("p")]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-9)


def test_every_stage_runs_under_the_noise_of_a_device(tiny, qhu):
    stages = ("--stages", "train,unlearn,evaluate")
    code, _, errors = qhu("run", tiny, "--backend", "fake_manila", *stages, "--out", "noisy")
    assert (code, errors) == (0, "")
    effective = json.loads(Path("noisy/run.json").read_text())["effective"]
    assert {effective[stage]["device"] for stage in effective} == {"fake_manila"}
    qhu("run", tiny, "--out", "exact")
    noisy, exact = (pd.read_csv(f"{name}/results.csv") for name in ("noisy", "exact"))
    noisy = noisy[noisy["backend"] == "fake_manila"].reset_index()
    assert (noisy["value"] - exact["value"]).abs().max() > 0.01


def test_a_noisy_evaluation_reuses_the_exact_models(tiny, qhu, monkeypatch):
    qhu("run", tiny)
    monkeypatch.setattr(pipeline, "fit", lambda _, jobs, *__: [1 / 0 for job in jobs])
    assert qhu("run", tiny, "--backend", "fake_manila", "--out", "noisy")[0] == 0
    exact = next(Path("runs/tiny/statevector").iterdir())
    for model in (exact / "models").iterdir():
        assert model.read_bytes() == Path("noisy/models", model.name).read_bytes()


def test_exact_values_of_the_same_models_stand_beside_a_noisy_run(tiny, qhu):
    """Those that an exact run writes, whoever works; the files of models and rows are the run's."""
    qhu("run", tiny, "--out", "exact")
    code, out, errors = qhu("run", tiny, "--backend", "fake_manila", "--out", "noisy")
    assert (code, errors) == (0, "")
    told = "Models were trained and unlearned exactly (statevector); only their evaluation ran"
    assert f"{told} on fake_manila." in " ".join(out.split())
    results, exact = (pd.read_csv(f"{name}/results.csv") for name in ("noisy", "exact"))
    assert results["backend"].unique().tolist() == ["fake_manila", "statevector"]
    beside = results[results["backend"] == "statevector"].reset_index(drop=True)
    pd.testing.assert_frame_equal(beside, exact)
    assert pd.read_csv("noisy/summary.csv")["backend"].nunique() == 2
    rows = (pd.read_parquet(f"{name}/predictions.parquet") for name in ("noisy", "exact"))
    assert len({len(table) for table in rows}) == 1
    page = Path("noisy/report.html").read_text()
    assert told in page and "Beside the exact values</h3>" in page
    assert told not in Path("exact/report.html").read_text()


def test_shots_are_the_same_draw_whatever_ran_before(tiny, qhu, monkeypatch):
    Path("backends.yaml").write_text("shots: {kind: aer, device: fake_manila, shots: 64}")
    qhu("run", tiny, "--backend", "shots", "--out", "all", "--methods", "finetune")
    monkeypatch.setattr(grid, "STORE", Path("another-store"))
    qhu("run", tiny, "--backend", "shots", "--out", "one", "--methods", "scrub", "--seeds", "1")
    together, alone = pd.read_csv("all/results.csv"), pd.read_csv("one/results.csv")
    together = together[(together.seed == 1) & (together.method == "none")]
    alone = alone[alone.method == "none"]
    pd.testing.assert_frame_equal(together.reset_index(drop=True), alone.reset_index(drop=True))
