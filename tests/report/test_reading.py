import numpy as np
import pandas as pd
import pytest

from qhu.report.reading import comparisons, statements
from qhu.report.sections import sections
from qhu.report.statistics import judged, summarise


def said(results, scenario, seeds=10, keep=None):
    chosen = results[(results["scenario"] == scenario) & (results["seed"] < seeds)]
    if keep:
        chosen = chosen[chosen["method"].isin(keep)]
    return {s.topic: s.text for s in statements(judged(comparisons(chosen)))}


def test_no_headroom_is_said(results):
    text = said(results, "subset")["Room to forget:"]
    assert "shows no gap" in text
    assert "cannot tell forgetting from doing nothing" in text


def fixed(results, gap, scatter=0.0):
    """The results, with a gap of the untouched teacher to the oracle that is given."""
    noise = np.random.default_rng(3).normal(0, scatter, 10)
    table = results[results["metric"] == "acc_forget"].copy()
    for method, extra in (("none", gap), ("retrain", 0.0)):
        rows = table["method"] == method
        table.loc[rows, "value"] = 0.5 + extra + noise[table.loc[rows, "seed"]] * bool(extra)
    return table


@pytest.mark.parametrize(
    ("gap", "scatter", "seeds", "text"),
    [
        (0.4, 0.01, 10, "the gap that a method has to close"),
        (-0.4, 0.01, 10, "lower accuracy is no sign of forgetting"),
        (0.4, 0, 10, "the same in every seed (n = 10), +0.400. Without spread"),
        (0, 0, 10, "the same in every seed (n = 10), 0.000. In these seeds accuracy cannot tell"),
        (0.4, 0.01, 4, "So few seeds do not tell whether"),
        (0.4, 0, 4, "the same in every seed (n = 4), +0.400. Without spread"),
    ],
)
def test_headroom_is_what_the_corrected_test_shows(results, gap, scatter, seeds, text):
    table = fixed(results, gap, scatter)
    found = said(table, "subset", seeds, ["none", "retrain"])["Room to forget:"]
    assert text in found
    assert ("The corrected test shows it" in found) == (seeds == 10 and scatter > 0)


def test_over_forgetting_is_not_praised(results):
    text = said(results, "subset")["Accuracy, forget rows, against the oracle:"]
    assert "below, over-forgetting: gradient_ascent" in text
    assert "no difference shown: " in text


def test_what_only_the_class_scenario_shows(results):
    found = said(results, "class")
    assert "Accuracy, test rows, kept classes, against the oracle:" in found
    # all test rows mix what is to be kept and what is to be forgotten
    assert "Accuracy, test rows, against the oracle:" not in found
    distance = found["KL to the oracle (nats), forget rows, against the floor:"]
    assert "no difference shown: eu_k" in distance


def test_a_difference_without_spread_is_told_and_not_claimed(results):
    text = said(results, "class")["Accuracy, forget rows, against the oracle:"]
    assert "the same in every seed (n = 10), 0.000: gradient_ascent, eu_k" in text
    assert "the same in every seed (n = 10), +1.000: 10 methods" in text
    assert "above, remembering more: finetune, cf_k" in text


def test_moving_towards_the_oracle_is_told_from_doing_nothing(results):
    text = said(results, "class")["KL to the oracle (nats), forget rows, against doing nothing:"]
    claimed = text.split("no difference shown")[0]
    assert claimed.startswith("closer to the oracle:") and "eu_k" in claimed


def test_too_few_seeds_are_admitted_and_nothing_is_claimed(results):
    found = said(results, "class", seeds=4)
    assert list(found) == ["Room to forget:", "Too few seeds:"]
    assert "with 4 seeds nothing is claimed" in found["Too few seeds:"]


def test_five_seeds_may_claim(results):
    found = said(results, "class", seeds=5)
    assert "remembering more: finetune" in found["Accuracy, forget rows, against the oracle:"]


def test_a_method_of_few_seeds_is_named_as_such(results):
    table = results[(results["method"] != "finetune") | (results["seed"] < 3)]
    text = said(table, "class")["Accuracy, forget rows, against the oracle:"]
    assert text.endswith("fewer than 5 seeds: finetune.")


def test_one_seed_supports_nothing(results):
    assert list(said(results, "class", seeds=1)) == ["One seed"]


def test_nothing_is_said_of_methods_that_were_not_tried(results):
    found = said(results, "subset", keep=["none", "retrain", "floor"])
    assert list(found) == ["Room to forget:"]


def test_missing_metrics_are_passed_over(results):
    assert set(comparisons(results[results["metric"] == "uqi"])) == set()


def test_a_page_of_more_scenarios_claims_less(results, monkeypatch):
    """Everything that the page claims is corrected together, whatever its section."""
    monkeypatch.setattr("qhu.report.sections.metric_panels", lambda *_: [])
    monkeypatch.setattr("qhu.report.sections.tradeoffs", lambda *_: [])
    one = results[results["scenario"] == "subset"]
    copies = pd.concat(one.assign(scenario=f"copy {n}") for n in range(6))

    def smallest(table):
        found = sections(table, summarise(table))[0].tests
        return min(cell.p for row in found.rows for cell in row.cells if cell.p > 0)

    assert smallest(copies) == pytest.approx(6 * smallest(one))
