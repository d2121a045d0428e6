"""The forest plot: every method's distance from its goal, and what follows from it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from qhu.report.plots import BAND, INK, arms, wrapped
from qhu.report.statistics import Estimate
from qhu.report.verdicts import CONCLUSIONS, Conclusion

MARGIN_BAND, MARGIN_EDGE = "#dcebf5", "#6fa8cf"
WIDTH = 4.6
"""Inches, so that letters can be read on a screen as narrow as a telephone's."""


class ForestRow(NamedTuple):
    """One method: how far it is from the goal, NaN where that was not measured; what follows.

    ``inner`` is the interval that has to lie inside the margin, None where it is not known.
    """

    method: str
    estimate: Estimate
    verdict: str
    inner: tuple[float, float] | None = None


class Goal(NamedTuple):
    """What the rows are read against.

    ``margin``: how far from ``value`` counts as there, NaN for no such margin; ``floor``: what
    retraining once more has, None where that is not known; ``words``: what the axis shows.
    """

    value: float
    margin: float
    floor: Estimate | None
    words: str


def size(rows: Sequence[ForestRow]) -> tuple[float, float]:
    """Width and height of the plot in inches."""
    return WIDTH, 1.0 + 0.23 * len(rows)


def forest(
    rows: Iterable[ForestRow],
    goal: Goal,
    axes: Axes,
    looks: Mapping[str, Conclusion] = CONCLUSIONS,
) -> None:
    """Every method with its interval, the largest value on top.

    The margin is shaded, as is what retraining once more has. Each row wears the colour and marker
    of its verdict, and names it to the right.

    Args:
        rows: one per method.
        goal: what they are read against.
        axes: where to draw.
        looks: of every verdict.
    """
    placed = sorted(rows, key=lambda row: (math.isnan(row.estimate.mean), -row.estimate.mean))
    if not math.isnan(goal.margin):
        span = goal.value - goal.margin, goal.value + goal.margin
        axes.axvspan(*span, color=MARGIN_BAND, lw=0, zorder=0, label=f"margin: ±{goal.margin:g}")
        for edge in span:  # seen where the other band is wider
            axes.axvline(edge, color=MARGIN_EDGE, lw=0.8, ls=(0, (2, 2)), zorder=1)
    if goal.floor is not None:
        span = goal.floor.low, goal.floor.high
        axes.axvspan(*span, color=BAND, lw=0, zorder=0.5, label="retrained once more")
    axes.axvline(goal.value, color=INK, lw=0.9, zorder=1)
    for height, row in enumerate(placed):
        _point(axes, height, row, looks[row.verdict])
    axes.set_yticks(range(len(placed)), [wrapped(row.method) for row in placed], fontsize=8.5)
    axes.set_ylim(len(placed) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(goal.words)
    measured = ["" if math.isnan(row.estimate.mean) else row.verdict for row in placed]
    name_verdicts(axes, measured, looks)
    if axes.patches:
        where: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 1)}
        axes.legend(frameon=False, fontsize=8, ncols=2, **where)


def _point(axes: Axes, height: int, row: ForestRow, look: Conclusion) -> None:
    if row.inner is not None:
        axes.hlines(height, *row.inner, color=look.colour, lw=3.4, zorder=2.5)
    axes.errorbar(
        row.estimate.mean,
        height,
        xerr=arms(row.estimate),
        fmt=look.marker,
        ms=6,
        color=look.colour,
        mfc=look.colour if look.filled else "white",
        mew=1.1,
        elinewidth=1.3,
        zorder=3,
    )


def name_verdicts(
    axes: Axes, verdicts: Sequence[str], looks: Mapping[str, Conclusion] = CONCLUSIONS
) -> None:
    """Verdicts as ticks of a second axis, for which the layout keeps room.

    Args:
        axes: with a row per verdict.
        verdicts: in the order of the rows; empty where a row has none.
        looks: of every verdict.
    """
    right = axes.twinx()
    right.set_ylim(axes.get_ylim())
    right.grid(visible=False)
    right.tick_params(axis="y", length=0, pad=2)
    words = [looks[verdict].words if verdict else "not measured" for verdict in verdicts]
    right.set_yticks(range(len(verdicts)), words, fontsize=8)
    for label, verdict in zip(right.get_yticklabels(), verdicts, strict=True):
        label.set_color(looks[verdict].colour if verdict else INK)
