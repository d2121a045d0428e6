import re

from qhu.report.reading import comparisons, statements


def said(results, scenario, seeds=10, keep=None):
    chosen = results[(results["scenario"] == scenario) & (results["seed"] < seeds)]
    if keep:
        chosen = chosen[chosen["method"].isin(keep)]
    return {s.topic: s.text for s in statements(comparisons(chosen))}


def test_no_headroom_is_said(results):
    text = said(results, "subset")["Room to forget:"]
    assert "contains 0" in text
    assert "cannot tell forgetting from doing nothing" in text


def test_headroom_is_said(results):
    assert "excludes 0" in said(results, "class")["Room to forget:"]


def test_over_forgetting_is_not_praised(results):
    text = said(results, "subset")["Accuracy, forget rows, against the oracle:"]
    assert "below, over-forgetting: gradient_ascent" in text
    assert "no difference shown: 13 methods" in text


def test_what_only_the_class_scenario_shows(results):
    found = said(results, "class")
    assert "Accuracy, test rows, kept classes, against the oracle:" in found
    # all test rows mix what is to be kept and what is to be forgotten
    assert "Accuracy, test rows, against the oracle:" not in found
    forget = found["Accuracy, forget rows, against the oracle:"]
    assert "above, remembering more: 12 methods" in forget
    distance = found["KL to the oracle (nats), forget rows, against the floor:"]
    assert "no difference shown: eu_k" in distance


def test_moving_towards_the_oracle_is_told_from_doing_nothing(results):
    text = said(results, "class")["KL to the oracle (nats), forget rows, against doing nothing:"]
    assert re.search(r"closer to the oracle: [^;]*eu_k", text)


def test_too_few_seeds_are_admitted(results):
    found = said(results, "class", seeds=4)
    assert "cannot show a difference" in found["Too few seeds:"]
    assert "remembering" not in found["Accuracy, forget rows, against the oracle:"]


def test_one_seed_supports_nothing(results):
    assert list(said(results, "class", seeds=1)) == ["One seed"]


def test_nothing_is_said_of_methods_that_were_not_tried(results):
    found = said(results, "subset", keep=["none", "retrain", "floor"])
    assert list(found) == ["Room to forget:"]


def test_missing_metrics_are_passed_over(results):
    assert set(comparisons(results[results["metric"] == "uqi"])) == set()
