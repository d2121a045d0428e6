"""Which verdicts two runs give otherwise, from planted attacks on the forget rows."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from qhu.report.comparison.verdicts import differing, verdict_pairs
from qhu.report.run.sections import answered
from qhu.report.run_tests import by_section, page_tests

EXACT = {"kind": "statevector", "exact": True, "shots": None, "precision": "complex64"}
BRISBANE = {"kind": "aer", "device": "fake_brisbane", "noise": "device snapshot"}
MEANS = {"retrain": 0.5, "floor": 0.5, "none": 0.9, "eu_k": 0.5, "scrub": 0.2, "lca": 0.9}
NO_FACTS = pd.DataFrame(columns=["scenario", "method", "steps"])


def attacked(means, seeds=12):
    """Results in which each method's AUC lies around a mean."""
    rows = [
        ("iris", "subset", method, seed, "b", "mia_forget", mean + 0.01 * noise, 40)
        for number, (method, mean) in enumerate(means.items())
        for seed, noise in enumerate(np.random.default_rng(number).standard_normal(seeds))
    ]
    columns = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def compared(scores):
    """Verdicts of two runs by their results."""

    def compared(first, second, differs=("noise",)):
        runs = [SimpleNamespace(results=results, scores=scores) for results in (first, second)]
        return verdict_pairs(tuple(runs), ("A", "B"), list(differs))

    return compared


def test_noise_that_changes_no_verdict_is_said_to(compared):
    results = attacked(MEANS)
    pairs = compared(results, results)
    assert pairs.sentence == "Noise changes no method's verdict."
    assert pairs.details == "The same in both: 1 forgot, 1 over-forgot, 1 did not forget."
    assert pairs.changed == []


def test_verdicts_that_change_are_named(compared):
    other = attacked({**MEANS, "lca": 0.5})
    pairs = compared(attacked(MEANS), other, ["shots"])
    assert pairs.sentence == "Shots change 1 of 3 verdicts."
    assert pairs.details == (
        "From A to B: lca (subset) did not forget → forgot. "
        "The same in both: 1 forgot, 1 over-forgot."
    )


def test_a_change_to_cannot_tell_is_set_apart(compared):
    other = attacked({**MEANS, "lca": 0.6})
    vague = other["value"] + 0.3 * (-1.0) ** other["seed"] * (other["method"] == "lca")
    pairs = compared(attacked(MEANS), other.assign(value=vague))
    assert pairs.changed[0][2:] == ("did not forget", "cannot tell")
    assert pairs.sentence == "Noise changes 1 of 3 verdicts, to or from “cannot tell”."


def test_every_verdict_is_that_of_the_page_of_its_run(compared, results, scores):
    """The whole synthetic study: two scenarios, all scores and their one correction."""
    rng = np.random.default_rng(1)
    other = results.assign(value=results["value"] + rng.normal(0, 0.01, len(results)))
    pairs = compared(results, other)
    assert len(pairs.pairs) > 40
    for place, table in ((2, results), (3, other)):
        tests = page_tests(table, scores)
        page = {
            (key[1], row.method): row.verdict
            for key, rows in by_section(table).items()
            for row in answered(rows, tests[key], NO_FACTS).table.rows
        }
        assert {pair[:2]: pair[place] for pair in pairs.pairs}.items() <= page.items()


def test_runs_are_judged_by_the_seeds_that_both_have(compared):
    """Alone the longer run would tell more."""
    short, longer = attacked(MEANS, seeds=4), attacked(MEANS, seeds=12)
    pairs = compared(longer, short)
    assert {pair[2:] for pair in pairs.pairs} == {("cannot tell", "cannot tell")}
    assert pairs.sentence.startswith("No verdicts to compare: of no method can anything be told")


def test_runs_without_a_score_to_judge_by_have_no_verdicts(compared):
    results = attacked(MEANS).assign(metric="acc_test")
    pairs = compared(results, results)
    assert pairs.sentence.startswith("No verdicts to compare: the runs have no score")
    assert pairs.details == ""


@pytest.mark.parametrize(
    ("reference", "run", "words"),
    [
        (EXACT, BRISBANE, ["noise"]),
        (EXACT, {"kind": "aer", "depolarizing": [0, 0], "shots": 64}, ["shots"]),
        (EXACT, {**BRISBANE, "shots": 64}, ["noise", "shots"]),
        (BRISBANE, {**BRISBANE, "device": "fake_fez"}, ["the device"]),
        (BRISBANE, {**BRISBANE, "shots": 64}, ["shots"]),
        (
            {"kind": "aer", "depolarizing": [0.01, 0.01]},
            {"kind": "aer", "depolarizing": [0.02, 0.02]},
            ["noise"],
        ),
        (
            {"kind": "ibm", "device": "ibm_fez", "shots": 256},
            {"kind": "ibm", "device": "ibm_fez", "shots": 256, "resilience_level": 2},
            ["resilience level"],
        ),
        (BRISBANE, {**BRISBANE, "versions": {"qiskit": "3"}}, []),
    ],
)
def test_what_differs_is_named_from_the_options(reference, run, words):
    assert differing(reference, run) == words
    assert differing(run, reference) == words
