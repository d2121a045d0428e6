"""Metrics through a run: which are computed, what the record says of them, who reads it."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from setups import make_setups

from qhu import registry
from qhu.grid.run import run
from qhu.record.released import COLUMNS
from qhu.record.scores import Reading
from qhu.record.store import Store
from qhu.report.ablation.page import write_ablation
from qhu.settings.experiment import load_experiment
from qhu.settings.sweep import Sweep
from qhu.study import Study

SHORT = ["training.epochs=2", "unlearning.steps=4", "scenarios={subset: {fraction: 0.1}}"]


def results_of(experiment, folder, *settings):
    """Results of a run, and its record."""
    chosen = {setting.partition("=")[0]: setting for setting in (*SHORT, *settings)}
    asked = load_experiment(experiment, list(chosen.values()))
    folder = run(asked, Path(folder), Console(quiet=True))
    return pd.read_csv(folder / "results.csv"), json.loads((folder / "run.json").read_text())


@pytest.fixture
def hellinger(monkeypatch):
    """A distance to the oracle that qhu has never heard of."""
    monkeypatch.setattr(registry.metric, "_entries", dict(registry.metric._entries))
    registry.metric.names()  # what qhu has is loaded before

    @registry.metric(
        "hellinger",
        reads=Reading(
            title="Hellinger distance to the oracle",
            against="floor",
            better="lower",
            span=(0, 1),
            headline=("forget",),
            claimed=("forget",),
        ),
    )
    def hellinger(evidence):
        """Hellinger distance of the predictions to the oracle's."""
        p, q = (np.sqrt(o.probabilities) for o in (evidence.model, evidence.oracle))
        return evidence.mean_by_subset("hellinger", np.sqrt(((p - q) ** 2).sum(axis=1) / 2))


@pytest.fixture
def undrawn(monkeypatch):
    monkeypatch.setattr("qhu.grid.collect.write_report", lambda folder: None)


def test_what_is_on_request_is_computed_where_it_is_named(tiny, undrawn):
    results, record = results_of(tiny, "usual")
    assert not set(COLUMNS) & set(results["metric"]), "an attack whose non-members are members"
    assert set(record["metrics"]) == set(results["metric"])
    results, record = results_of(tiny, "asked", "metrics=[acc, released]")
    assert set(COLUMNS) < set(results["metric"])
    assert record["metrics"]["KL_retain"]["metric"] == "released"


def test_the_record_says_how_every_score_is_read(tiny, undrawn):
    _, record = results_of(tiny, "out", "metrics=[acc, kl]")
    assert record["schema_version"] == 2
    score = record["metrics"]["kl_forget"]
    assert score["title"] == "KL to the oracle (nats), forget rows"
    assert (score["against"], score["better"], score["metric"]) == ("floor", "lower", "kl")
    assert record["metrics"]["acc_test"]["against"] == "retrain"
    assert record["metrics"]["delta_acc_test"]["against"] == 0


def test_a_distance_that_qhu_has_never_heard_of_is_read_against_the_floor(tiny, hellinger):
    results, _ = results_of(tiny, "out", "metrics=[acc, hellinger]")
    values = results[results["metric"] == "hellinger_forget"]
    values = values.pivot(index="seed", columns="method", values="value")
    differences = pd.read_csv("out/tables/subset-differences.csv", index_col="method")
    assert differences.loc["scrub", "hellinger_forget-floor"] == pytest.approx(
        (values["scrub"] - values["floor"]).mean()
    )
    assert not any("hellinger" in c and "retrain" in c for c in differences)
    scores = pd.read_csv("out/tables/subset-scores.csv", index_col="method")
    assert np.isnan(scores.loc["retrain", "hellinger_forget"]), "the oracle to itself"
    page = Path("out/report.html").read_text()
    assert re.search(
        r"hellinger_forget: mean[^<]* rows per seed\. Line and band: the floor\.", page
    )
    assert "Hellinger distance of the predictions to the oracle&#39;s" in page


def test_an_ablation_reads_it_against_the_floor_too(tiny, hellinger, undrawn):
    vary = {"unlearning.steps": [4, 6]}
    sweep = Sweep.model_validate({"question": "?", "vary": vary, "read": "hellinger_forget"})
    found = {}
    for label in sweep.labels:
        setting = f"unlearning.steps={label}"
        found[label], _ = results_of(tiny, label, "metrics=[acc, hellinger]", setting)
    runs = {label: Path(label) for label in found}
    page = write_ablation(Path(), "x", sweep, runs, make_setups(found)).read_text()
    assert "Hellinger distance to the oracle, forget rows, minus the floor's, is" in page.replace(
        "&#39;", "'"
    )
    last = found["6"][found["6"]["metric"] == "hellinger_forget"]
    values = last.pivot(index="seed", columns="method", values="value")
    expected = (values["none"] - values["floor"]).mean()
    assert f"{expected:+.3f}".replace("-", "−") in page


def test_a_metric_that_is_read_in_another_way_is_another_run(tiny, hellinger):
    def fingerprint():
        asked = load_experiment(tiny, [*SHORT, "metrics=[hellinger]"])
        return Study(asked, Store(Path("unused"))).fingerprint

    before, entry = fingerprint(), registry.metric["hellinger"]
    registry.metric("hellinger", reads=Reading(title="H", against="retrain"))(entry.make)
    assert fingerprint() != before
