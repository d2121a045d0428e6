import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from setups import make_setups

from qhu.errors import UserError
from qhu.report.ablation.page import write_ablation
from qhu.settings.sweep import Sweep

SWEEP = {
    "question": "Does <depth> matter?",
    "vary": {"model.layers": [1, 2, 3]},
    "axis": "layers",
}
METHODS = ["none", "retrain", "floor", "scrub", "lca"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, results, write_record):
    """Three runs; with every value lca comes 1 nat farther from the oracle."""
    folder = tmp_path_factory.mktemp("ablation")
    few = results[results["method"].isin(METHODS)]
    for number, label in enumerate(("1", "2", "3")):
        far = number * ((few["method"] == "lca") & few["metric"].str.startswith("kl_"))
        noise = np.random.default_rng(number).normal(0, 1e-3, len(few))
        (folder / label).mkdir()
        write_record(folder / label, few)
        few.assign(value=few["value"] + far + noise).to_csv(folder / label / "results.csv")
        settings = {"training": {"paired": number > 0}, "data": {"split": "seeded"}}
        (folder / label / "experiment.yaml").write_text(yaml.safe_dump(settings))
    return folder


@pytest.fixture(scope="module")
def write(folder):
    """Writes the page with a changed sweep, or setups that differ."""

    def write(where=folder, setups=None, **changes):
        sweep = Sweep.model_validate({**SWEEP, **changes})
        runs = {label: where / label for label in sweep.labels}
        own = make_setups(sweep.labels, **(setups or {}))
        return write_ablation(where, "depth", sweep, runs, own).read_text()

    return write


@pytest.fixture(scope="module")
def page(write):
    return write()


def test_the_page_is_one_offline_file(page, outline):
    found = outline(page)
    assert "script" not in found.tags
    assert "http" not in page
    assert len(set(found.ids)) == len(found.ids)
    outside = [a for a in found.addresses if not a.startswith(("#", "data:,"))]
    assert outside == [f"{label}/report.html" for label in "123"]
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(found.ids)


@pytest.mark.parametrize(
    "text",
    [
        "Does &lt;depth&gt; matter?",
        "iris: subset",
        "iris: class",
        "Per step lca rises (+1.00",
        "scrub shows no difference",
        "kl_forget minus the floor",
        "mean and 95 % interval over 10 seeds, each thin; 10 rows per seed",
        "per step",
        "<li>2, 3: Teacher, oracle and floor of a seed started from the same weights.</li>",
        "<li>1: Teacher, oracle and floor of a seed each started from weights of their own.</li>",
        "<li>Intervals are about reseeding",
    ],
)
def test_everything_is_there(page, text):
    assert text in page


def test_the_trend_is_marked_in_the_table(page):
    rows = re.findall(r"</svg> (\w+)</th>.*?</tr>", page, re.DOTALL)
    marked = [row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if "num out" in row]
    assert set(rows) == {"none", "scrub", "lca"}
    assert len(marked) == 2, "lca, in two scenarios"
    assert all("lca" in row for row in marked)


def test_figures_have_an_axis_and_the_methods_colours(page):
    assert page.count("layers") > 10
    assert "#0072B2".lower() in page.lower(), "lca's colour"


def test_the_table_holds_every_score_at_every_value(page, folder, results):
    table = pd.read_csv(folder / "ablation.csv")
    few = results[results["method"].isin(METHODS)]
    groups = few.groupby(["scenario", "method", "metric"]).ngroups
    assert len(table) == 3 * groups
    lca = table[(table["method"] == "lca") & (table["metric"] == "kl_test")]
    means = lca[lca["scenario"] == "subset"].set_index("at")["mean"]
    assert np.diff(means) == pytest.approx([1, 1], abs=0.01)


def test_values_without_order_are_compared_with_the_reference(write):
    page = write(ordered=False)
    assert "With 1 instead of 3 lca falls (−2.00" in page
    assert "2 − 3" in page
    page = write(ordered=False, reference="2")
    assert "With 1 instead of 2 lca falls (−1.00" in page
    assert "with 3 instead of 2 lca rises (+1.00" in page


def test_the_setup_of_every_value_stands_beside_its_scores(write):
    changes = {
        "classes": {"3": 10},
        "rows": {"2": "other", "3": "another"},
        "linear": dict.fromkeys("123", 0.875),
        "parameters": {"3": {"front": 9, "quantum": 48, "head": 131}},
    }
    page = write(setups=changes)
    table = page.split('<section id="setups">')[1].split("</section>")[0]
    rows = [
        re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row) for row in re.findall("<tr>.*?</tr>", table)
    ]
    assert rows[0][:2] == ["value", "classes"]
    by_label = {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    assert by_label["3"]["classes"] == "10" and by_label["1"]["classes"] == "3"
    assert by_label["3"]["front parameters"] == "9" and by_label["1"]["front parameters"] == "0"
    assert "The same for every value: rows 150, inputs 4," in table
    assert "commonest class 0.333, linear model 0.875, teacher 0.943, qubits 4," in table
    beyond = (0.943 - 1 / 3) / (2 / 3)
    assert float(by_label["2"]["beyond chance"]) == pytest.approx(beyond, abs=1e-3)
    assert "Values have 3 and 10 classes" in table
    assert "independent samples (Welch)" in table
    assert "155 to 188 trainable parameters" in table
    assert "Per step among those with 3 classes lca rises (+1.00" in page


def test_like_values_are_given_no_warning(page):
    table = page.split('<section id="setups">')[1].split("</section>")[0]
    assert "<li>" not in table
    assert "linear model" not in table


def test_values_of_other_datasets_share_a_section(write, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    table = pd.read_csv(copy / "2" / "results.csv")
    table.assign(dataset="wine").to_csv(copy / "2" / "results.csv", index=False)
    page = write(copy, setups={"classes": {"1": 2, "2": 3, "3": 10}})
    assert page.count("<h2>iris, wine: subset</h2>") == 1
    assert "rises (" not in page and "falls (" not in page, "nothing is like anything"
    assert "at 3 (layers)" in page


def test_a_score_that_does_not_exist_is_refused(write):
    with pytest.raises(UserError, match=r"sweep\.read luck: no such score"):
        write(read="luck")


def test_a_score_without_a_goal_in_the_run_is_refused(write):
    with pytest.raises(UserError, match=r"sweep\.read uqi: nothing in a run is its goal"):
        write(read="uqi")


def test_runs_that_read_a_score_in_two_ways_are_refused(write, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    record = json.loads((copy / "2" / "run.json").read_text())
    record["metrics"]["kl_forget"] |= {"against": "retrain"}
    (copy / "2" / "run.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match="2 reads the score kl_forget in another way"):
        write(copy)


def answer(page):
    return page.split('<section id="answer">')[1].split("</section>")[0]


def test_the_page_opens_with_the_answer_in_words(page):
    lead = answer(page)
    assert "<strong>iris: subset:</strong> kl_forget minus the floor rises with layers for" in lead
    assert "no change shown for scrub (10 seeds) (smallest difference this could see: 0." in lead
    assert "warning" not in lead


def test_the_answer_of_values_without_order_names_them(write):
    lead = answer(write(ordered=False))
    assert "kl_forget minus the floor falls with 1 instead of 3 for lca" in lead
    assert "; falls with 2 instead of 3 for lca; no change shown for scrub (10 seeds)" in lead


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_few_seeds_are_answered_by_their_number_and_a_warning(write, folder, tmp_path, seeds):
    copy = shutil.copytree(folder, tmp_path / "copy")
    for label in "123":
        table = pd.read_csv(copy / label / "results.csv")
        table[table["seed"] < seeds].to_csv(copy / label / "results.csv", index=False)
    lead = answer(write(copy))
    words = "1 seed" if seeds == 1 else f"{seeds} seeds"
    assert f"<strong>iris: class:</strong> no change shown ({words})." in lead
    assert lead.count('class="warning"') == 1 and "claims need 5 seeds or more" in lead
    assert "rises" not in lead and "falls" not in lead


def test_legends_name_what_is_drawn_above_them_and_nothing_else(page):
    legends = re.findall(r'<ul class="legend".*?</ul>', page, re.DOTALL)
    named = [re.findall(r"</svg> (\w+)", legend) for legend in legends]
    drawn, all_panels = ["none", "scrub", "lca"], ["none", "retrain", "floor", "scrub", "lca"]
    assert named == [drawn, all_panels] * 2


def test_methods_that_a_run_lacks_are_not_listed(write, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    for label in "123":
        table = pd.read_csv(copy / label / "results.csv")
        table[table["method"] != "floor"].to_csv(copy / label / "results.csv", index=False)
    page = write(copy, read="acc_forget")
    assert "2, beside none, retrain<" in page
    assert "</svg> floor" not in page
