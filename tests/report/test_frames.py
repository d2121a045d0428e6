import json

import numpy as np
import pytest

from qhu.errors import UserError
from qhu.report.frames import RESULTS, SUMMARY, load_run
from qhu.report.run.page import write_report


def rewrite(path, change):
    path.write_text(change(path.read_text()))


def test_a_run_is_read_with_its_types(run_folder, results):
    run = load_run(run_folder)
    assert run.record.status == "finished"
    assert run.settings["model"]["ansatz"]["layers"] == 2
    assert list(run.results.columns) == list(RESULTS)
    assert list(run.summary.columns) == list(SUMMARY)
    assert list(run.scores) == list(results["metric"].unique())
    assert run.scores["kl_test"].reference == "floor"
    assert run.results["value"].to_numpy() == pytest.approx(results["value"].to_numpy())
    assert set(run.losses["stage"]) == {"teacher", "oracle", "unlearn"}
    assert run.losses["at"].notna().all()
    assert set(run.facts.columns) == {
        *("stage", "scenario", "method", "seed", "steps", "seconds", "rewound_to", "kept")
    }


def test_method_names_that_look_like_missing_values_survive(run_folder):
    rewrite(run_folder / "results.csv", lambda text: text.replace(",lca,", ",NA,"))
    assert "NA" in set(load_run(run_folder).results["method"])


def test_history_and_drawing_may_be_missing(run_folder):
    (run_folder / "history.jsonl").unlink()
    (run_folder / "circuit.svg").unlink()
    run = load_run(run_folder)
    assert run.losses.empty
    assert run.facts.empty
    assert run.circuit is None


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("results.csv", lambda t: t.replace(",n\n", ",rows\n", 1), "lacks the column 'n'"),
        ("summary.csv", lambda t: t.replace("ci_low", "low", 1), "lacks the column 'ci_low'"),
        ("results.csv", lambda t: t.splitlines()[0] + "\n", "nothing was finished"),
        ("results.csv", lambda t: "", "damaged"),
        ("results.csv", lambda t: t + "iris,subset,none,x,b,acc_test,0.5,3\n", "damaged"),
        ("history.jsonl", lambda t: t + '{"stage": "tea', "not JSON"),
        ("run.json", lambda t: t[:40], "damaged"),
        ("experiment.yaml", lambda t: "a: [", "not YAML"),
        ("experiment.yaml", lambda t: "", "not YAML"),
    ],
)
def test_damage_is_named_in_one_line(run_folder, file, change, message):
    rewrite(run_folder / file, change)
    with pytest.raises(UserError, match=message) as caught:
        load_run(run_folder)
    assert file in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", ["results.csv", "summary.csv", "experiment.yaml"])
def test_a_missing_file_is_named(run_folder, file):
    (run_folder / file).unlink()
    with pytest.raises(UserError, match=f"cannot read .*{file}"):
        load_run(run_folder)


def test_a_run_that_does_not_say_how_scores_are_read_is_refused(run_folder):
    """An earlier version wrote no readings, and nothing is guessed in their place."""
    record = json.loads((run_folder / "run.json").read_text())
    earlier = {k: v for k, v in record.items() if k != "metrics"} | {"schema_version": 1}
    (run_folder / "run.json").write_text(json.dumps(earlier))
    with pytest.raises(UserError, match=r"earlier version of qhu.*run the experiment again"):
        load_run(run_folder)


def test_a_score_that_the_record_does_not_know_is_named(run_folder):
    rewrite(run_folder / "results.csv", lambda text: text.replace(",uqi,", ",luck,"))
    with pytest.raises(UserError, match="does not say how the score luck is read"):
        load_run(run_folder)


def test_any_other_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="not a run folder"):
        load_run(tmp_path)


RETRAINED = {"stage": "unlearn", "scenario": "subset", "method": "retrain", "seed": 0}


@pytest.fixture
def retrained(run_folder):
    """A run whose oracle was handed on in no step, as the history of a run says."""
    line = json.dumps({**RETRAINED, "steps": 0, "facts": {}})
    rewrite(run_folder / "history.jsonl", lambda text: f"{text}{line}\n")
    return run_folder


def test_costs_are_those_of_their_file(retrained):
    costs = "scenario,method,seed,steps,seconds\nsubset,retrain,0,180,2.5\n"
    (retrained / "costs.csv").write_text(f"{costs}subset,scrub_rewind,3,40,\n")
    facts = load_run(retrained).facts.set_index(["method", "seed"])
    assert facts.loc[("retrain", 0), ["steps", "seconds"]].tolist() == [180, 2.5]
    assert facts.loc[("scrub_rewind", 3), "rewound_to"] == 6
    assert np.isnan(facts.loc[("scrub_rewind", 3), "seconds"])
    page = write_report(retrained).read_text()
    assert "retrain: 180<" in page and "retrain: 2.5 s<" in page
    assert "0.22 × retrain" in page  # 40 of 180


def test_a_run_of_an_earlier_version_does_not_know_what_retraining_took(retrained):
    facts = load_run(retrained).facts.set_index(["method", "seed"])
    assert np.isnan(facts.loc[("retrain", 0), "steps"])
    assert facts["seconds"].isna().all()
    assert (facts.loc["scrub_rewind", "steps"] == 40).all()
    page = write_report(retrained).read_text()
    assert "× retrain" not in page and "retrain: " not in page
