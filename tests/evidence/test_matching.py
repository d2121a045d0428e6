"""Comparable models: equally many of either kind, and no bias by what they keep."""

import numpy as np
import pytest

from qhu.evidence.matching import matched
from qhu.evidence.units import mean_over_units
from qhu.memorisation import halves

LABELS = np.repeat([0, 1, 2], 30)
ASKED = np.isin(np.arange(90), [0, 1, 2, 30, 31, 60])
"""Three rows of a class, two of another, a single one."""


@pytest.fixture(scope="module")
def members():
    return halves(LABELS, 2000, np.random.default_rng(0))


def test_as_many_models_of_either_kind_gave_back_as_many_rows(members):
    inside, outside = matched(members, ASKED, LABELS, seed=0)
    assert not (inside & ~members).any() and not (outside & members).any()
    assert not (inside | outside)[:, ~ASKED].any()
    for row in np.flatnonzero(ASKED):
        returned = members[:, ASKED & (LABELS[row] == LABELS)].sum(axis=1)
        counts = [np.bincount(returned[pairs[:, row]], minlength=4) for pairs in (inside, outside)]
        assert (counts[0] == counts[1]).all()
    assert inside[:, [0, 1, 2]].mean() > 0.2
    assert not (inside | outside)[:, 60].any(), "no other row of its class to exchange it with"


def test_the_seed_decides_the_drawing(members):
    first, again, other = (matched(members, ASKED, LABELS, seed)[0] for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_what_models_keep_makes_no_difference(members):
    """A margin that only counts the kept rows of the class: models that had the row and gave it
    back keep less, so that it looks unlearned by more than it was; not so where they are matched.
    """
    kept = members & ~ASKED
    own = LABELS[:, None] == LABELS[None]
    known = kept.astype(float) @ own + np.random.default_rng(1).normal(0, 0.1, members.shape)
    units = np.arange(2000) // 2

    def difference(inside, outside):
        values = [np.where(inside, known, np.nan), np.where(outside, -known, np.nan)]
        return mean_over_units(np.concatenate(values, axis=1), units)

    biased = difference(members & ASKED, ~members & ASKED)
    assert biased.value < -0.3 and biased.p_value(0) < 1e-9
    assert difference(*matched(members, ASKED, LABELS, seed=0)).p_value(0) > 0.01
