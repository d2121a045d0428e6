"""The page of an ablation: scores along the axis, and a reading of two sentences."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from qhu.errors import UserError
from qhu.record.folder import RunFolder
from qhu.record.scores import Score
from qhu.report import plots
from qhu.report.ablation.opening import opening
from qhu.report.ablation.setup import Setup, setup_table, unlike
from qhu.report.ablation.trends import changes, contrasts, excess, sentences
from qhu.report.choice import headline, merged
from qhu.report.claims import REFERENCES
from qhu.report.design import shared
from qhu.report.facts import Pairs
from qhu.report.frames import read_results, read_scores, read_settings
from qhu.report.panels import Panel, seed_count, slug
from qhu.report.statistics import (
    MIN_SEEDS,
    Estimate,
    Floats,
    estimates,
    judged,
    mean_interval,
    summarise,
)
from qhu.report.styles import REFERENCE_METHODS, in_order
from qhu.report.svg import draw, marker
from qhu.report.tables import Column, Table, TableCell, TableRow, judged_cell, row_count
from qhu.report.templates import fill
from qhu.settings.sweep import Sweep


class Axis(NamedTuple):
    """What is drawn along: the labels of the values, what they are in words, and whether lines
    join them."""

    labels: list[str]
    words: str
    joined: bool


class Drawn(NamedTuple):
    """A figure, and which methods are in it."""

    panel: Panel
    legend: list[tuple[str, Markup]]


@dataclass(frozen=True)
class AblationSection:
    """One scenario; ``legend``: the methods in some of its panels."""

    anchor: str
    dataset: str
    scenario: str
    opening: str
    reading: list[str]
    main: Drawn
    panels: list[Panel]
    legend: list[tuple[str, Markup]]
    table: Table


def write_ablation(
    folder: Path,
    name: str,
    sweep: Sweep,
    runs: Mapping[str, Path],
    setups: Mapping[str, Setup],
) -> Path:
    """Write ``ablation.html`` and ``ablation.csv``.

    Args:
        folder: where to.
        name: name of the study.
        sweep: what was varied.
        runs: per label the run folder, below ``folder``.
        setups: per label its task and network.

    Returns:
        Path of the page.

    Raises:
        UserError: a run's results or settings are missing or damaged, the runs read a score in
            two ways, or the score to read is not among them or has no row to be read against.
    """
    tables = {at: read_results(run) for at, run in runs.items()}
    scores = merged({str(runs[at]): read_scores(runs[at], table) for at, table in tables.items()})
    results = pd.concat([t.assign(at=at) for at, t in tables.items()], ignore_index=True)
    text = _page(folder, name, sweep, runs, setups, results, scores)
    written = RunFolder(folder)
    points = results.groupby("at", sort=False)
    summary = pd.concat([summarise(rows, scores).assign(at=at) for at, rows in points])
    written.write_table("ablation.csv", summary[["at", *summary.columns.drop("at")]])
    written.write_text("ablation.html", text)
    return folder / "ablation.html"


def _page(
    folder: Path,
    name: str,
    sweep: Sweep,
    runs: Mapping[str, Path],
    setups: Mapping[str, Setup],
    results: pd.DataFrame,
    scores: Mapping[str, Score],
) -> str:
    """The page, from the rows of all runs with their labels as ``at``; its tests are one family."""
    read = _to_read(sweep, scores)
    parts = [rows for _, rows in results.groupby("scenario", sort=False)]
    differences = [excess(rows, read, sweep.labels) for rows in parts]
    tested_contrasts = contrasts(sweep, setups)
    tests = [changes(by_method, tested_contrasts) for by_method in differences]
    judgements = judged(dict(enumerate(tests)))  # everything that the page claims together
    same_classes = len({setup.classes for setup in setups.values()}) == 1
    axis = Axis(sweep.labels, sweep.words, joined=sweep.ordered and same_classes)
    sections = [
        _section(f"s{number}", axis, read, rows, scores, differences[number], judgements[number])
        for number, rows in enumerate(parts)
    ]
    differing, alike = setup_table(setups, results)
    return fill(
        "ablation/ablation.html.jinja",
        name=name,
        sweep=sweep,
        facts=_facts(sweep, results),
        design=shared({at: read_settings(run / "experiment.yaml") for at, run in runs.items()}),
        against=REFERENCES[read.reference],
        setups=differing,
        alike=alike,
        linear="linear model" in (*differing[0], *dict(alike)),
        unlike=unlike(setups),
        sections=sections,
        seeds=results.groupby(["at", "method"])["seed"].nunique().max(),
        runs={
            at: f"{quote(run.relative_to(folder).as_posix())}/report.html"
            for at, run in runs.items()
        },
    )


def _facts(sweep: Sweep, results: pd.DataFrame) -> Pairs:
    every = in_order(results["method"])
    methods = [method for method in every if method not in REFERENCE_METHODS]
    honest = [method for method in every if method in REFERENCE_METHODS]
    return [
        ("varied", sweep.setting),
        ("values", ", ".join(sweep.labels)),
        ("dataset", ", ".join(results["dataset"].unique())),
        ("methods", f"{len(methods)}, beside {', '.join(honest)}"),
        ("seeds per value", seed_count(results)),
    ]


def _to_read(sweep: Sweep, scores: Mapping[str, Score]) -> Score:
    """The score of the reading."""
    readable = sorted(name for name, score in scores.items() if score.reference)
    if sweep.read not in readable:
        why = "nothing in a run is its goal" if sweep.read in scores else "no such score"
        raise UserError(f"sweep.read {sweep.read}: {why}; there are {', '.join(readable)}")
    return scores[sweep.read]


def _section(
    anchor: str,
    axis: Axis,
    read: Score,
    results: pd.DataFrame,
    scores: Mapping[str, Score],
    differences: Mapping[str, Floats],
    tests: pd.DataFrame,
) -> AblationSection:
    labels, present = axis.labels, [scores[name] for name in results["metric"].unique()]
    panels = [_panel(anchor, axis, score, results) for score in headline(present)]
    seeds = max(map(len, differences.values()), default=0)
    return AblationSection(
        anchor=anchor,
        dataset=", ".join(results["dataset"].unique()),
        scenario=str(results["scenario"].iloc[0]),
        opening=opening(read, axis.words, seeds, tests),
        reading=sentences(read, axis.words, labels, differences, tests),
        main=_main(anchor, axis, read, results, differences),
        panels=[drawn.panel for drawn in panels],
        legend=_legend([method for drawn in panels for method, _ in drawn.legend]),
        table=_table(axis, read, results, _by_point(differences, labels, read), tests),
    )


Points = dict[str, dict[str, Estimate]]


def _by_point(differences: Mapping[str, Floats], labels: list[str], read: Score) -> Points:
    interval = functools.partial(mean_interval, span=(-read.reach, read.reach))
    return {
        method: dict(zip(labels, map(interval, values.T), strict=True))
        for method, values in differences.items()
    }


def _legend(methods: list[str]) -> list[tuple[str, Markup]]:
    return [(method, marker(method)) for method in in_order(methods)]


def _main(
    anchor: str,
    axis: Axis,
    read: Score,
    results: pd.DataFrame,
    differences: Mapping[str, Floats],
) -> Drawn:
    words = f"{read.title}\nminus {REFERENCES[read.reference]}"
    points = _by_point(differences, axis.labels, read)
    plot = _plot(axis, points, differences, words, zero=True)
    drawing = draw(plot, (5.6, 3.4), f"{anchor}-main", f"{words}, along {axis.words}")
    panel = Panel(drawing, f"The score of the reading: {_basis(results, read.name)}")
    return Drawn(panel, _legend(list(points)))


def _panel(anchor: str, axis: Axis, score: Score, results: pd.DataFrame) -> Drawn:
    points: Points = {}
    own = results[results["metric"] == score.name]
    for at, rows in own.groupby("at", sort=False):
        for method, value in estimates(summarise(rows, {score.name: score}), score.name).items():
            if method != "retrain" or not score.relative:
                points.setdefault(method, {})[str(at)] = value
    by_seed = own.pivot(index=["method", "seed"], columns="at", values="value")
    by_seed = by_seed.reindex(columns=axis.labels)
    seeds = {method: by_seed.loc[method].to_numpy(np.float64) for method in points}
    plot = _plot(axis, points, seeds, score.title)
    drawing = draw(
        plot, (4.6, 3.2), f"{anchor}-{slug(score.name)}", f"{score.title}, along {axis.words}"
    )
    panel = Panel(drawing, f"{score.name}: {_basis(results, score.name)}")
    return Drawn(panel, _legend(list(points)))


def _plot(
    axis: Axis, points: Points, seeds: Mapping[str, Floats], words: str, zero: bool = False
) -> Callable[[Axes], None]:
    plot = functools.partial(plots.along, points, seeds, axis.labels, axis.words, words)
    return functools.partial(plot, ordered=axis.joined, zero=zero)


def _basis(results: pd.DataFrame, metric: str) -> str:
    n = row_count(results, metric)
    few = results.groupby("method")["seed"].nunique().max() < MIN_SEEDS
    drawn = "mean" if few else "mean and 95 % interval"
    return f"{drawn} over {seed_count(results)}, each thin; {n} rows per seed."


def _table(
    axis: Axis, read: Score, results: pd.DataFrame, points: Points, tests: pd.DataFrame
) -> Table:
    """The contrasts, then the differences at every point."""
    n = row_count(results, read.name)
    columns = [Column(name, f"change {name}", n) for name in tests["contrast"].unique()]
    columns += [Column(label, f"{axis.words}: {label}", n) for label in axis.labels]
    rows = []
    for method, by_label in points.items():
        cells = [judged_cell(row) for row in tests[tests["method"] == method].to_dict("records")]
        cells += [TableCell(by_label[label], signed=True) for label in axis.labels]
        rows.append(TableRow(method, marker(method), str(by_label[axis.labels[0]].seeds), cells))
    return Table(columns, rows)
