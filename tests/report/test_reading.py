import re

import pytest

from qhu.record.scores import Reading, score_of
from qhu.report.run.reading import comparisons, statements


@pytest.fixture
def said(scores_of):
    """What is said of one scenario, by topic."""

    def say(results, scenario, seeds=10, keep=None):
        chosen = results[(results["scenario"] == scenario) & (results["seed"] < seeds)]
        if keep:
            chosen = chosen[chosen["method"].isin(keep)]
        compared = comparisons(chosen, scores_of(chosen).values())
        return {s.topic: s.text for s in statements(compared)}

    return say


def test_no_headroom_is_said(results, said):
    text = said(results, "subset")["Room to forget:"]
    assert "contains 0" in text
    assert "cannot tell forgetting from doing nothing" in text


def test_headroom_is_said(results, said):
    assert "excludes 0" in said(results, "class")["Room to forget:"]


def test_over_forgetting_is_not_praised(results, said):
    text = said(results, "subset")["Accuracy, forget rows, against the oracle:"]
    assert "below, over-forgetting: gradient_ascent" in text
    assert "no difference shown: 13 methods" in text


def test_what_only_the_class_scenario_shows(results, said):
    found = said(results, "class")
    assert "Accuracy, test rows, kept classes, against the oracle:" in found
    # all test rows mix what is to be kept and what is to be forgotten
    assert "Accuracy, test rows, against the oracle:" not in found
    forget = found["Accuracy, forget rows, against the oracle:"]
    assert "above, remembering more: 12 methods" in forget
    distance = found["KL to the oracle (nats), forget rows, against the floor:"]
    assert "no difference shown: eu_k" in distance


def test_moving_towards_the_oracle_is_told_from_doing_nothing(results, said):
    text = said(results, "class")["KL to the oracle (nats), forget rows, against doing nothing:"]
    assert re.search(r"closer to the oracle: [^;]*eu_k", text)


def test_too_few_seeds_are_admitted(results, said):
    found = said(results, "class", seeds=4)
    assert "cannot show a difference" in found["Too few seeds:"]
    assert "remembering" not in found["Accuracy, forget rows, against the oracle:"]


def test_one_seed_supports_nothing(results, said):
    assert list(said(results, "class", seeds=1)) == ["One seed"]


def test_nothing_is_said_of_methods_that_were_not_tried(results, said):
    found = said(results, "subset", keep=["none", "retrain", "floor"])
    assert list(found) == ["Room to forget:"]


def test_what_is_not_claimed_is_passed_over(results, scores):
    assert comparisons(results[results["metric"] == "uqi"], [scores["uqi"]]) == {}


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_a_new_distance_or_similarity_is_read_against_the_floor(results, better):
    """As far from the oracle as the floor is no finding, however far that is from the oracle's."""
    reading = Reading(
        title="likeness", against="floor", better=better, headline=["forget"], claimed=["forget"]
    )
    score = score_of("like_forget", "like", {"like": reading}, "")
    rows = results[(results["scenario"] == "subset") & (results["metric"] == "kl_forget")]
    rows = rows[rows["method"].isin(["none", "retrain", "floor", "scrub"])]
    at_floor = 5 + 0.01 * rows["seed"]
    beyond = {"retrain": -5.0, "scrub": 0.0}

    def said(**shift):
        moved = rows["method"].map(beyond | shift).fillna(0)
        table = rows.assign(metric="like_forget", value=at_floor + moved)
        told = {s.topic: s.text for s in statements(comparisons(table, [score]))}
        return told["Likeness, forget rows, against the floor:"]

    assert said() == "no difference shown: scrub."
    sides = ("farther from the oracle: scrub.", "closer to the oracle: scrub.")
    above, below = sides if better == "lower" else sides[::-1]
    assert said(scrub=1.0) == above
    assert said(scrub=-1.0) == below
