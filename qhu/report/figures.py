"""The figures of a report and what their captions say."""

import functools
import re
from typing import NamedTuple

import pandas as pd

from qhu.report import plots
from qhu.report.styles import reference, title
from qhu.report.svg import Drawing, draw
from qhu.report.tables import row_count

PANELS = ("acc_forget", "acc_retain", "acc_test", "kl_forget", "kl_test", "mia_forget")
CLASS_PANELS = ("acc_forget", "acc_test_forgotten", "acc_test_kept", *PANELS[3:])
"""A class scenario parts the test rows into what is to be forgotten and to be kept."""
TRAINED, UNSEEN = ("acc_forget", "acc_retain"), ("acc_test_forgotten", "acc_test_kept")
NEAR = 0.1
"""The close-up of the trade-off shows accuracies within this distance of the oracle's."""


class Panel(NamedTuple):
    """A figure and its caption."""

    drawing: Drawing
    caption: str


def slug(text: str) -> str:
    """Text as part of a file name and of an id."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")


def tradeoffs(name: str, results: pd.DataFrame, summary: pd.DataFrame) -> list[Panel]:
    """What is forgotten against what is kept, with a close-up or unseen rows beside it.

    Args:
        name: of the section, first part of the figures' names.
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        summary: rows of ``summary.csv`` of the same.
    """
    present = set(results["metric"])
    views: list[tuple[str, str, tuple[str, str], float | None]] = []
    if set(TRAINED) <= present:
        told = "What is forgotten against what is kept. The goal is the star, the oracle."
        views.append(("tradeoff", told, TRAINED, None))
        if plots.crowded(summary, TRAINED, NEAR):
            told = f"The same, within {NEAR} of the oracle."
            views.append(("tradeoff-near", told, TRAINED, NEAR))
    if set(UNSEEN) <= present:
        told = "The same on rows that no model was trained on."
        views.append(("tradeoff-unseen", told, UNSEEN, None))
    panels = []
    for view, told, metrics, near in views:
        plot = functools.partial(plots.tradeoff, summary, metrics, near)
        label = " against ".join(map(title, reversed(metrics)))
        n = " and ".join(row_count(results, metric) for metric in metrics)
        basis = f"Mean and 95 % interval over {seed_count(results)}; {n} rows per seed."
        drawing = draw(plot, (6.6, 3.8), f"{name}-{view}", label)
        panels.append(Panel(drawing, f"{told} {basis}"))
    return panels


def metric_panels(name: str, results: pd.DataFrame, summary: pd.DataFrame) -> list[Panel]:
    """The chosen metrics one by one; arguments as of :func:`tradeoffs`."""
    present = set(results["metric"])
    chosen = CLASS_PANELS if "acc_test_kept" in present else PANELS
    return [metric_panel(name, m, results, summary) for m in chosen if m in present]


def metric_panel(name: str, metric: str, results: pd.DataFrame, summary: pd.DataFrame) -> Panel:
    """One metric of every method; arguments as of :func:`tradeoffs`."""
    plot = functools.partial(plots.intervals, summary, metric)
    height = 0.9 + 0.21 * results["method"].nunique()
    band = {"floor": "floor", "retrain": "oracle"}[reference(metric)]
    return Panel(
        draw(plot, (4.6, height), f"{name}-{slug(metric)}", f"{title(metric)}, by method"),
        f"{metric}: mean and 95 % interval over {seed_count(results)}, "
        f"{row_count(results, metric)} rows per seed. Line and band: the {band}.",
    )


def training_curves(losses: pd.DataFrame) -> list[Panel]:
    """Losses of teacher and oracles.

    Args:
        losses: :attr:`~qhu.report.frames.Run.losses`.
    """
    panels = []
    trained = losses[losses["stage"].isin(["teacher", "oracle"])]
    for number, ((stage, scenario), rows) in enumerate(
        trained.fillna({"scenario": ""}).groupby(["stage", "scenario"], sort=False)
    ):
        who = f"{stage}, {scenario}" if scenario else str(stage)
        seeds = rows["seed"].nunique()
        plot = functools.partial(plots.curves, rows)
        drawing = draw(plot, (4.6, 3.0), f"curve-{number}-{slug(who)}", f"losses of the {who}")
        caption = f"{who}: {seeds} {'seed' if seeds == 1 else 'seeds'} (faint) and their mean."
        panels.append(Panel(drawing, caption))
    return panels


def seed_count(results: pd.DataFrame) -> str:
    """How many seeds the methods have, in words."""
    counts = results.groupby("method")["seed"].nunique()
    low, high = counts.min(), counts.max()
    if low != high:
        return f"{low}–{high} seeds"
    return f"{high} seeds" if high > 1 else "1 seed"
