"""The figures of the page of evidence."""

import functools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from qhu.report.answer import MethodVerdict, VerdictTable
from qhu.report.evidence.groups import REQUEST, drift
from qhu.report.evidence.verdicts import LEAKAGE, MEMBERSHIP
from qhu.report.forest import Goal, forest, size
from qhu.report.panels import Panel
from qhu.report.plots import BAND, INK
from qhu.report.svg import draw
from qhu.report.verdicts import CONCLUSIONS

HALF = 0.5
"""AUC of an attack that tells nothing."""
AXES = {
    LEAKAGE: "AUC, unlearned against retrained",
    MEMBERSHIP: "AUC, row unlearned against never seen",
}
"""What the axis of a game shows."""
SPARE = "  "
"""After a name at the edge: the letters of a browser may be wider than those of the layout."""
LINE = 0.17
"""Inches from one name to the next."""


def forest_panels(name: str, table: VerdictTable, primary: str, margin: float) -> list[Panel]:
    """How far every method is from one half in each game, with what retraining itself has.

    Args:
        name: of the section, first part of the figures' names.
        table: its verdicts.
        primary: name of the declared attack.
        margin: around an AUC of a half.
    """
    panels = []
    for which, head in enumerate(table.heads):
        rows = [row.forest_row(which) for row in table.rows]
        own = next((row.leaks[which] for row in table.rows if row.method == "retrain"), None)
        floor = own if own and not math.isnan(own.low) else None
        goal = Goal(HALF, margin, floor, AXES[head])
        label = f"Forest plot: {head}, by method, with intervals and verdicts"
        plot = functools.partial(forest, rows, goal)
        drawing = draw(plot, size(rows), f"{name}-forest-{which}", label)
        panels.append(
            Panel(
                drawing,
                f"{head}, attack {primary}, 95 % interval. Line: 0.5, the attack tells "
                f"nothing. Pale band: the margin of ±{margin:g}. Grey band: retraining once more.",
            )
        )
    return panels


def drift_panel(
    name: str, rows: pd.DataFrame, judged: Sequence[MethodVerdict], primary: str
) -> Panel | None:
    """Leakage after each of several deletions; None where there were none.

    Args:
        name: of the section.
        rows: of the evidence, of one scenario.
        judged: its verdicts.
        primary: name of the declared attack.
    """
    chosen = rows[drift(rows, primary)].dropna(subset="value")
    if chosen.empty:
        return None
    chosen = chosen.assign(after=chosen["tier"].str.removeprefix(REQUEST).astype(int))
    verdicts = {row.method: row.verdict for row in judged}
    plot = functools.partial(_drift, chosen, verdicts)
    height = max(2.6, 0.9 + LINE * chosen["method"].nunique())
    drawing = draw(plot, (4.6, height), f"{name}-drift", "AUC after each deletion, by method")
    return Panel(
        drawing,
        f"AUC of {primary} after each of {chosen['after'].max()} deletions that follow each other; "
        "grey: interval of the row retrain. Colours as above.",
    )


def _drift(rows: pd.DataFrame, verdicts: dict[str, str], axes: Axes) -> None:
    """A line per method, named where it ends."""
    axes.axhline(HALF, color=INK, lw=0.9, zorder=1)
    ends = {}
    for method, own in rows.sort_values("after").groupby("method", sort=False):
        look = CONCLUSIONS[verdicts.get(str(method), "cannot tell")]
        if method == "retrain":
            axes.fill_between(own["after"], own["ci_low"], own["ci_high"], color=BAND, lw=0)
        axes.plot(
            own["after"],
            own["value"],
            marker=look.marker,
            ms=4,
            lw=1.1,
            color=look.colour,
            mfc=look.colour if look.filled else "white",
        )
        ends[str(method)] = float(own["value"].iloc[-1]), look.colour
    _name_lines(axes, int(rows["after"].max()), ends)
    axes.set_xticks(sorted(rows["after"].unique()))
    axes.set_xlabel("deletions")
    axes.set_ylabel("AUC")
    axes.grid(axis="x", visible=False)


def _name_lines(axes: Axes, last: int, ends: dict[str, tuple[float, str]]) -> None:
    """Names beside the ends of the lines, moved apart, as ticks of a second axis.

    Args:
        axes: with the lines.
        last: where they end.
        ends: by name, the last value of a line and its colour.
    """
    low, high = axes.get_ylim()
    names = sorted(ends, key=lambda name: ends[name][0])
    inches = axes.figure.get_figheight() - 0.9  # type: ignore[union-attr]
    gap = (high - low) * LINE / inches
    places = apart(np.array([ends[name][0] for name in names]), gap)
    bottom, top = min(low, places[0] - gap), max(high, places[-1] + gap)
    axes.set_ylim(bottom, top)
    right = axes.twinx()
    right.set_ylim(bottom, top)
    right.grid(visible=False)
    right.tick_params(axis="y", length=0, pad=1)
    right.set_yticks(places, [f"{name}{SPARE}" for name in names], fontsize=7.5)
    for label, name in zip(right.get_yticklabels(), names, strict=True):
        label.set_color(ends[name][1])
    start, end = axes.get_xlim()
    for name, place in zip(names, places, strict=True):
        value, colour = ends[name]
        axes.plot([last, end], [value, place], color=colour, lw=0.5, alpha=0.7)
    axes.set_xlim(start, end)


def apart(places: np.ndarray, gap: float) -> np.ndarray:
    """Sorted places moved as little as needed to be ``gap`` apart (pooling of neighbours)."""
    pools: list[tuple[float, int]] = []
    for value in places - gap * np.arange(len(places)):
        pools.append((float(value), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (left, n), (right, m) = pools[-2:]
            pools[-2:] = [((left * n + right * m) / (n + m), n + m)]
    flat = np.concatenate([np.full(n, value) for value, n in pools])
    return flat + gap * np.arange(len(places))
