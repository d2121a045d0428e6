"""The command on runs whose noise is known."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console

from qhu.compare.compare import compare
from qhu.record.stage import packed, unpacked
from qhu.report.comparison.gaps import EVERY, PARTS

COLUMNS = [
    *("dataset", "reference", "run", "scenario", "method", "metric", "quantity"),
    *("value", "ci_low", "ci_high", "seeds", "p_holm"),
]


@pytest.fixture(scope="module")
def compared(known, tmp_path_factory, blank):
    """``compare.csv`` and the page of all runs beside the exact one."""
    out = tmp_path_factory.mktemp("compared")
    names = ("exact", "readout", "gates", "both", "shots")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qhu.report.comparison.sections.draw", lambda *_: blank)
        compare([known / name for name in names], out, Console(quiet=True))
    table = pd.read_csv(out / "compare.csv", keep_default_na=False, na_values=[""])
    return table, (out / "compare.html").read_text()


def parts(compared, letter):
    """Means of the quantities by scenario, method and metric, for the run of a letter."""
    table = compared[0]
    rows = table[
        table["run"].str.startswith(f"{letter}:") & table["quantity"].isin(["gap", *PARTS])
    ]
    return rows.pivot(index=["scenario", "method", "metric"], columns="quantity", values="value")


def test_the_table_has_its_columns_and_every_cell(compared, known):
    table, _ = compared
    assert list(table) == COLUMNS
    results = pd.read_csv(known / "exact" / "results.csv")
    cells = results.groupby(["scenario", "method", "metric"]).ngroups
    gaps = table[(table["quantity"] == "gap") & (table["method"] != EVERY)]
    assert len(gaps) == 4 * cells
    assert set(gaps["seeds"]) == {3}


@pytest.mark.parametrize(("letter", "name"), [("B", "readout"), ("D", "both"), ("E", "shots")])
def test_the_gap_is_the_paired_difference_of_the_results(compared, known, letter, name):
    keys = ["scenario", "method", "metric"]
    exact, noisy = (pd.read_csv(known / n / "results.csv") for n in ("exact", name))
    both = exact.merge(noisy, on=[*keys, "seed"])
    expected = (both["value_y"] - both["value_x"]).groupby([both[k] for k in keys]).mean()
    found = parts(compared, letter)
    pd.testing.assert_series_equal(
        found["gap"].drop(EVERY, level="method"), expected, check_names=False, atol=1e-9
    )
    np.testing.assert_allclose(found[PARTS].sum(axis=1), found["gap"], atol=1e-9)


@pytest.mark.parametrize(("letter", "part"), [("B", "readout_error"), ("C", "gate_noise")])
def test_noise_of_one_kind_is_found_in_its_part(compared, letter, part):
    found = parts(compared, letter)
    assert found["gap"].abs().max() > 0.01
    np.testing.assert_allclose(found[part], found["gap"], atol=1e-5)
    for other in set(PARTS) - {part}:
        np.testing.assert_allclose(found[other], 0, atol=1e-5)


def test_both_kinds_share_the_gap_and_leave_no_drift(compared):
    found = parts(compared, "D")
    assert found["gate_noise"].abs().max() > 0.01 and found["readout_error"].abs().max() > 0.01
    np.testing.assert_allclose(found[["shot_noise", "drift"]], 0, atol=1e-5)


def test_shots_come_after_the_same_gates_and_readout(compared):
    both, shots = parts(compared, "D"), parts(compared, "E")
    for part in ("gate_noise", "readout_error"):
        np.testing.assert_allclose(shots[part], both[part], atol=1e-6)
    # 200 shots blur the predictions: two networks look farther apart, in the mean over draws.
    assert (shots.xs("kl_retain", level="metric")["shot_noise"] > 0).all()


def test_what_the_noise_model_explains_leaves_drift_around_zero(compared):
    """The run drew its own shots; drift is their luck alone, so the intervals hold 0."""
    table = compared[0]
    rows = table[table["run"].str.startswith("E:") & (table["quantity"] == "drift")]
    rows = rows[rows["metric"].str.startswith("kl_") & (rows["method"] != "retrain")]
    rows = rows[rows["ci_low"].notna()]  # what a page shows of three seeds has no interval
    holds = (rows["ci_low"] <= 0) & (rows["ci_high"] >= 0)
    assert len(rows) > 10 and holds.mean() > 0.8


def test_slopes_are_those_of_the_readout(compared):
    """P(1|0) = 0.03 and P(0|1) = 0.08 read ⟨Z⟩ as 0.05 + 0.89 ⟨Z⟩."""
    table = compared[0]
    rows = table[table["run"].str.startswith("B:") & table["metric"].str.fullmatch(r"z\d")]
    values = rows.pivot(index="metric", columns="quantity", values="value")
    np.testing.assert_allclose(values["slope"], 0.89, atol=1e-4)
    np.testing.assert_allclose(values["offset"], 0.05, atol=1e-4)
    np.testing.assert_allclose(values["scatter"], 0, atol=1e-4)


def test_the_page_shows_every_run(compared):
    page = compared[1]
    for letter, name in zip("BCDE", ("readout", "gates", "both", "shots"), strict=True):
        assert f"{letter}: noise_{name} <span>minus A: statevector" in page
    assert "Too few seeds" in page
    assert not re.search(r"\bnan\b", page)
    assert "<script" not in page and "http" not in page


def refused(qhu, *folders):
    """The one line with which the command refuses."""
    before = sorted(Path().rglob("*"))
    code, out, errors = qhu("compare", *folders)
    assert (code, out.strip()) == (2, "")
    assert re.fullmatch(r"qhu: [^\n]+\n", errors)
    assert sorted(Path().rglob("*")) == before
    return errors


def test_one_run_is_nothing_to_compare(runs, qhu):
    assert "two or more" in refused(qhu, *runs("exact"))


def test_a_folder_that_is_no_run(runs, qhu):
    assert "elsewhere is not a run folder" in refused(qhu, *runs("exact"), "elsewhere")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("test: 0.2", "test: 0.3"), "data.test (default, 0.3)"),
        (("layers: 1", "layers: 3"), "model.ansatz.layers (1, 3)"),
        (("epochs: 3", "epochs: 4"), "training.epochs (3, 4)"),
        (("label: 0", "label: 1"), "scenarios.class.label (0, 1)"),
        (("finetune: {", "cf_k: {method: cf_k, "), "methods.finetune"),
        (("train: statevector", "train: noise_both"), "stages.train (statevector, noise_both)"),
    ],
)
def test_other_settings_are_named(runs, qhu, change, told):
    exact, both = runs("exact", "both")
    settings = both / "experiment.yaml"
    text = yaml.safe_dump(yaml.safe_load(settings.read_text()), default_flow_style=None)
    assert change[0] in text
    settings.write_text(text.replace(*change))
    assert told in refused(qhu, exact, both)


def test_all_settings_that_differ_are_named_at_once(runs, qhu):
    exact, both = runs("exact", "both")
    settings = both / "experiment.yaml"
    text = settings.read_text().replace("layers: 1", "layers: 3").replace("epochs: 3", "epochs: 4")
    settings.write_text(text)
    assert "model.ansatz.layers (1, 3); training.epochs (3, 4); compare" in refused(
        qhu, exact, both
    )


def test_other_data_are_named(runs, qhu):
    exact, both = runs("exact", "both")
    record = json.loads((both / "run.json").read_text())
    (both / "run.json").write_text(json.dumps({**record, "data": "0123"}))
    assert f"data ({record['data']}, 0123)" in refused(qhu, exact, both)


def test_data_that_changed_since_the_runs_are_refused(runs, qhu):
    folders = runs("exact", "both")
    for folder in folders:
        record = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps({**record, "data": "0123"}))
    assert "dataset read here is not that of the runs" in refused(qhu, *folders)


def test_another_split_is_named(runs, qhu):
    exact, both = runs("exact", "both")
    rows = pd.read_parquet(both / "predictions.parquet")
    moved = rows["row"].where(rows["seed"] != 1, (rows["row"] + 1) % 150)
    rows.assign(row=moved).to_parquet(both / "predictions.parquet", index=False)
    assert "not comparable: split; compare" in refused(qhu, exact, both)


def test_another_theta_is_named(runs, qhu):
    exact, both = runs("exact", "both")
    victim = both / "models" / "seed1-class-scrub.safetensors"
    stage = unpacked(victim.read_bytes())
    stage.arrays["head.0.weight"][0, 0] += 1e-6
    victim.write_bytes(packed(stage))
    assert "theta (seed1-class-scrub)" in refused(qhu, exact, both)


def test_seeds_and_cells_that_one_run_lacks_are_left_out(runs, qhu):
    exact, both = runs("exact", "both")
    results = pd.read_csv(both / "results.csv")
    kept = results[
        (results["seed"] > 0) & ~((results["seed"] == 2) & (results["method"] == "scrub"))
    ]
    kept.to_csv(both / "results.csv", index=False)
    code, out, errors = qhu("compare", exact, both, "--out", "here")
    assert (code, errors) == (0, "")
    assert "here/compare.html" in out
    table = pd.read_csv("here/compare.csv", keep_default_na=False)
    seeds = table[table["quantity"] == "gap"].groupby("method")["seeds"].unique().map(list)
    assert seeds["none"] == [2] and seeds["scrub"] == [1]


def test_runs_without_a_common_seed(runs, qhu):
    exact, both = runs("exact", "both")
    for folder, kept in ((exact, [0]), (both, [1, 2])):
        results = pd.read_csv(folder / "results.csv")
        results[results["seed"].isin(kept)].to_csv(folder / "results.csv", index=False)
    assert "no seed in common" in refused(qhu, exact, both)


def test_scores_of_another_backend_in_a_run_are_not_its_own(runs, qhu, undrawn):
    exact, both = runs("exact", "both")
    beside, own = (pd.read_csv(folder / "results.csv") for folder in (exact, both))
    pd.concat([own, beside]).to_csv(both / "results.csv", index=False)
    assert qhu("compare", exact, both, "--out", "here")[0] == 0
    gaps = pd.read_csv("here/compare.csv").query("quantity == 'gap'")
    assert gaps["value"].abs().max() > 0.01 and set(gaps["seeds"]) == {3}


def test_rows_that_no_score_rests_on_may_be_missing(runs, qhu, undrawn):
    exact, both = runs("exact", "both")
    rows = pd.read_parquet(both / "predictions.parquet")
    rows[rows["subset"] != "val"].to_parquet(both / "predictions.parquet", index=False)
    assert qhu("compare", exact, both, "--out", "here")[0] == 0


def test_noise_that_cannot_be_rebuilt_is_refused(runs, qhu):
    exact, both = runs("exact", "both")
    record = json.loads((both / "run.json").read_text())
    record["effective"]["evaluate"]["circuit"]["gates"]["cz"] += 1
    (both / "run.json").write_text(json.dumps(record))
    assert "noise of the run cannot be rebuilt" in refused(qhu, exact, both)


def test_an_emulated_device_is_called_so(runs, qhu, undrawn):
    exact, both = runs("exact", "both")
    record = json.loads((both / "run.json").read_text())
    record["effective"]["evaluate"]["emulated"] = True
    (both / "run.json").write_text(json.dumps(record))
    assert qhu("compare", exact, both, "--out", "here")[0] == 0
    page = Path("here/compare.html").read_text()
    assert "B: EMULATED noise_both" in page
    assert "B: noise_both" not in page + Path("here/compare.csv").read_text()
