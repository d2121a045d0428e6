"""The strip plot: what is drawn of every seed, and that no value hides another."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure

from qhu.report.plots import LONGEST, wrapped
from qhu.report.run.strip import DOT, Landmarks, StripRow, aside, strip
from qhu.report.statistics import mean_interval


@given(arrays(float, st.integers(0, 40), elements=st.floats(0, 170)))
def test_values_that_coincide_stand_beside_each_other(places):
    beside = aside(places)
    assert (np.abs(beside) <= 0.4 + 1e-9).all()
    for lane in np.unique(beside):
        together = np.sort(places[np.isclose(beside, lane)])
        assert (np.diff(together) >= DOT - 1e-9).all()


def test_a_value_alone_stands_in_the_middle():
    assert (aside(np.array([10.0, 50.0, 90.0])) == 0).all()


@pytest.fixture
def drawn(scores):
    def drawn(values, score, floor=None):
        rows = [
            StripRow(method, np.array(its), mean_interval(np.array(its)), "cannot tell")
            for method, its in values.items()
        ]
        axes = Figure((4.6, 2)).add_subplot()
        strip(rows, scores[score], Landmarks(mean_interval(np.zeros(1)), floor), axes)
        return axes

    return drawn


def test_every_seed_is_drawn_and_methods_are_named(drawn):
    values = {"eu_k": [0.1, 0.1, 0.1, 0.2], "lca": [2.0, 2.5, 2.2, 2.3]}
    axes = drawn(values, "kl_forget", mean_interval(np.array([0.1, 0.2])))
    dots = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 4]
    assert [list(xs) for xs in dots] == list(values.values())
    assert [label.get_text() for label in axes.get_yticklabels()] == ["eu_k", "lca"]
    assert {text.get_text() for text in axes.texts} == {"oracle", "floor"}


@pytest.mark.parametrize(
    "values", [[0.0], [0.0, 0.0], [1e-9, 18.0], [3.0], [0.07], [2e-3, 3e-3], [7e-5], [1e4]]
)
def test_zeros_and_wide_ranges_lie_inside_the_axis(drawn, values):
    axes = drawn({"eu_k": values}, "kl_forget")
    axes.figure.draw_without_rendering()
    labels = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(labels))
    low, high = axes.get_xlim()
    assert low < min(0, *values, 1) and high > max(values)


@given(st.text("abcdefgh_-. ", min_size=1, max_size=60))
def test_names_break_between_words_only(name):
    lines = wrapped(name).split("\n")
    assert len(lines) <= 2
    assert all(len(line) <= LONGEST for line in lines)
    if not any(line.endswith("…") for line in lines):
        assert "".join(lines) == name
    if len(lines) == 2:
        assert lines[0][-1] in "_-. "
