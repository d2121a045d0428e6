import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qhu.report.comparison.qubits import POINTS, fitted, paired_values, thinned
from qhu.report.comparison.qubits import tested_lines as line_tests

SIZE = 40


def predictions(values, seeds=2):
    """Rows of ``predictions.parquet``: values (rows, qubits) per seed."""
    frames = []
    for seed in range(seeds):
        table = pd.DataFrame(values[seed]).add_prefix("z")
        about = {"scenario": "s", "method": "scrub", "seed": seed, "subset": "test", "label": 0}
        frames.append(table.assign(row=range(len(table)), p0=0.5, **about))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(5).uniform(-1, 1, (2, SIZE, 3))


def test_a_line_is_recovered_qubit_by_qubit(values):
    slopes, offsets = np.array([0.9, 1.0, -0.5]), np.array([0.0, 0.05, -0.1])
    run = predictions(slopes * values + offsets)
    found = fitted(paired_values(predictions(values), run))
    for qubit in range(3):
        assert found[qubit]["slope"].mean == pytest.approx(slopes[qubit])
        assert found[qubit]["offset"].mean == pytest.approx(offsets[qubit])
        assert found[qubit]["scatter"].mean == pytest.approx(0, abs=1e-12)
        assert found[qubit]["slope"].seeds == 2


def test_the_interval_is_over_the_seeds(values):
    run = predictions(values * np.array([0.8, 0.9])[:, None, None])
    slope = fitted(paired_values(predictions(values), run))[0]["slope"]
    assert slope.mean == pytest.approx(0.85)
    # t-quantile of 1 degree of freedom times the standard error of 0.8 and 0.9
    assert slope.high - slope.mean == pytest.approx(12.7062 * 0.05, rel=1e-4)


def test_slopes_are_tested_against_one_and_offsets_against_zero():
    rng = np.random.default_rng(9)
    values, seeds = rng.uniform(-1, 1, (6, SIZE, 1)), 6
    slopes, offsets = (rng.normal(mean, 0.05, seeds)[:, None, None] for mean in (0.9, 0.0))
    run = predictions(slopes * values + offsets, seeds)
    table = line_tests(paired_values(predictions(values, seeds), run)).set_index("quantity")
    for name, drawn in (("slope", slopes - 1), ("offset", offsets)):
        expected = stats.ttest_1samp(drawn.ravel(), 0)
        assert table.loc[name, "p"] == pytest.approx(expected.pvalue)
        assert table.loc[name, "mean"] == pytest.approx(drawn.mean())


@settings(deadline=None, max_examples=30)
@given(st.permutations(range(2 * SIZE)), st.sets(st.integers(0, 2 * SIZE - 1), max_size=60))
def test_pairs_are_of_the_same_row_whatever_the_order_and_what_is_missing(order, missing):
    reference = predictions(np.random.default_rng(6).uniform(-1, 1, (2, SIZE, 1)))
    run = reference.assign(z0=reference["z0"] + 7).iloc[order]
    run = run.drop(index=sorted(missing))
    paired = paired_values(reference, run)
    assert len(paired) == 2 * SIZE - len(missing)
    np.testing.assert_allclose(paired["run"] - paired["reference"], 7)


def test_a_qubit_that_does_not_vary_is_left_out(values):
    still = values.copy()
    still[..., 1] = 0.25
    assert list(fitted(paired_values(predictions(still), predictions(values)))) == [0, 2]
    nothing = paired_values(predictions(0 * values), predictions(values))
    assert fitted(nothing) == {} and line_tests(nothing).empty


def test_the_figure_shows_few_points_of_every_qubit():
    frame = pd.DataFrame({"qubit": np.repeat([0, 1], 5 * POINTS - 1), "run": 0.0})
    counts = thinned(frame).groupby("qubit").size()
    assert counts.to_list() == [POINTS, POINTS]
    few = frame.groupby("qubit").head(10)
    assert len(thinned(few)) == 20
