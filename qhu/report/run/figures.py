"""The figures of a report and what their captions say."""

import functools
from collections.abc import Sequence

import pandas as pd

from qhu.record.scores import Score
from qhu.report import choice, plots
from qhu.report.claims import REFERENCES
from qhu.report.panels import Panel, seed_count, slug
from qhu.report.svg import draw
from qhu.report.tables import row_count

TRAINED, UNSEEN = ("forget", "retain"), ("test_forgotten", "test_kept")
"""Subsets of what is to be forgotten and of what is to be kept."""
NEAR = 0.1
"""The close-up of a trade-off shows scores within this distance of the oracle's."""


def tradeoffs(
    name: str, scores: Sequence[Score], results: pd.DataFrame, summary: pd.DataFrame
) -> list[Panel]:
    """What is forgotten against what is kept, with a close-up or unseen rows beside it.

    Args:
        name: of the section, first part of the figures' names.
        scores: those at hand.
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        summary: rows of ``summary.csv`` of the same.
    """
    views: list[tuple[str, str, tuple[Score, Score], float | None]] = []
    for pair in choice.tradeoffs(scores, *TRAINED):
        caption = "What is forgotten against what is kept. The goal is the star, the oracle."
        views.append(("tradeoff", caption, pair, None))
        if plots.crowded(summary, pair, NEAR):
            caption = f"The same, within {NEAR} of the oracle."
            views.append(("tradeoff-near", caption, pair, NEAR))
    for pair in choice.tradeoffs(scores, *UNSEEN):
        caption = "The same on rows that no model was trained on."
        views.append(("tradeoff-unseen", caption, pair, None))
    several = len({pair[0].stem for _, _, pair, _ in views}) > 1
    panels = []
    for view, caption, pair, near in views:
        plot = functools.partial(plots.tradeoff, summary, pair, near)
        label = " against ".join(score.title for score in reversed(pair))
        row_counts = " and ".join(row_count(results, score.name) for score in pair)
        basis = f"Mean and 95 % interval over {seed_count(results)}; {row_counts} rows per seed."
        which = f"{view}-{slug(pair[0].stem)}" if several else view
        drawing = draw(plot, (6.6, 3.8), f"{name}-{which}", label)
        panels.append(Panel(drawing, f"{caption} {basis}"))
    return panels


def metric_panels(
    name: str, scores: Sequence[Score], results: pd.DataFrame, summary: pd.DataFrame
) -> list[Panel]:
    """The headline scores one by one; arguments as of :func:`tradeoffs`."""
    return [metric_panel(name, score, results, summary) for score in choice.headline(scores)]


def metric_panel(name: str, score: Score, results: pd.DataFrame, summary: pd.DataFrame) -> Panel:
    """One score of every method; other arguments as of :func:`tradeoffs`."""
    plot = functools.partial(plots.intervals, summary, score)
    height = 0.9 + 0.21 * results["method"].nunique()
    band = f" Line and band: {REFERENCES[score.reference]}." if score.reference else ""
    return Panel(
        draw(plot, (4.6, height), f"{name}-{slug(score.name)}", f"{score.title}, by method"),
        f"{score.name}: mean and 95 % interval over {seed_count(results)}, "
        f"{row_count(results, score.name)} rows per seed.{band}",
    )


def training_curves(losses: pd.DataFrame) -> list[Panel]:
    """Losses of teacher and oracles.

    Args:
        losses: :attr:`~qhu.report.frames.RunFiles.losses`.
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
