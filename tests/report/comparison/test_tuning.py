"""Ranks and distances before and after tuning, against values that are planted."""

import re

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup
from matplotlib.figure import Figure
from rich.console import Console

from qhu.compare.tuned import rank_tuned
from qhu.errors import UserError
from qhu.grid.run import run
from qhu.report.comparison.tuning import COLUMNS
from qhu.report.svg import Drawing
from qhu.settings.experiment import load_experiment
from qhu.settings.tuned import Tuned, TunedMethod, TunedValue

VALUE = TunedValue(objective=0.5, leakage=0.5, utility_loss=0.0)
ABOUT = Tuned(
    experiment="small",
    seeds=(100,),
    scenarios=("class",),
    trials=3,
    objective="what the test minimised",
    date="2026-01-01",
    versions={},
    methods={"scrub": TunedMethod(trials=3, before=VALUE, after=VALUE)},
)
SMALL = """
name: small
model: {layers: 1}
training: {epochs: 2}
unlearning: {steps: 4}
scenarios: {class: {label: 0}, subset: {fraction: 0.1}}
methods: [finetune, gradient_ascent]
metrics: [acc, kl]
seeds: 0-4
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with runs before and after, of which the class scenario alone was tuned."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "small.yaml").write_text(SMALL)
    given = load_experiment(folder / "small.yaml")
    chosen = ["methods.gradient_ascent.lr=0.2", "scenarios={class: {label: 0}}"]
    changed = load_experiment(folder / "small.yaml", chosen)
    tuned = changed.model_copy(update={"name": "tuned-small", "tuned": ABOUT})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("qhu.grid.collect.write_report", lambda folder: None)
        patch.setattr("qhu.grid.collect.drawing", lambda study: "<svg></svg>")
        for name, asked in (("before", given), ("after", tuned)):
            run(asked, folder / name, Console(quiet=True))
    return folder


@pytest.fixture
def ranked(runs, tmp_path, monkeypatch):
    """The table, the page and what was printed."""
    blank = Drawing("", Markup(), "", Figure())
    monkeypatch.setattr("qhu.report.comparison.tuning.draw", lambda *_: blank)
    console = Console(record=True, width=200, quiet=False, file=(tmp_path / "out").open("w"))
    page = rank_tuned(runs / "before", runs / "after", tmp_path, console)
    table = pd.read_csv(tmp_path / "tuned.csv", keep_default_na=False, na_values=[""])
    return table, page.read_text(), console.export_text()


def distances(runs, name, metric):
    """Distance to the oracle, by the run's own table."""
    table = pd.read_csv(runs / name / "results.csv")
    table = table[(table["scenario"] == "class") & (table["metric"] == metric)]
    values = table.pivot(index="seed", columns="method", values="value")
    return values.sub(values["retrain"], axis=0).abs()


@pytest.mark.parametrize("metric", ["kl_forget", "acc_forget"])
def test_ranks_and_changes_are_those_of_the_results(ranked, runs, metric):
    table, _, _ = ranked
    assert list(table) == list(COLUMNS)
    assert set(table["scenario"]) == {"class"}
    rows = table[table["metric"] == metric].set_index(["quantity", "method"])["value"]
    before, after = (distances(runs, name, metric) for name in ("before", "after"))
    methods = ["none", "finetune", "gradient_ascent"]
    for quantity, values in (("rank_before", before), ("rank_after", after)):
        expected = values[methods].mean().round(6).rank()
        assert rows[quantity][methods].to_dict() == expected.to_dict()
    expected = (after - before)[methods].mean()
    np.testing.assert_allclose(rows["distance_change"][methods], expected, atol=1e-12)
    assert rows["distance_change"]["gradient_ascent"] != 0
    assert rows["distance_change"]["none"] == 0


def test_the_page_says_what_was_tuned_and_claims_what_the_tests_support(ranked):
    table, page, printed = ranked
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "tuned on the seeds 100, none of which is reported, with 3 trials" in words
    assert "excludes what tuning spent" in words
    assert "what the test minimised" in words
    changes = table[(table["quantity"] == "distance_change") & (table["p_holm"] < 0.04)]
    for row in changes.to_dict("records"):
        side = "farther" if row["value"] > 0 else "closer"
        assert re.search(rf"{row['metric']}: [^.]*{side}: [^.;]*{row['method']}", words)
    assert "Order of the methods" in printed


def test_page_and_terminal_say_whether_tuning_changes_a_verdict(ranked):
    _, page, printed = ranked
    opening = page.split('<section id="answer">')[1].split("</section>")[0]
    sentence = re.search("<strong>(.*?)</strong>", opening)[1]
    assert sentence.startswith(("Tuning changes ", "No verdicts to compare: "))
    assert sentence in " ".join(printed.split())


def test_tuned_and_untuned_are_not_confused(runs, tmp_path):
    quiet = Console(quiet=True)
    for pair in (("after", "before"), ("before", "before"), ("after", "after")):
        with pytest.raises(UserError, match="the second run must be the tuned one"):
            rank_tuned(*(runs / name for name in pair), tmp_path, quiet)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps: 4", "steps: 5", "differ in unlearning"),
        ("label: 0", "label: 1", "differ in scenarios.class"),
        ("name: small", "name: other", "was tuned from small, not other"),
    ],
)
def test_runs_of_something_else_are_refused(runs, tmp_path, old, new, message, monkeypatch):
    """The settings are read from a changed copy, which the run's seal would otherwise refuse."""
    (tmp_path / "before").mkdir()
    file = tmp_path / "other.yaml"
    file.write_text(SMALL.replace(old, new))
    monkeypatch.setattr(
        "qhu.compare.tuned.load_experiment",
        lambda path: load_experiment(file if path.parent.name == "before" else path),
    )
    with pytest.raises(UserError, match=message):
        rank_tuned(runs / "before", runs / "after", tmp_path, Console(quiet=True))
    assert not (tmp_path / "tuned.html").exists()
