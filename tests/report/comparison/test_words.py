import numpy as np
import pandas as pd
import pytest

from qhu.report.comparison import words
from qhu.report.comparison.gaps import EVERY, QUANTITIES
from qhu.report.comparison.ranking import Ranking
from qhu.report.statistics import Estimate

WIDE, NARROW = 0.2, 0.01


def verdict(mean, half, p, seeds):
    if half == 0:
        return "same"
    shown = "above" if mean > 0 else "below"
    return "few seeds" if seeds < 5 else shown if p < 0.05 else "not shown"


def table(gaps, parts=None, seeds=10):
    """Judged tests of one metric: method to (mean, p_holm), parts of their mean to (mean, half).

    A part is claimed where half is less than the mean, and the same in every seed where it is 0.
    """
    rows = [
        ("gap", m, mean, mean - 0.1, mean + 0.1, seeds, False, p, verdict(mean, 0.1, p, seeds))
        for m, (mean, p) in gaps.items()
    ]
    for name in QUANTITIES:
        mean, half = (parts or {}).get(name, (0.0, 0.0))
        p = 0.01 if half < abs(mean) else 1.0
        told = verdict(mean, half, p, seeds)
        rows.append((name, EVERY, mean, mean - half, mean + half, seeds, half == 0, p, told))
    columns = ["quantity", "method", "mean", "ci_low", "ci_high", "seeds", "same", "p_holm"]
    table = pd.DataFrame(rows, columns=[*columns, "verdict"])
    effects = np.where(table["verdict"] == "not shown", 0.15 + 0.01 * np.arange(len(table)), np.nan)
    return table.assign(scenario="s", metric="m", smallest=effects)


def said(statements):
    return " ".join(f"{one.topic} {one.text}" for one in statements)


def test_only_what_the_corrected_test_shows_is_claimed():
    gaps = {"scrub": (0.3, 0.01), "lca": (-0.2, 0.04), "qmul": (0.5, 0.06), "none": (0.9, 0.001)}
    text = said(words.gap_statements({"acc_test": table(gaps)}, "A"))
    assert "acc_test: higher than on A: scrub; lower than on A: lca" in text
    assert "no difference shown: qmul (smallest difference this could see: 0.170)" in text
    assert "none" not in text, "the honest rows are no methods"


def test_metrics_without_a_difference_are_named_together():
    quiet = {"scrub": (0.3, 0.5), "lca": (0.2, 0.5)}
    text = said(words.gap_statements({"kl_test": table(quiet), "acc_test": table(quiet)}, "A"))
    power = "(smallest difference this could see: 0.150 to 0.160)"
    assert text == f"No difference shown for any method: kl_test {power}, acc_test {power}."


@pytest.mark.parametrize(
    ("drift", "verdict"),
    [
        ((0.0, 0.0), "add up to exactly the gap in kl_test."),
        ((0.1, 0.0), "not the gap in kl_test (drift (the same in every seed (n = 10), +0.100))."),
        (
            (0.02, WIDE),
            "the gap, no drift shown, in kl_test (drift +0.020 [−0.180, +0.220] (smallest "
            "difference this could see: 0.200)).",
        ),
        ((0.05, NARROW), "not the gap in kl_test (drift +0.050 [+0.040, +0.060])."),
    ],
)
def test_drift_is_told_by_its_interval(drift, verdict):
    parts = {"gap": (0.1, NARROW), "gate_noise": (0.08, NARROW), "readout_error": (0.01, WIDE)}
    text = said(words.parts_statements({"kl_test": table({}, {**parts, "drift": drift})}))
    assert "gate noise: kl_test +0.080 [+0.070, +0.090]" in text
    assert "readout error: not told apart from 0 (smallest difference this could see: 0." in text
    assert verdict in text


def test_one_seed_supports_nothing():
    one = table({"scrub": (0.3, float("nan"))}, seeds=1)
    assert words.parts_statements({"kl_test": one}) == []
    assert "support no conclusion" in said(words.caution(one))


def test_too_few_seeds_are_told():
    methods = {f"m{n}": (0.1, 1.0) for n in range(4)}
    few = table(methods, {"gap": (0.5, NARROW)}, seeds=3)
    assert "with 3 seeds nothing is claimed" in said(words.caution(few))
    assert words.parts_statements({"m": few}) == []
    assert words.caution(table(methods, seeds=10)) == []


def test_the_order_changes_only_beyond_chance():
    pairs = pd.DataFrame({"closer": ["a", "a"], "other": ["b", "c"], "swapped": [True, True]})
    verdicts = ["above", "above", "below", "not shown"]  # of the reference, then of the run
    orders = pd.DataFrame({"p_holm": [0.01, 0.01, 0.02, 0.2], "verdict": verdicts})
    ranking = Ranking(Estimate(0.5, 0.2, 0.9, 10), pd.DataFrame(), pairs, orders)
    assert ranking.swaps()["p_holm"].tolist() == [0.02, 0.2]
    text = words.ranking_statement({"kl_test": ranking}).text
    assert "kl_test 0.500 [0.200, 0.900]" in text
    assert "beyond chance: a and b by kl_test." in text
    tied = Ranking(
        Estimate(float("nan"), float("nan"), float("nan"), 10), pd.DataFrame(), pairs, orders
    )
    assert words.correlation(tied) == "undefined, all methods tie"


def test_damping_and_shifts_are_told_by_their_tests():
    lines = {
        q: {"slope": Estimate(slope, 0, 0, 5), "offset": Estimate(offset, 0, 0, 5)}
        for q, slope, offset in ((0, 0.9, 0.0), (1, 0.97, -0.02))
    }
    rows = [
        ("slope", 0, 5, "below"),
        ("slope", 1, 5, "not shown"),
        ("offset", 0, 5, "same"),
        ("offset", 1, 5, "below"),
    ]
    tests = pd.DataFrame(rows, columns=["quantity", "qubit", "seeds", "verdict"])
    tests = tests.assign(smallest=[np.nan, 0.02, np.nan, np.nan])
    text = words.qubit_statement(lines, tests, "A").text
    assert "slopes against A of 0.900 to 0.970, offsets of −0.020 to 0.000" in text
    assert (
        "Damped: q0 (smallest difference this could see: 0.020); shifted: q1; offset the same"
        in text
    )
    assert "offset the same in every seed (n = 5): q0." in text
    few = words.qubit_statement(lines, tests.assign(seeds=4), "A").text
    assert "amped" not in few and "shifted" not in few
