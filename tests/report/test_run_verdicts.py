"""Verdicts of a run: what planted methods get, and how often null methods get any."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qhu.report.run.sections import answered
from qhu.report.run_tests import by_section, page_tests
from qhu.report.verdicts import MARGIN, UTILITY_MARGIN

COLUMNS = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n"]
NO_FACTS = pd.DataFrame(columns=["scenario", "method", "steps", "seconds"])


@pytest.fixture
def verdicts(scores):
    """Verdicts by method of a run whose values are given, by metric and method."""

    def verdicts(values, n=40, facts=NO_FACTS):
        rows = [
            ("iris", "subset", method, seed, "statevector", metric, value, n)
            for metric, by_method in values.items()
            for method, its in by_method.items()
            for seed, value in enumerate(its)
        ]
        results = pd.DataFrame(rows, columns=COLUMNS)
        (key,) = by_section(results)
        answer = answered(results, page_tests(results, scores)[key], facts)
        return answer and {row.method: row for row in answer.table.rows}, answer

    return verdicts


def around(mean, spread, seeds, number):
    return mean + spread * np.random.default_rng(number).standard_normal(seeds)


def planted(seeds=20, spread=0.02):
    """AUCs of a perfect method, of one that does nothing, one that over-forgets, a vague one."""
    means = {"retrain": 0.5, "floor": 0.5, "none": 0.9, "eu_k": 0.505, "scrub": 0.2, "lca": 0.56}
    spreads = {"lca": 0.3}
    return {
        method: around(mean, spreads.get(method, spread), seeds, number)
        for number, (method, mean) in enumerate(means.items())
    }


def test_planted_methods_get_their_verdicts(verdicts):
    rows, _ = verdicts({"mia_forget": planted()})
    assert {method: row.verdict for method, row in rows.items()} == {
        "none": "did not forget",
        "floor": "indistinguishable",
        "eu_k": "indistinguishable",
        "scrub": "over-forgot",
        "lca": "cannot tell",
    }
    assert rows["lca"].smallest > 0.2
    assert rows["eu_k"].smallest < MARGIN


@st.composite
def run_values(draw):
    """Scores in steps of few rows, some the same in every seed, over few seeds or many."""
    seeds = draw(st.integers(3, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    methods = ["retrain", "floor", "none", "eu_k", "scrub", "lca"]
    values = {}
    for metric, rows in (("acc_forget", 10), ("mia_forget", 100), ("acc_test", 30)):
        hits = dict(zip(methods, rng.choice([0.05, 0.5, 0.55, 0.9, 1.0], 6), strict=True))
        values[metric] = {m: rng.binomial(rows, hits[m], seeds) / rows for m in methods}
        values[metric]["eu_k"] = values[metric]["retrain"] + rng.choice([0, 0.01, 0.3])
    return values


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=run_values())
def test_printed_and_drawn_intervals_say_what_the_verdict_says(verdicts, values):
    rows, answer = verdicts(values, n=10)
    for row in rows.values():
        printed = [cell.estimate for cell in answer.table.leaks(row)]
        drawn = [row.forest_row(which) for which in range(len(row.leaks))]
        forgot = [bool(low > -MARGIN and high < MARGIN) for low, high in row.inner]
        sides = {"above" for v in row.leaks if v.low > 0}
        sides |= {"below" for v in row.leaks if v.high < 0}
        assert (row.verdict == "indistinguishable") == all(forgot)
        if all(forgot):
            assert all(-MARGIN < v.low <= v.mean <= v.high < MARGIN for v in printed)
        else:
            assert tuple(printed) == row.leaks
            expected = {"did not forget": {"above"}, "over-forgot": {"below"}}
            assert expected.get(row.verdict) in (None, sides)
            assert row.verdict != "cannot tell" or len(sides) != 1
        for line, outer, inner in zip(drawn, row.leaks, row.inner, strict=True):
            assert (line.estimate, line.inner) == (outer, inner)
            assert math.isnan(inner[0]) or outer.low <= inner[0] <= inner[1] <= outer.high
        if row.kept == "kept":
            assert row.utility.low > -UTILITY_MARGIN
        else:
            assert (row.kept == "lost") == bool(row.utility.high < 0)


def test_who_forgot_did_so_in_every_score(verdicts):
    accuracy = planted() | {"eu_k": around(0.9, 0.02, 20, 9)}
    rows, _ = verdicts({"mia_forget": planted(), "acc_forget": accuracy})
    assert rows["eu_k"].verdict == "did not forget"
    assert rows["floor"].verdict == "indistinguishable"


def test_scores_that_contradict_each_other_cannot_be_told(verdicts):
    accuracy = planted() | {"scrub": around(0.9, 0.02, 20, 9)}
    rows, _ = verdicts({"mia_forget": planted(), "acc_forget": accuracy})
    assert rows["scrub"].verdict == "cannot tell"


@pytest.mark.parametrize(
    ("value", "seeds", "verdict"),
    [
        (1.0, 10, "did not forget"),
        (0.0, 10, "indistinguishable"),
        (0.0, 4, "cannot tell"),
        (1.0, 4, "cannot tell"),
    ],
)
def test_what_is_the_same_in_every_seed(verdicts, value, seeds, verdict):
    values = {"retrain": np.zeros(seeds), "floor": np.zeros(seeds), "qmul": np.full(seeds, value)}
    rows, _ = verdicts({"acc_forget": values})
    assert rows["qmul"].verdict == verdict


def test_a_few_rows_show_no_equivalence_by_chance(verdicts):
    """Five seeds of ten rows may well agree where one row in twenty differs."""
    values = {"retrain": np.zeros(5), "floor": np.zeros(5), "qmul": np.zeros(5)}
    rows, _ = verdicts({"acc_forget": values}, n=10)
    assert rows["qmul"].verdict == "cannot tell"


def test_a_scenario_in_which_doing_nothing_is_not_caught_says_so(verdicts):
    _, answer = verdicts({"mia_forget": planted() | {"none": around(0.5, 0.02, 20, 7)}})
    assert any("Doing nothing is not caught" in text for text in answer.caveats)


def test_utility_and_cost_stand_beside_the_verdict(verdicts):
    accuracy = {
        "retrain": around(0.9, 0.01, 20, 1),
        "eu_k": around(0.9, 0.01, 20, 2),
        "scrub": around(0.5, 0.01, 20, 3),
        "lca": around(0.88, 0.05, 20, 4),
    }
    facts = pd.DataFrame(
        {
            "scenario": ["subset", "subset", "subset", "class"],
            "method": ["eu_k", "eu_k", "retrain", "retrain"],
            "steps": [40, 20, 120, 7],
            "seconds": [0.5, 1.5, 4.0, 99.0],
        }
    )
    rows, answered = verdicts({"mia_forget": planted(), "acc_test": accuracy}, facts=facts)
    assert [rows[m].kept for m in ("eu_k", "scrub", "lca")] == ["kept", "lost", "cannot tell"]
    assert (rows["eu_k"].cost, rows["eu_k"].steps) == (30, "30")
    assert rows["eu_k"].share_in_words == "0.25 × retrain"
    assert (rows["eu_k"].seconds_in_words, rows["eu_k"].seconds_share) == ("1 s", 0.25)
    assert answered.table.again == ("120", "4 s")
    assert math.isnan(rows["scrub"].cost)


def test_without_scores_of_forget_rows_there_is_no_verdict(verdicts):
    _, answer = verdicts({"acc_test": planted()})
    assert answer is None


def test_few_seeds_cannot_tell(verdicts):
    rows, _ = verdicts({"mia_forget": planted(seeds=4)})
    assert {row.verdict for row in rows.values()} == {"cannot tell"}


@pytest.mark.parametrize("apart", [0.0, MARGIN])
def test_how_often_a_verdict_is_wrong(verdicts, apart):
    """Equal methods are seldom called different; methods at the margin seldom equivalent."""
    rng = np.random.default_rng(3)
    pages, methods, seeds = 12, [f"m{number}" for number in range(12)], 20
    wrong = {"indistinguishable": 0, "over-forgot": 0, "did not forget": 0, "cannot tell": 0}
    for _ in range(pages):
        values = {method: rng.normal(0.5 + apart, 0.05, seeds) for method in methods}
        values["retrain"] = rng.normal(0.5, 0.05, seeds)
        rows, _ = verdicts({"mia_forget": values})
        for row in rows.values():
            wrong[row.verdict] += 1
    if apart:
        assert wrong["indistinguishable"] / (pages * len(methods)) < 0.12
    else:
        assert wrong["over-forgot"] + wrong["did not forget"] <= 2


@pytest.mark.parametrize("seeds", [1, 4])
def test_few_seeds_are_named_and_do_not_speak_of_what_there_is_to_forget(verdicts, seeds):
    values = {method: its[:seeds] for method, its in planted().items()}
    _, answer = verdicts({"mia_forget": values})
    assert answer.caveats == []
    assert f"of {seeds} seed" in answer.sentence and "it takes 5" in answer.sentence
    assert answer.parts[0].marker == ""
