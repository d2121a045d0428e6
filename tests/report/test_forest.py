"""The forest plot: methods by what they show, in the colours of their verdicts."""

import itertools
import math

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from qhu.report.forest import ForestRow, Goal, forest
from qhu.report.statistics import Estimate
from qhu.report.verdicts import CONCLUSIONS

ROWS = [
    ForestRow("eu_k", Estimate(0.51, 0.49, 0.53, 9), "indistinguishable"),
    ForestRow("none", Estimate(0.86, 0.84, 0.88, 9), "did not forget"),
    ForestRow("unmeasured", Estimate(math.nan, math.nan, math.nan, 0), "cannot tell"),
    ForestRow("scrub", Estimate(0.41, 0.39, 0.43, 9), "over-forgot"),
    ForestRow("one_seed", Estimate(0.6, math.nan, math.nan, 1), "cannot tell"),
]
FLOOR = Estimate(0.5, 0.49, 0.51, 9)
NAMES = ["none", "one_seed", "eu_k", "scrub", "unmeasured"]


@pytest.fixture
def drawn():
    def drawn(rows=ROWS, margin=0.05, floor=FLOOR):
        axes = Figure((4.6, 3)).add_subplot()
        forest(rows, Goal(0.5, margin, floor, "AUC"), axes)
        return axes

    return drawn


def test_largest_value_on_top_and_what_was_not_measured_last(drawn):
    axes = drawn()
    assert [label.get_text() for label in axes.get_yticklabels()] == NAMES
    top, bottom = axes.get_ylim()[::-1]
    assert top < bottom


def test_rows_wear_their_verdicts_and_name_them(drawn):
    axes = drawn()
    points = [container[0] for container in axes.containers]
    looks = {p.get_ydata()[0]: (to_hex(p.get_color()).upper(), p.get_marker()) for p in points}
    verdicts = {row.method: row.verdict for row in ROWS}
    for height, name in enumerate(NAMES):
        look = CONCLUSIONS[verdicts[name]]
        assert looks[height] == (look.colour.upper(), look.marker)
    right = axes.figure.axes[1]
    words = [label.get_text() for label in right.get_yticklabels()]
    expected = [CONCLUSIONS[verdicts[name]].words for name in NAMES]
    assert words == [*expected[:-1], "not measured"]


def test_margin_and_floor_are_bands(drawn):
    bands = [patch.get_extents().width for patch in drawn().patches]
    assert bands[0] > bands[1] > 0
    assert len(drawn(floor=None).patches) == 1
    assert len(drawn(margin=math.nan, floor=None).patches) == 0


def test_long_names_take_two_lines_at_most(drawn):
    long = [row._replace(method="a_rather_long_name_of_a_method_" * 3) for row in ROWS]
    for label in drawn(long).get_yticklabels():
        lines = label.get_text().split("\n")
        assert len(lines) == 2
        assert max(map(len, lines)) <= 24


def test_names_do_not_overlap(drawn):
    axes = drawn([*ROWS, *ROWS, *ROWS])
    axes.figure.set_size_inches(4.6, 1 + 0.23 * 15)
    axes.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(boxes))
