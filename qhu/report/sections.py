"""What the page shows of one dataset, scenario and backend: tables, figures, sentences."""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from qhu.report import plots
from qhu.report.reading import Statement, comparisons, statements
from qhu.report.styles import in_order, reference, title
from qhu.report.svg import draw, marker
from qhu.report.tables import Table, row_count, score_table, test_table

SCORES = (
    *("acc_retain", "acc_forget", "acc_test", "acc_test_kept", "acc_test_forgotten"),
    *("kl_forget", "kl_test", "agree_test", "mia_forget"),
)
PANELS = ("acc_forget", "acc_retain", "acc_test", "kl_forget", "kl_test", "mia_forget")
CLASS_PANELS = ("acc_forget", "acc_test_forgotten", "acc_test_kept", *PANELS[3:])
"""A class scenario parts the test rows into what is to be forgotten and to be kept."""
TRAINED, UNSEEN = ("acc_forget", "acc_retain"), ("acc_test_forgotten", "acc_test_kept")
NEAR = 0.1
"""The close-up of the trade-off shows accuracies within this distance of the oracle's."""


class Panel(NamedTuple):
    """A figure and its caption."""

    drawing: Markup
    caption: str


@dataclass(frozen=True)
class Section:
    """One dataset, scenario and backend."""

    anchor: str
    dataset: str
    scenario: str
    backend: str
    reading: list[Statement]
    legend: list[tuple[str, Markup]]
    tradeoffs: list[Panel]
    panels: list[Panel]
    scores: Table
    tests: Table
    everything: Table


def sections(results: pd.DataFrame, summary: pd.DataFrame) -> list[Section]:
    """One section per dataset, scenario and backend, in the order of the results."""
    keys = ["dataset", "scenario", "backend"]
    found = []
    for number, (key, rows) in enumerate(results.groupby(keys, sort=False)):
        chosen = (summary[keys] == list(key)).all(axis=1)
        found.append(_section(f"s{number}", rows, summary[chosen]))
    return found


def _section(anchor: str, results: pd.DataFrame, summary: pd.DataFrame) -> Section:
    metrics = results["metric"].unique().tolist()
    methods = in_order(results["method"])
    compared = comparisons(results)
    first = results.iloc[0]
    shown = [metric for metric in SCORES if metric in metrics]
    panels = CLASS_PANELS if "acc_test_kept" in metrics else PANELS
    return Section(
        anchor=anchor,
        dataset=first["dataset"],
        scenario=first["scenario"],
        backend=first["backend"],
        reading=statements(compared),
        legend=[(method, marker(method)) for method in methods],
        tradeoffs=_tradeoffs(anchor, results, summary),
        panels=[_panel(anchor, m, results, summary) for m in panels if m in metrics],
        scores=score_table(shown, methods, results, summary),
        tests=test_table(compared, methods, results),
        everything=score_table(metrics, methods, results, summary),
    )


def _tradeoffs(anchor: str, results: pd.DataFrame, summary: pd.DataFrame) -> list[Panel]:
    """What is forgotten against what is kept, with a close-up or unseen rows beside it."""
    present = set(results["metric"])
    views: list[tuple[str, tuple[str, str], float | None]] = []
    if set(TRAINED) <= present:
        told = "What is forgotten against what is kept. The goal is the star, the oracle."
        views.append((told, TRAINED, None))
        if plots.crowded(summary, TRAINED, NEAR):
            views.append((f"The same, within {NEAR} of the oracle.", TRAINED, NEAR))
    if set(UNSEEN) <= present:
        views.append(("The same on rows that no model was trained on.", UNSEEN, None))
    panels = []
    for number, (told, metrics, near) in enumerate(views):
        plot = functools.partial(plots.tradeoff, summary, metrics, near)
        label = " against ".join(map(title, reversed(metrics)))
        n = " and ".join(row_count(results, metric) for metric in metrics)
        basis = f"Mean and 95 % interval over {seed_count(results)}; {n} rows per seed."
        drawing = draw(plot, (5.4, 3.8), f"{anchor}-tradeoff{number}-", label)
        panels.append(Panel(drawing, f"{told} {basis}"))
    return panels


def _panel(anchor: str, metric: str, results: pd.DataFrame, summary: pd.DataFrame) -> Panel:
    plot = functools.partial(plots.intervals, summary, metric)
    height = 0.9 + 0.21 * results["method"].nunique()
    band = {"floor": "floor", "retrain": "oracle"}[reference(metric)]
    return Panel(
        draw(plot, (4.6, height), f"{anchor}-{metric}-", f"{title(metric)}, by method"),
        f"{metric}: mean and 95 % interval over {seed_count(results)}, "
        f"{row_count(results, metric)} rows per seed. Line and band: the {band}.",
    )


def seed_count(results: pd.DataFrame) -> str:
    """How many seeds the methods have, in words."""
    counts = results.groupby("method")["seed"].nunique()
    low, high = counts.min(), counts.max()
    if low != high:
        return f"{low}–{high} seeds"
    return f"{high} seeds" if high > 1 else "1 seed"
