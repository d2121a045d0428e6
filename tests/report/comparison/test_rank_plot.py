"""The plot of ranks: every method on a line of its own, its name whole."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from qhu.report.comparison.plots import places, size
from qhu.report.svg import draw

TIED = ["finetune", "scrub", "entanglement_pruning", "qmul", "null_space_ascent"]


@pytest.fixture(params=[2, 5, 24])
def ranks(request):
    """All methods tie in the reference; in the run all but the last do."""
    methods = (TIED * 5)[: request.param]
    count = len(methods)
    names = [f"{name}_{number}" if number >= 5 else name for number, name in enumerate(methods)]
    run = np.array([count / 2] * (count - 1) + [count])
    table = pd.DataFrame({"method": names, "reference": (count + 1) / 2, "run": run})
    for side in ("reference", "run"):
        table[f"{side}_low"], table[f"{side}_high"] = 1, count
    return table


def test_methods_that_tie_have_lines_of_their_own(ranks):
    axes = Figure().add_subplot()
    places(ranks, ("A: exact", "B: noisy"), axes)
    names = [label.get_text().replace("\n", "") for label in axes.get_yticklabels()]
    assert sorted(names) == sorted(ranks["method"])
    assert np.diff(axes.get_yticks()).tolist() == [1] * (len(ranks) - 1)
    for line, side in zip(axes.lines, ("reference", "run"), strict=True):
        assert sorted(line.get_xdata()) == sorted(ranks[side])
        assert len(set(line.get_ydata())) == len(ranks)


def test_names_are_broken_between_words_only(ranks):
    axes = Figure().add_subplot()
    places(ranks, ("A", "B"), axes)
    for label in axes.get_yticklabels():
        first, *rest = label.get_text().split("\n")
        assert not rest or first.endswith("_")


def test_the_axes_keep_most_of_the_width(ranks):
    long = ranks.assign(method=[f"{name}_of_a_very_long_method" for name in ranks["method"]])
    for table in (ranks, long):
        drawing = draw(lambda axes, t=table: places(t, ("A", "B"), axes), size(table), "n", "l")
        (axes,) = drawing.figure.axes
        assert axes.get_position().width > 0.5
