"""What a pool of a given size can see, against simulated pools."""

import re
from pathlib import Path

import numpy as np
import pytest
from pools import area
from scipy import stats

from qhu.evidence.equivalence import equivalence
from qhu.evidence.power import equivalence_power, null_error, power_table, resolved, smallest_leak
from qhu.evidence.units import UnitEstimate
from qhu.evidence.verdict import LEVEL
from qhu.report.verdicts import MARGIN


def test_of_one_row_it_is_the_variance_of_mann_and_whitney():
    """Exact where samples do not depend: here both of 4 values, all orders counted."""
    from itertools import combinations

    areas = [(sum(ranks) - 6) / 16 for ranks in combinations(range(8), 4)]
    assert np.std(areas) == pytest.approx(null_error(4, 1, 0.0))


@pytest.mark.parametrize(("correlation", "units"), [(0.0, 60), (0.4, 60), (1.0, 60), (0.4, 8)])
def test_of_rows_that_share_their_model(correlation, units):
    rng, areas = np.random.default_rng(units), []
    number = np.repeat(np.arange(units), 2)
    for _ in range(1500):
        first = rng.random((units, 5)) < 0.5
        requested = np.stack([first, ~first], axis=1).reshape(-1, 5)
        level, own = rng.normal(size=(2, 2 * units, 1)), rng.normal(size=(2, 2 * units, 5))
        values = np.sqrt(correlation) * level + np.sqrt(1 - correlation) * own
        areas.append(area(np.where(requested, values, np.nan), number)[0])
    # ranks of correlated normals correlate by (6 / π) asin(ρ / 2)
    ranks = 6 / np.pi * np.arcsin(correlation / 2)
    bound = null_error(units, 5, ranks)
    assert 0.65 * bound < np.std(areas) < 1.06 * bound


def test_the_smallest_leak_is_seen_in_four_of_five():
    auc = UnitEstimate(0.5, 0.01, 100)
    effect, level = smallest_leak(auc, 0.01), 0.01
    drawn = np.random.default_rng(0).normal(0.5 + effect, 0.01, 20_000)
    errors = 0.01 * np.sqrt(stats.chi2.rvs(99, size=20_000, random_state=1) / 99)
    p = 2 * stats.t.sf(np.abs(drawn - 0.5) / errors, 99)
    assert (p < level).mean() == pytest.approx(0.8, abs=0.01)


def test_what_no_unit_shows_three_in_n_may_do():
    """Rule of three: n equal units leave a share of 3/n with a probability of 5 %."""
    auc = resolved(UnitEstimate(1.0, 0.0, 40))
    assert auc.error == 1 / 40
    hidden = 1 - 0.05 ** (1 / 40)
    assert stats.norm.isf(0.05) * auc.error == pytest.approx(hidden / 2, rel=0.15)
    assert resolved(UnitEstimate(0.5, 0.1, 40)).error == 0.1
    assert np.isnan(resolved(UnitEstimate(0.5, np.nan, 40)).error)


def test_the_table_of_designs():
    table = power_table([32, 2048], [1, 10], correlation=0.3, tests=32, margin=0.05, level=0.05)
    effects = {(design.models, design.rows): design.smallest_effect for design in table}
    assert effects[32, 1] > effects[32, 10] > effects[2048, 1] > effects[2048, 10]
    assert effects[2048, 10] < 0.05
    shown = {(design.models, design.rows): design.equivalence_power for design in table}
    assert shown[32, 10] == 0
    assert shown[2048, 10] > 0.99 > shown[2048, 1] > 0.9
    assert shown[2048, 1] == equivalence_power(
        UnitEstimate(0.5, null_error(1024, 1, 0), 1024), 0.05
    )


def test_how_often_an_auc_of_half_is_shown_to_be_within_the_margin():
    rng, units = np.random.default_rng(2), 40
    drawn = rng.normal(0.5, 0.02, 4000)
    errors = 0.02 * np.sqrt(rng.chisquare(units - 1, 4000) / (units - 1))
    shown = [
        equivalence(UnitEstimate(value, error, units), 0.5, 0.05).is_shown
        for value, error in zip(drawn, errors, strict=True)
    ]
    exact = equivalence_power(UnitEstimate(0.5, 0.02, units), 0.05)
    assert np.mean(shown) == pytest.approx(exact, abs=0.04)


def test_the_table_in_the_docs_is_that_of_the_function():
    text = (Path(__file__).parents[2] / "docs" / "evidence" / "verdicts.md").read_text()
    rows = re.findall(r"^\| ([\d,]+) \|((?: \d\.\d{3} \(\d+ %\) \|)+)$", text, re.MULTILINE)
    sizes = [int(size.replace(",", "")) for size, _ in rows]
    assert sizes
    designs = power_table(
        sizes, [1, 3, 10, 30], correlation=0.3, tests=160, margin=MARGIN, level=LEVEL
    )
    expected = [f"{d.smallest_effect:.3f} ({d.equivalence_power * 100:.0f} %)" for d in designs]
    assert re.findall(r"\d\.\d{3} \(\d+ %\)", "".join(cells for _, cells in rows)) == expected
