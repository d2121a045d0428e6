"""Figures: each function draws data on given axes."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from qhu.record.scores import Score
from qhu.report.statistics import MIN_SEEDS, Estimate, estimates
from qhu.report.styles import REFERENCE_METHODS, style

SIZE, SIZES = 6.5, {"*": 11, "P": 8}
"""Size of a marker in points, and of those that look small at it."""
SEED: dict[str, Any] = {"lw": 0.5, "ms": 2.5, "alpha": 0.45}
"""How single seeds are drawn beside their mean."""
INK, BAND = "#1c1c1c", "#d9d9d9"
WIDE_RANGE = 20
"""Distances that differ by more than this factor are drawn on a logarithmic axis."""
LONGEST = 24
"""Letters of a name that fit on a line."""
MOST_LETTERS = 40
"""Labels with more letters than this in all would overlap: they are turned."""


def intervals(summary: pd.DataFrame, score: Score, axes: Axes) -> None:
    """One score of every method, with the row that it is read against as a band.

    Args:
        summary: rows of ``summary.csv`` of one dataset, scenario and backend.
        score: the score to draw.
        axes: where to draw.
    """
    values, against = estimates(summary, score.name), score.reference
    if score.relative:
        values.pop("retrain", None)  # the oracle's distance to itself
    if against is not None and against in values:
        axes.axvspan(*values[against][1:3], color=BAND, alpha=0.6, lw=0, zorder=0)
        axes.axvline(values[against].mean, color=INK, lw=0.9, zorder=1)
    for place, (method, value) in enumerate(values.items()):
        _point(axes, method, value.mean, place, xerr=arms(value), elinewidth=1.3)
    axes.set_yticks(range(len(values)), list(map(wrapped, values)))
    axes.invert_yaxis()
    axes.set_xlabel(score.title)
    positive = [value.mean for value in values.values() if value.mean > 0]
    if score.distance and positive and max(positive) > WIDE_RANGE * min(positive):
        axes.set_xscale("log", nonpositive="clip")
        axes.set_xlim(left=min(positive) / 2)


def along(
    values: Mapping[str, Mapping[str, Estimate]],
    seeds: Mapping[str, NDArray[np.float64]],
    labels: Sequence[str],
    axis: str,
    words: str,
    axes: Axes,
    ordered: bool = True,
    zero: bool = False,
) -> None:
    """Means along an axis with their intervals, one method beside the other, and every seed.

    Args:
        values: per method, the estimate at each point where there is one.
        seeds: per method, (n, points) the values of its seeds, NaN where one has none; where they
            are fewer than :data:`~qhu.report.statistics.MIN_SEEDS` they are drawn alone.
        labels: the points, drawn equally far apart.
        axis: what changes along the axis.
        words: what is drawn.
        axes: where to draw.
        ordered: whether the points are joined by lines, with the intervals as bands.
        zero: whether 0 is the goal, and is marked.
    """
    if zero:
        axes.axhline(0, color=INK, lw=0.9, zorder=1)
    middle = (len(values) - 1) / 2
    for number, method in reversed(list(enumerate(values))):  # the honest rows on top
        by_label = {label: _shown(value) for label, value in values[method].items()}
        points = [(k, by_label[label]) for k, label in enumerate(labels) if label in by_label]
        places, faint = np.arange(len(labels)), SEED | {"color": style(method).colour}
        if ordered:
            axes.plot(places, seeds[method].T, **faint)
            _line(axes, method, points)
            continue
        apart = 0.08 * (number - middle)
        axes.plot(places + apart - 0.03, seeds[method].T, ls="", marker=".", **faint)
        for place, value in points:
            _point(axes, method, place + apart, value.mean, yerr=arms(value), elinewidth=1.3)
    sizes = sorted(abs(value.mean) for by_label in values.values() for value in by_label.values())
    typical = sizes[len(sizes) // 2]
    if zero and sizes[-1] > WIDE_RANGE * typical > 0:
        # A power of ten: ticks are at those, and one inside the linear part would touch that of 0.
        axes.set_yscale("symlog", linthresh=10.0 ** math.ceil(math.log10(2 * typical)))
    beside = sum(map(len, labels)) <= MOST_LETTERS
    turned: dict[str, Any] = {} if beside else {"rotation": 30, "ha": "right"}
    axes.set_xticks(range(len(labels)), list(labels), **turned)
    axes.set_xlabel(axis)
    axes.set_ylabel(words if beside else broken(words, MOST_LETTERS // 2))


def _shown(value: Estimate) -> Estimate:
    """Without the interval of so few seeds that it would hide all others: the seeds are drawn."""
    nothing = float("nan")
    return value if value.seeds >= MIN_SEEDS else value._replace(low=nothing, high=nothing)


def broken(words: str, letters: int) -> str:
    """Words on lines of at most so many letters, for axes that would not hold them on one."""
    return "\n".join(textwrap.fill(line, letters) for line in words.splitlines())


def curves(losses: pd.DataFrame, axes: Axes) -> None:
    """Training loss (solid) and validation loss (dashed): every seed faint, their mean strong.

    Args:
        losses: rows with ``seed``, ``at``, ``loss`` and ``val_loss`` of one kind of model.
        axes: where to draw.
    """
    lines = {"loss": ("training", "#0072B2", "-"), "val_loss": ("validation", "#D55E00", "--")}
    for column, (name, colour, dashes) in lines.items():
        by_seed = losses.pivot(index="at", columns="seed", values=column).dropna(how="all")
        if by_seed.empty:
            continue
        axes.plot(by_seed.index, by_seed, color=colour, lw=0.5, alpha=0.3)
        everyone = by_seed.dropna()  # past an early stop the mean would jump to other seeds
        axes.plot(everyone.index, everyone.mean(axis=1), dashes, color=colour, lw=1.8, label=name)
    axes.set_xlabel("epoch")
    axes.set_ylabel("cross-entropy (nats)")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def _point(axes: Axes, method: str, x: float, y: float, **bars: Any) -> None:
    colour, marker = style(method)
    axes.errorbar(
        x,
        y,
        fmt=marker,
        ms=SIZES.get(marker, SIZE),
        color=colour,
        mec="white",
        mew=0.6,
        zorder=4 if method == "retrain" else 3,
        **bars,
    )


def _line(axes: Axes, method: str, points: Sequence[tuple[int, Estimate]]) -> None:
    colour, marker = style(method)
    places = [place for place, _ in points]
    low, high = ([getattr(value, end) for _, value in points] for end in ("low", "high"))
    axes.fill_between(places, low, high, color=colour, alpha=0.1, lw=0)
    means = [value.mean for _, value in points]
    dashes = "--" if method in REFERENCE_METHODS else "-"
    axes.plot(places, means, marker=marker, ls=dashes, ms=6, mec="white", mew=0.6, color=colour)


def arms(value: Estimate) -> list[list[float]] | None:
    """Lengths of an error bar to both sides, None where there is no interval."""
    if math.isnan(value.low):
        return None
    return [[value.mean - value.low], [value.high - value.mean]]


def wrapped(name: str) -> str:
    """A name on two lines at most, broken between its words only."""
    if len(name) <= LONGEST:
        return name
    cut = max(name.rfind(sign, 0, LONGEST) for sign in "_-. ") + 1
    parts = [name[:cut], name[cut:]] if cut else [name]
    return "\n".join(part if len(part) <= LONGEST else f"{part[: LONGEST - 1]}…" for part in parts)
