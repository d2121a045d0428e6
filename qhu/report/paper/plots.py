"""Figures of the paper's page: released values beside both protocols."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from qhu.record.scores import Score
from qhu.report.paper.released import Figure
from qhu.report.plots import INK, WIDE_RANGE, arms
from qhu.report.statistics import Estimate

THEIRS, OURS = "#D55E00", "#0072B2"


def protocols(figures: Sequence[Figure], column: Score, axes: Axes) -> None:
    """One released column: the released value, and under each protocol mean and interval.

    Args:
        figures: that column's, a row per method.
        column: how it is read.
        axes: where to draw.
    """
    for place, figure in enumerate(figures):
        if figure.theirs:
            if figure.prediction:
                axes.hlines(place - 0.18, *figure.prediction, color=THEIRS, lw=0.8, zorder=2)
            _mean(axes, figure.theirs, place - 0.18, THEIRS)
        if figure.ours:
            _mean(axes, figure.ours, place + 0.18, OURS)
        if figure.released is not None:
            axes.plot(figure.released, place - 0.18, "D", color=INK, ms=5, mfc="none", zorder=4)
    axes.plot([], [], "D", color=INK, mfc="none", label="released")
    for label, colour in (("their protocol", THEIRS), ("our protocol", OURS)):
        axes.plot([], [], "o-", color=colour, label=label)
    axes.set_yticks(range(len(figures)), [figure.method for figure in figures])
    axes.invert_yaxis()
    axes.set_xlabel(column.name)
    means = [value.mean for figure in figures for value in (figure.theirs, figure.ours) if value]
    positive = [mean for mean in means if mean > 0]
    if column.distance and max(positive, default=0) > WIDE_RANGE * min(positive):
        axes.set_xscale("log", nonpositive="clip")
        axes.set_xlim(left=min(positive) / 2)
    if column.share:
        axes.set_xlim(-0.03, 1.03)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))


def _mean(axes: Axes, value: Estimate, place: float, colour: str) -> None:
    axes.errorbar(value.mean, place, xerr=arms(value), fmt="o", ms=4.5, color=colour, elinewidth=2)
