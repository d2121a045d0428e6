"""The strip plot: what every seed of every method has in one score, against oracle and floor."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from qhu.record.scores import Score
from qhu.report.forest import name_verdicts
from qhu.report.plots import BAND, INK, arms, wrapped
from qhu.report.statistics import Estimate
from qhu.report.verdicts import CONCLUSIONS

Floats = NDArray[np.float64]

DOT, MARKER = 3.4, 5.5
"""Points across of a seed's value and of a mean."""
WIDTH, ACROSS = 4.6, 170
"""Inches of the figure, and points that are left for its axis."""
ROOM = 0.4
"""Of the height of a row, how far to each side of its middle the values of seeds may stand."""


class StripRow(NamedTuple):
    """One method: the values of its seeds, their mean, and its verdict, empty if it has none."""

    method: str
    values: Floats
    mean: Estimate
    verdict: str


class Landmarks(NamedTuple):
    """What the rows are read against: the oracle's value and the floor's, None where not known."""

    oracle: Estimate | None
    floor: Estimate | None


def size(rows: Sequence[StripRow]) -> tuple[float, float]:
    """Width and height of the plot in inches."""
    return WIDTH, 0.95 + 0.21 * len(rows)


def strip(rows: Sequence[StripRow], score: Score, marks: Landmarks, axes: Axes) -> None:
    """A line per method in the order given, values that coincide beside each other.

    Distances stand on a square-root axis: it shows 0, where the oracle is, and small ones.

    Args:
        rows: one per method, the first on top.
        score: what is drawn.
        marks: what the rows are read against.
        axes: where to draw.
    """
    if score.distance:
        axes.set_xscale("function", functions=(_root, _square))
    _landmarks(marks, axes)
    ends = _ends(rows, marks, score)
    axes.set_xlim(*ends)
    if score.distance:
        places = ticks(ends[1])
        axes.set_xticks(places, [f"{place:g}" for place in places])
    root = _root if score.distance else np.asarray
    low, high = map(float, root(np.array(ends)))
    for height, row in enumerate(rows):
        look = CONCLUSIONS[row.verdict or "cannot tell"]
        beside = aside((root(row.values) - low) / (high - low) * ACROSS)
        axes.plot(row.values, height + beside, "o", ms=DOT, mew=0, color=look.colour, alpha=0.4)
        axes.errorbar(
            row.mean.mean,
            height,
            xerr=arms(row.mean),
            fmt=look.marker,
            ms=MARKER,
            mew=1.1,
            color=look.colour,
            mfc=look.colour if look.filled else "white",
        )
    axes.set_yticks(range(len(rows)), [wrapped(row.method) for row in rows], fontsize=8.5)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"{score.title}, square-root axis" if score.distance else score.title)
    if any(row.verdict for row in rows):
        name_verdicts(axes, [row.verdict for row in rows])


def aside(places: Floats) -> Floats:
    """How far each value stands from the middle of its row, so that none hides another.

    Args:
        places: of the values along the axis, in points.

    Returns:
        Shares of the height of a row, 0 for values that have the middle to themselves.
    """
    lanes = np.zeros(len(places), int)
    last = dict[int, float]()
    for number in np.argsort(places, kind="stable"):
        lane = next(n for n in range(len(places)) if places[number] - last.get(n, -math.inf) >= DOT)
        lanes[number], last[lane] = lane, float(places[number])
    sides = np.where(lanes % 2, (lanes + 1) // 2, -(lanes // 2))  # 0, 1, -1, 2, -2, …
    return sides * min(0.22, ROOM / max(1, int(np.abs(sides).max(initial=0))))


def _landmarks(marks: Landmarks, axes: Axes) -> None:
    """Lines and bands with their names above them, each on a line of its own."""
    for height, (name, value) in enumerate(zip(marks._fields, marks, strict=True)):
        if value is None:
            continue
        if not math.isnan(value.low):
            axes.axvspan(value.low, value.high, color=BAND, alpha=0.6, lw=0, zorder=0)
        dashes = "-" if name == "oracle" else (0, (3, 2))
        axes.axvline(value.mean, color=INK, lw=0.9, ls=dashes, zorder=1)
        axes.annotate(
            name,
            (value.mean, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2 + 10 * height),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )


def _ends(rows: Sequence[StripRow], marks: Landmarks, score: Score) -> tuple[float, float]:
    """Ends of the axis, a little beyond everything that is drawn."""
    estimates = [*(row.mean for row in rows), *filter(None, marks)]
    drawn = np.concatenate([*(row.values for row in rows), np.array(estimates)[:, :3].ravel()])
    low, high = float(np.nanmin(drawn)), float(np.nanmax(drawn))
    if score.distance:
        beyond = 0.03 * math.sqrt(high) or 1.0
        return -(beyond**2), (math.sqrt(high) + beyond) ** 2
    beyond = 0.04 * (high - low) or 0.05
    return low - beyond, high + beyond


def ticks(end: float) -> list[float]:
    """Round numbers from 0 on, whose labels do not touch on a square-root axis up to ``end``."""
    places, room = [0.0], (0.13 if end > 0.1 else 0.25) * math.sqrt(end)  # small ones are long
    powers = range(math.floor(math.log10(end)) - 4, math.ceil(math.log10(end)) + 1)
    for place in (digit * 10.0**power for power in powers for digit in (1, 2, 5)):
        if place <= end and math.sqrt(place) - math.sqrt(places[-1]) >= room:
            places.append(place)
    return places


def _root(values: Floats) -> Floats:
    return np.sign(values) * np.sqrt(np.abs(values))


def _square(values: Floats) -> Floats:
    return np.sign(values) * np.square(values)
