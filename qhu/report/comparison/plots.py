"""Figures of a comparison: each function draws data on given axes."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from qhu.record.scores import Score
from qhu.report.comparison.gaps import EVERY, PARTS, RESOLUTION
from qhu.report.comparison.words import PART_TITLES
from qhu.report.plots import BAND, INK, broken, wrapped
from qhu.report.statistics import Estimate
from qhu.report.styles import style

FILLS: dict[str, dict[str, Any]] = {
    "gate_noise": {"facecolor": "#5a5a5a"},
    "readout_error": {"facecolor": "#a6a6a6"},
    "shot_noise": {"facecolor": "#dedede"},
    "drift": {"facecolor": "white", "hatch": "/////"},
}
"""Greys: the colours belong to the methods."""
LABEL_LETTERS = 36
"""Letters that fit below an axis."""
SIDES: tuple[dict[str, Any], ...] = (
    {"colour": "#5a5a5a", "marker": "o", "filled": False, "shift": -0.14},
    {"colour": "#0072B2", "marker": "D", "filled": True, "shift": 0.14},
)
"""How the reference and the run beside it are drawn on a line."""
LEGEND: dict[str, Any] = {"frameon": False, "handlelength": 1.2, "columnspacing": 1.0}


def parts(tests: pd.DataFrame, score: Score, axes: Axes) -> None:
    """The gap of every method with its interval, on the stack of its parts.

    Args:
        tests: rows of :func:`~qhu.report.comparison.gaps.tested_gaps` of one scenario and score.
        score: the score.
        axes: where to draw.
    """
    methods = tests["method"].drop_duplicates().tolist()
    means = tests.pivot(index="method", columns="quantity", values="mean").loc[methods]
    up, down = np.zeros(len(methods)), np.zeros(len(methods))
    for part in PARTS:
        values = means[part].to_numpy()
        bars: dict[str, Any] = {"height": 0.62, "edgecolor": INK, "linewidth": 0.5, **FILLS[part]}
        axes.barh(range(len(methods)), values, left=np.where(values > 0, up, down), **bars)
        up, down = up + values.clip(min=0), down + values.clip(max=0)
    for place, row in enumerate(tests[tests["quantity"] == "gap"].to_dict("records")):
        _gap(row, place, axes)
    axes.axvline(0, color=INK, lw=0.8)
    axes.set_yticks(range(len(methods)), list(map(wrapped, methods)))
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(broken(f"{score.title}: difference", LABEL_LETTERS))
    drawn = [part for part in PARTS if means[part].abs().max() > RESOLUTION]
    handles = [
        Patch(edgecolor=INK, lw=0.5, label=PART_TITLES[part], **FILLS[part]) for part in drawn
    ]
    axes.figure.legend(handles=handles, loc="outside upper center", ncols=4, **LEGEND)


def _gap(row: Mapping[Any, Any], place: int, axes: Axes) -> None:
    """The gap of a method as its marker with an interval."""
    colour, marker = (INK, "d") if row["method"] == EVERY else style(row["method"])
    if not math.isnan(row["ci_low"]):
        for width, edge in ((3.2, "white"), (1.4, colour)):  # to be seen on any bar
            axes.hlines(place, row["ci_low"], row["ci_high"], color=edge, lw=width)
    axes.plot(row["mean"], place, marker, color=colour, ms=7.5, mec="white", mew=0.8)


def size(ranks: pd.DataFrame) -> tuple[float, float]:
    """Width and height of the plot of ranks in inches."""
    return 4.8, 1.2 + 0.25 * len(ranks)


def places(ranks: pd.DataFrame, labels: tuple[str, str], axes: Axes) -> None:
    """The rank of every method in the reference and in the run, with its interval.

    Every method has a line of its own, also where methods share a rank; in the order of the run
    beside the reference, then of the reference.

    Args:
        ranks: ``places`` of a :class:`~qhu.report.comparison.ranking.Ranking`.
        labels: what the two runs are called.
        axes: where to draw.
    """
    ordered = ranks.sort_values(["run", "reference"], kind="stable")
    lines = np.arange(len(ordered))
    for side, label, look in zip(("reference", "run"), labels, SIDES, strict=True):
        heights = lines + look["shift"]
        low, high = ordered[f"{side}_low"], ordered[f"{side}_high"]
        axes.hlines(heights, low, high, color=look["colour"], lw=1.3, alpha=0.7)
        face = look["colour"] if look["filled"] else "white"
        dots: dict[str, Any] = {"ls": "", "ms": 5.5, "mec": look["colour"], "mfc": face}
        axes.plot(ordered[side], heights, look["marker"], **dots, label=label)
    axes.set_yticks(lines, [wrapped(str(method)) for method in ordered["method"]], fontsize=8.5)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0.5, len(lines) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.set_xlabel("rank, 1 the closest to the oracle")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=8.5, **LEGEND)


def scatter(
    values: pd.DataFrame, line: dict[str, Estimate], labels: tuple[str, str], axes: Axes
) -> None:
    """Expectation values of one qubit in the run against the reference, with the fitted line.

    Args:
        values: ``reference`` and ``run`` of the points to show.
        line: ``slope`` and ``offset``.
        labels: what the two runs are called.
        axes: where to draw.
    """
    axes.plot((-1, 1), (-1, 1), color=BAND, lw=3, zorder=1)
    ends = [line["offset"].mean + line["slope"].mean * x for x in (-1, 1)]
    axes.plot((-1, 1), ends, color=INK, lw=1, zorder=3)
    axes.scatter(values["reference"], values["run"], s=7, lw=0, color="#0072B2", alpha=0.45)
    axes.set(xlim=(-1.04, 1.04), ylim=(-1.04, 1.04), aspect="equal")
    axes.set_xlabel(f"⟨Z⟩ on {labels[0]}")
    axes.set_ylabel(f"⟨Z⟩ on {labels[1]}")
