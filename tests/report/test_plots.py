import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from qhu.report import plots
from qhu.report.statistics import Estimate, summarise
from qhu.report.styles import FIXED, METHODS, style


@pytest.fixture
def axes():
    return Figure().add_subplot()


@pytest.fixture
def summary(results, scores):
    return summarise(results[results["scenario"] == "subset"], scores)


def test_every_method_has_its_own_look():
    looks = [style(method) for method in (*FIXED, *METHODS)]
    assert len(set(looks)) == len(looks)


def test_a_plugin_has_a_lasting_look_that_no_built_in_method_has():
    assert style("my_method") == style("my_method")
    assert style("my_method") not in {style(method) for method in (*FIXED, *METHODS)}


def test_intervals_name_every_method_and_shade_the_reference(summary, scores, axes):
    plots.intervals(summary, scores["acc_forget"], axes)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:3] == ["none", "retrain", "floor"]
    assert len(names) == summary["method"].nunique()
    assert len(axes.patches) == 1


def test_distances_leave_out_the_oracle_and_use_a_log_axis_when_wide(summary, scores, axes):
    plots.intervals(summary, scores["kl_forget"], axes)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert "retrain" not in names
    assert axes.get_xscale() == "log"


def test_curves_stop_where_not_all_seeds_go_on(axes):
    rows = [(s, at, 1.0, 1.1) for s, last in ((0, 5), (1, 3)) for at in range(last)]
    plots.curves(pd.DataFrame(rows, columns=["seed", "at", "loss", "val_loss"]), axes)
    strong = [line for line in axes.lines if line.get_label() == "training"]
    assert len(strong[0].get_xdata()) == 3


@pytest.mark.parametrize(("labels", "turned"), [(["1", "2"], 0), (["not_entangled"] * 4, 30)])
def test_labels_that_would_overlap_are_turned(labels, turned, axes):
    named = [f"{label}{number}" for number, label in enumerate(labels)]
    points = {"none": dict.fromkeys(named, Estimate(1.0, 0.5, 1.5, 5))}
    plots.along(points, {"none": np.ones((5, len(named)))}, named, "ansatz", "accuracy", axes)
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {turned}


@pytest.mark.parametrize("typical", [0.0031, 0.0049, 0.008, 0.0101, 0.05])
def test_labels_of_a_wide_range_do_not_touch(typical, axes):
    means = [typical, typical, 0.9 * typical, 4.0]
    points = {"none": {str(k): Estimate(m, m - 9, m + 9, 5) for k, m in enumerate(means)}}
    seeds = {"none": np.array([means] * 5)}
    plots.along(points, seeds, list("0123"), "ansatz", "distance", axes, ordered=False, zero=True)
    axes.figure.canvas.draw()
    assert axes.get_yscale() == "symlog"
    boxes = [label.get_window_extent() for label in axes.get_yticklabels() if label.get_text()]
    inside = [box for box in boxes if axes.bbox.y0 <= (box.y0 + box.y1) / 2 <= axes.bbox.y1]
    inside.sort(key=lambda box: box.y0)
    assert len(inside) >= 3
    assert all(below.y1 < above.y0 for below, above in itertools.pairwise(inside))


@pytest.mark.parametrize(("letters", "lines"), [(4, 1), (30, 2)])
def test_turned_labels_leave_less_height_for_words(letters, lines, axes):
    labels = ["a" * letters, "b" * letters]
    points = {"none": dict.fromkeys(labels, Estimate(1.0, 0.5, 1.5, 5))}
    seeds = {"none": np.ones((5, 2))}
    plots.along(points, seeds, labels, "ansatz", "agreement with the oracle, test rows", axes)
    assert axes.get_ylabel().count("\n") == lines - 1


@pytest.mark.parametrize("ordered", [True, False])
def test_every_seed_is_drawn_faint_beside_its_mean(ordered, axes):
    values = np.random.default_rng(0).normal(size=(5, 3))
    values[2, 1] = np.nan
    points = {"lca": {label: Estimate(0.0, -1.0, 1.0, 5) for label in "123"}}
    plots.along(points, {"lca": values}, list("123"), "layers", "KL", axes, ordered=ordered)
    faint = [line for line in axes.lines if line.get_alpha()]
    assert len(faint) == 5
    assert all(line.get_color() == style("lca").colour for line in faint)
    drawn = np.array([line.get_ydata() for line in faint])
    np.testing.assert_array_equal(drawn, values)
