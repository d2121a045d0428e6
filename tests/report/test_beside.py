"""Values of a device beside the exact ones of the same models, against SciPy's paired test."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qhu.report.run.beside import beside_tables
from qhu.report.statistics import LEVEL


@pytest.fixture
def both(results):
    """Noise adds something to each accuracy of test rows, and nothing to other scores."""
    exact = results[(results["scenario"] == "subset")].reset_index(drop=True)
    noise = np.random.default_rng(4).normal(-0.02, 0.01, len(exact))
    noisy = exact.assign(backend="fake_brisbane")
    noisy["value"] += noise * (exact["metric"] == "acc_test")
    return pd.concat([noisy, exact.assign(backend="statevector")])


def cells(table, method, metric):
    (row,) = [row for row in table.rows if row.method == method]
    heads = [column.metric for column in table.columns]
    place = heads.index(f"{metric} on fake_brisbane")
    assert heads[place : place + 3] == [
        f"{metric} on fake_brisbane",
        f"{metric} on statevector",
        f"{metric}: difference",
    ]
    return row.cells[place : place + 3]


def test_differences_are_paired_and_have_the_interval_of_their_test(both, scores):
    table = beside_tables(both, scores)["subset"]
    chosen = both[(both["metric"] == "acc_test") & (both["method"] == "scrub")]
    noisy, exact = (
        chosen[chosen["backend"] == name].set_index("seed")["value"]
        for name in ("fake_brisbane", "statevector")
    )
    shown = cells(table, "scrub", "acc_test")
    assert [cell.estimate.mean for cell in shown] == pytest.approx(
        [noisy.mean(), exact.mean(), (noisy - exact).mean()]
    )
    tests = len({row.method for row in table.rows})  # one score differs, of every method
    raw = stats.ttest_rel(noisy, exact).pvalue
    assert raw <= shown[2].p <= tests * raw * (1 + 1e-9)
    for row in table.rows:
        difference = cells(table, row.method, "acc_test")[2]
        _, low, high, _ = difference.estimate
        assert difference.stands_out == bool(difference.p < LEVEL) == bool(low > 0 or high < 0)


def test_what_noise_does_not_change_is_the_same_in_every_seed(both, scores):
    table = beside_tables(both, scores)["subset"]
    *_, difference = cells(table, "scrub", "acc_forget")
    assert (difference.estimate.mean, difference.note) == (0, "same in every seed")
    assert not difference.interval and not difference.stands_out


def test_one_backend_has_nothing_beside(results, scores):
    assert beside_tables(results, scores) == {}
