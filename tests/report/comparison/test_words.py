import pandas as pd
import pytest

from qhu.report.comparison import words
from qhu.report.comparison.gaps import EVERY, QUANTITIES
from qhu.report.comparison.ranking import Ranking
from qhu.report.statistics import Estimate

WIDE, NARROW = 0.2, 0.01


def table(gaps, parts=None, seeds=10):
    """Tests of one metric: method to (mean, p_holm), and the parts of their mean: (mean, half)."""
    rows = [
        ("gap", method, mean, mean - 0.1, mean + 0.1, seeds, p, p)
        for method, (mean, p) in gaps.items()
    ]
    for name in QUANTITIES:
        mean, half = (parts or {}).get(name, (0.0, 0.0))
        rows.append((name, EVERY, mean, mean - half, mean + half, seeds, 1.0, 1.0))
    columns = ["quantity", "method", "mean", "ci_low", "ci_high", "seeds", "p", "p_holm"]
    return pd.DataFrame(rows, columns=columns).assign(scenario="s", metric="m")


def said(statements):
    return " ".join(f"{one.topic} {one.text}" for one in statements)


def test_only_what_the_corrected_test_shows_is_claimed():
    gaps = {"scrub": (0.3, 0.01), "lca": (-0.2, 0.04), "qmul": (0.5, 0.06), "none": (0.9, 0.001)}
    text = said(words.gap_statements({"acc_test": table(gaps)}, "A"))
    assert "acc_test: higher than on A: scrub; lower than on A: lca" in text
    assert "no difference shown: qmul" in text
    assert "none" not in text, "the honest rows are no methods"


def test_metrics_without_a_difference_are_named_together():
    quiet = {"scrub": (0.3, 0.5)}
    text = said(words.gap_statements({"kl_test": table(quiet), "acc_test": table(quiet)}, "A"))
    assert text == "No difference shown for any method: kl_test, acc_test."


def test_rounding_is_no_difference():
    text = said(words.gap_statements({"kl_test": table({"scrub": (1e-7, 0.001)})}, "A"))
    assert "No difference shown" in text


@pytest.mark.parametrize(
    ("drift", "verdict"),
    [
        ((0.0, 1e-7), "add up to exactly the gap in kl_test."),
        ((0.02, WIDE), "the gap within its interval in kl_test (drift +0.020 [−0.180, +0.220])."),
        ((0.05, NARROW), "not the gap in kl_test (drift +0.050 [+0.040, +0.060])."),
    ],
)
def test_drift_is_told_by_its_interval(drift, verdict):
    parts = {"gap": (0.1, NARROW), "gate_noise": (0.08, NARROW), "readout_error": (0.01, WIDE)}
    text = said(words.parts_statements({"kl_test": table({}, {**parts, "drift": drift})}))
    assert "gate noise: kl_test +0.080 [+0.070, +0.090]" in text
    assert "readout error: not told apart from 0" in text
    assert verdict in text


def test_claims_hold_for_all_metrics_together():
    parts = {"gap": (0.1, NARROW), "gate_noise": (0.011, NARROW), "drift": (0.011, NARROW)}
    alone = said(words.parts_statements({"kl_test": table({}, parts)}))
    assert "gate noise: kl_test +0.011" in alone and "not the gap in kl_test" in alone
    many = said(words.parts_statements({f"kl_{n}": table({}, parts) for n in range(5)}))
    assert "gate noise: not told apart from 0" in many and "not the gap" not in many


def test_one_seed_supports_nothing():
    one = table({"scrub": (0.3, float("nan"))}, seeds=1)
    assert words.parts_statements({"kl_test": one}) == []
    assert "support no conclusion" in said(words.caution(one))


def test_too_few_seeds_are_told():
    methods = {f"m{n}": (0.1, 1.0) for n in range(4)}
    assert "cannot show a difference" in said(words.caution(table(methods, seeds=3)))
    assert words.caution(table(methods, seeds=10)) == []


def test_the_order_changes_only_beyond_chance():
    pairs = pd.DataFrame({"closer": ["a", "a"], "other": ["b", "c"], "p_holm": [0.01, 0.2]})
    ranking = Ranking(Estimate(0.5, 0.2, 0.9, 10), pd.DataFrame(), pairs)
    text = words.ranking_statement({"kl_test": ranking}).text
    assert "kl_test 0.500 [0.200, 0.900]" in text
    assert "beyond chance: a and b by kl_test." in text
    tied = Ranking(Estimate(float("nan"), float("nan"), float("nan"), 10), pd.DataFrame(), pairs)
    assert words.correlation(tied) == "undefined, all methods tie"


def test_damping_and_shifts_are_told_by_their_intervals():
    sure, unsure = Estimate(0.9, 0.88, 0.92, 5), Estimate(0.97, 0.9, 1.04, 5)
    shifted, centred = Estimate(-0.02, -0.03, -0.01, 5), Estimate(0.0, -0.1, 0.1, 5)
    lines = {0: {"slope": sure, "offset": centred}, 1: {"slope": unsure, "offset": shifted}}
    text = words.qubit_statement(lines, "A").text
    assert "slopes against A of 0.900 to 0.970, offsets of −0.020 to 0.000" in text
    assert "Damped: q0; shifted: q1." in text
