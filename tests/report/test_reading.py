import re

import numpy as np
import pandas as pd
import pytest

from qhu.record.scores import Reading, score_of
from qhu.report.claims import comparisons
from qhu.report.run.reading import statements
from qhu.report.run.sections import sections
from qhu.report.statistics import judged, summarise

NO_FACTS = pd.DataFrame(columns=["scenario", "method", "steps", "seconds"])


@pytest.fixture
def said(scores_of):
    """What is said of one scenario, by topic."""

    def say(results, scenario, seeds=10, keep=None):
        chosen = results[(results["scenario"] == scenario) & (results["seed"] < seeds)]
        if keep:
            chosen = chosen[chosen["method"].isin(keep)]
        compared = comparisons(chosen, scores_of(chosen).values())
        return {s.topic: s.text for s in statements(judged(compared))}

    return say


def test_no_headroom_is_said(results, said):
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
        (-0.4, 0.01, 10, "doing worse is no sign of forgetting"),
        (0.4, 0, 10, "the same in every seed (n = 10), +0.400. Without spread"),
        (0, 0, 10, "the same in every seed (n = 10), 0.000. In these seeds it cannot tell"),
        (0.4, 0.01, 4, "So few seeds do not tell whether"),
        (0.4, 0, 4, "the same in every seed (n = 4), +0.400. Without spread"),
    ],
)
def test_headroom_is_what_the_corrected_test_shows(results, gap, scatter, seeds, text, said):
    table = fixed(results, gap, scatter)
    found = said(table, "subset", seeds, ["none", "retrain"])["Room to forget:"]
    assert text in found
    assert ("The corrected test shows it" in found) == (seeds == 10 and scatter > 0)


def test_headroom_of_a_score_that_is_better_lower_has_the_other_sign(results):
    """A teacher that errs less on the forget rows than the oracle leaves a gap to close."""
    words = {"title": "error", "against": "retrain", "better": "lower", "span": (0, 1)}
    reading = Reading(**words, headline=["forget"], claimed=["forget"], tradeoff=True)
    score = score_of("err_forget", "err", {"err": reading}, "")
    table = fixed(results[results["scenario"] == "subset"], 0.4, 0.01)
    for rows, said in (
        (table, "doing worse is no sign of forgetting"),
        (table.assign(value=1 - table["value"]), "the gap that a method has to close"),
    ):
        found = statements(judged(comparisons(rows.assign(metric="err_forget"), [score])))
        assert said in found[0].text


def test_room_to_forget_is_a_gap_to_the_oracle_not_to_the_floor(results):
    words = {"title": "likeness", "against": "floor", "better": "higher", "span": (0, 1)}
    reading = Reading(**words, headline=["forget"], claimed=["forget"], tradeoff=True)
    score = score_of("like_forget", "like", {"like": reading}, "")
    rows = results[(results["scenario"] == "subset") & (results["metric"] == "agree_forget")]
    found = statements(judged(comparisons(rows.assign(metric="like_forget"), [score])))
    assert [s.topic for s in found if s.topic.startswith("Room")] == []


def test_over_forgetting_is_not_praised(results, said):
    text = said(results, "subset")["Accuracy, forget rows, against the oracle:"]
    assert "below, over-forgetting: gradient_ascent" in text
    assert "no difference shown: " in text


def test_what_only_the_class_scenario_shows(results, said):
    found = said(results, "class")
    assert "Accuracy, test rows, kept classes, against the oracle:" in found
    # all test rows mix what is to be kept and what is to be forgotten
    assert "Accuracy, test rows, against the oracle:" not in found
    distance = found["KL to the oracle (nats), forget rows, against the floor:"]
    assert re.search("no difference shown: [^;]*eu_k", distance)


def test_a_difference_without_spread_is_told_and_not_claimed(results, said):
    text = said(results, "class")["Accuracy, forget rows, against the oracle:"]
    assert "the same in every seed (n = 10), 0.000: gradient_ascent, eu_k" in text
    assert re.search(r"the same in every seed \(n = 10\), \+1\.000: \d+ methods", text)
    assert "above, remembering more: finetune, cf_k" in text


def test_moving_towards_the_oracle_is_told_from_doing_nothing(results, said):
    text = said(results, "class")["KL to the oracle (nats), forget rows, against doing nothing:"]
    claimed = text.split("no difference shown")[0]
    assert claimed.startswith("closer to the oracle:") and "eu_k" in claimed


def test_too_few_seeds_are_admitted_and_nothing_is_claimed(results, said):
    found = said(results, "class", seeds=4)
    assert list(found) == ["Room to forget:", "Too few seeds:"]
    assert "with 4 seeds nothing is claimed" in found["Too few seeds:"]


def test_five_seeds_may_claim(results, said):
    found = said(results, "class", seeds=5)
    assert "remembering more: finetune" in found["Accuracy, forget rows, against the oracle:"]


def test_a_method_of_few_seeds_is_named_as_such(results, said):
    table = results[(results["method"] != "finetune") | (results["seed"] < 3)]
    text = said(table, "class")["Accuracy, forget rows, against the oracle:"]
    assert text.endswith("fewer than 5 seeds: finetune.")


def test_one_seed_supports_nothing(results, said):
    assert list(said(results, "class", seeds=1)) == ["One seed"]


def test_nothing_is_said_of_methods_that_were_not_tried(results, said):
    found = said(results, "subset", keep=["none", "retrain", "floor"])
    assert list(found) == ["Room to forget:"]


def test_what_is_not_claimed_is_passed_over(results, scores):
    assert comparisons(results[results["metric"] == "uqi"], [scores["uqi"]]) == {}


def made_up(results, better):
    """A score that qhu has never heard of, and a table of it with some methods moved."""
    reading = Reading(
        title="likeness", against="floor", better=better, headline=["forget"], claimed=["forget"]
    )
    score = score_of("like_forget", "like", {"like": reading}, "")
    rows = results[(results["scenario"] == "subset") & (results["metric"] == "kl_forget")]
    rows = rows[rows["method"].isin(["none", "retrain", "floor", "scrub"])]
    noise = pd.Series(np.random.default_rng(5).normal(0, 0.01, len(rows)), index=rows.index)

    def table(**moved):
        moved = rows["method"].map({"retrain": -5.0, "scrub": 0.0} | moved).fillna(0)
        return rows.assign(metric="like_forget", value=5 + noise + moved)

    return score, table


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_a_new_distance_or_similarity_is_read_against_the_floor(results, better):
    """As far from the oracle as the floor is no finding, however far that is from the oracle's."""
    score, table = made_up(results, better)

    def said(**moved):
        found = statements(judged(comparisons(table(**moved), [score])))
        return {s.topic: s.text for s in found}["Likeness, forget rows, against the floor:"]

    assert re.fullmatch(
        r"no difference shown: scrub \(smallest difference this could see: 0\.\d{3}\)\.", said()
    )
    sides = ("farther from the oracle: scrub.", "closer to the oracle: scrub.")
    above, below = sides if better == "lower" else sides[::-1]
    assert said(scrub=1.0) == above
    assert said(scrub=-1.0) == below


def test_a_new_score_is_corrected_with_the_rest_of_the_page(results, scores, undrawn):
    """A claimed score is a member of the page's one family, whoever declares it."""
    score, table = made_up(results, "lower")
    one = results[results["scenario"] == "subset"]

    def p_values(results):
        read = {**scores, "like_forget": score}
        found = sections(results, summarise(results, read), read, NO_FACTS)[0].tests
        return {
            (row.method, column.metric): cell.p
            for row in found.rows
            for column, cell in zip(found.columns, row.cells, strict=True)
        }

    before, after = p_values(one), p_values(pd.concat([one, table(scrub=1.0)]))
    joined = after.keys() - before.keys()
    assert {name for _, name in joined} == {"like_forget − floor", "like_forget − none"}
    smallest = min((key for key in before if before[key] > 0), key=before.get)
    assert after[smallest] > before[smallest]


@pytest.fixture
def undrawn(monkeypatch):
    for name in ("metric_panels", "forest_panels"):
        monkeypatch.setattr(f"qhu.report.run.sections.{name}", lambda *_: [])


def test_a_page_of_more_scenarios_claims_less(results, scores, undrawn):
    """Everything that the page claims is corrected together, whatever its section."""
    one = results[results["scenario"] == "subset"]
    copies = pd.concat(one.assign(scenario=f"copy {n}") for n in range(6))

    def smallest(table):
        found = sections(table, summarise(table, scores), scores, NO_FACTS)[0].tests
        return min(cell.p for row in found.rows for cell in row.cells if cell.p > 0)

    assert smallest(copies) == pytest.approx(6 * smallest(one))
