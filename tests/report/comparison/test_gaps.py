import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qhu.report.comparison.gaps import CELL, EVERY, PARTS, QUANTITIES, STEPS, decompose, gaps
from qhu.report.comparison.gaps import tested_gaps as find
from qhu.report.statistics import mean_interval

NUMBERS = st.floats(-1, 1, width=32)
CELLS = st.tuples(st.sampled_from("st"), st.sampled_from("abc"), st.integers(0, 3), st.just("m"))
SCORES = st.dictionaries(CELLS, st.tuples(*[NUMBERS] * 5), max_size=12)


def parts_of(scores):
    """The parts of a run from its cells: values of the four steps, then the recorded value."""
    index = pd.MultiIndex.from_tuples(list(scores), names=CELL) if scores else None
    if index is None:
        index = pd.MultiIndex.from_arrays([[]] * 4, names=CELL)
    table = pd.DataFrame(list(scores.values()), index=index, columns=[*STEPS, "value"])
    table = table.reset_index()
    return decompose(table[[*CELL, "value"]], table[[*CELL, *STEPS]])


def test_parts_by_hand():
    found = parts_of({("s", "scrub", 0, "m"): (0.5, 0.6, 0.55, 0.57, 0.8)}).iloc[0]
    assert found.to_list() == pytest.approx([0.1, -0.05, 0.02, 0.23])
    assert found.index.to_list() == ["gate_noise", "readout_error", "shot_noise", "drift"]


@settings(deadline=None, max_examples=30)
@given(SCORES, SCORES)
def test_the_parts_add_up_to_the_gap_of_exactly_the_common_cells(one, other):
    found = gaps(parts_of(one), parts_of(other))
    assert set(found.index) == one.keys() & other.keys()
    for cell, row in found.iterrows():
        exact = other[cell][0] - one[cell][0]  # the same models: 0 in a comparison
        assert row["gap"] == pytest.approx(other[cell][4] - one[cell][4] - exact, abs=1e-6)
        assert row[PARTS].sum() == pytest.approx(row["gap"], abs=1e-6)
        assert row["modelled"] == pytest.approx(row["gap"] - row["drift"], abs=1e-6)


def test_a_score_that_a_step_leaves_undefined_is_left_out():
    steps = {("s", "scrub", 0, "cka"): (0.5, np.nan, 0.5, 0.5, 0.5)}
    assert parts_of(steps).empty


@pytest.fixture
def three_seeds():
    values = {"none": (0, 0, 0), "lca": (1, 2, 3), "scrub": (2, 2, 5)}
    return parts_of(
        {
            ("s", method, seed, "m"): (0, shift, shift, shift, shift)
            for method, shifts in values.items()
            for seed, shift in enumerate(shifts)
        }
    )


def test_tests_are_those_of_the_paired_differences(three_seeds):
    table = find(gaps(three_seeds * 0, three_seeds)).set_index(["quantity", "method"])
    mean, low, high, seeds = mean_interval(np.array([1.0, 2, 3]))
    row = table.loc["gate_noise", "lca"]
    assert row[["mean", "ci_low", "ci_high", "seeds"]].to_list() == pytest.approx(
        [mean, low, high, seeds]
    )
    assert np.isnan(row["p"]) and not row["same"]  # three seeds
    assert table.loc["drift", "lca"]["same"]
    assert table.index.get_level_values("quantity").unique().to_list() == QUANTITIES


def test_the_mean_over_the_methods_leaves_out_the_honest_rows_and_uneven_seeds(three_seeds):
    uneven = three_seeds.drop(index=("s", "scrub", 2, "m"))
    for parts, expected in ((three_seeds, (1.5, 2, 4)), (uneven, (1.5, 2))):
        table = find(gaps(parts * 0, parts))
        row = table[(table["method"] == EVERY) & (table["quantity"] == "gap")].iloc[0]
        assert row["mean"] == pytest.approx(np.mean(expected))
        assert row["seeds"] == len(expected)
