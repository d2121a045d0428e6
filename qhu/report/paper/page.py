"""The page of ``make paper``: released figures beside distributions under both protocols."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pandas as pd

from qhu.record.folder import RunFolder
from qhu.record.released import COLUMNS, DERIVED, SAME
from qhu.record.scores import Score
from qhu.report.choice import claimed, merged
from qhu.report.claims import topic
from qhu.report.design import shared
from qhu.report.facts import scenarios
from qhu.report.frames import read_results, read_scores, read_settings, read_table
from qhu.report.panels import Panel, slug
from qhu.report.paper import plots
from qhu.report.paper.protocols import (
    PROTOCOLS,
    Asked,
    Outcome,
    counted,
    judge,
    of_comparison,
    statements,
    tests,
)
from qhu.report.paper.released import Figure, compare
from qhu.report.statistics import Estimate
from qhu.report.svg import draw
from qhu.report.tables import interval, number
from qhu.report.templates import fill

RELEASED = {"scenario": "str", "method": "str", **dict.fromkeys(COLUMNS, "float64")}


class Runs(NamedTuple):
    """Where a dataset's figures lie: the released table, and two run folders."""

    published: Path
    theirs: Path
    ours: Path


class Value(NamedTuple):
    """One value of the table."""

    text: str = "–"
    interval: str = ""
    stands_out: bool = False


class PaperTable(NamedTuple):
    """Columns, and per method a line of values from each source."""

    columns: list[str]
    methods: dict[str, dict[str, list[Value]]]


class PaperSection(NamedTuple):
    """One dataset and released scenario."""

    anchor: str
    dataset: str
    scenario: str
    outcomes: list[tuple[str, list[str]]]
    panels: list[Panel]
    main: PaperTable
    everything: PaperTable


def write_paper(folder: Path, runs: Mapping[str, Runs]) -> Path:
    """Write ``paper.html`` and ``paper.csv``.

    Args:
        folder: where to.
        runs: where the figures of every dataset lie.

    Returns:
        Path of the page.

    Raises:
        UserError: a table is missing, damaged or empty, or the runs read a score in two ways.
    """
    folders = [folder for where in runs.values() for folder in where[1:]]
    tables = {run: read_results(run) for run in folders}
    scores = merged({str(run): read_scores(run, table) for run, table in tables.items()})
    compared, asked = list[Figure](), dict[Asked, pd.DataFrame]()
    for dataset, where in runs.items():
        published = read_table(where.published, RELEASED)
        theirs, ours = (tables[run] for run in where[1:])
        compared += compare(dataset, published, theirs, ours, scores)
        asked |= tests(dataset, theirs, ours, scores)
    figures, outcomes = judge(compared, asked)
    pages = {
        dataset: [quote(Path(os.path.relpath(run, folder)).as_posix()) for run in where[1:]]
        for dataset, where in runs.items()
    }
    text = fill(
        "paper/paper.html.jinja",
        statements=statements(figures, outcomes),
        sections=_sections(figures, outcomes, scores),
        protocols=[_protocol(name, runs) for name in ("theirs", "ours")],
        runs=pages,
    )
    written = RunFolder(folder)
    written.write_table("paper.csv", pd.DataFrame([figure.flat() for figure in figures]))
    written.write_text("paper.html", text)
    return folder / "paper.html"


def _protocol(name: str, runs: Mapping[str, Runs]) -> tuple[str, list[str]]:
    """A protocol's name, and what was done under it: scenarios, then the common sentences."""
    where = {dataset: getattr(folders, name) for dataset, folders in runs.items()}
    settings = {dataset: read_settings(run / "experiment.yaml") for dataset, run in where.items()}
    forgotten = [
        f"{dataset}: {'; '.join(scenarios(settings[dataset], RunFolder(run).record()).values())}."
        for dataset, run in where.items()
    ]
    words = {"theirs": "Their protocol", "ours": "Our protocol"}
    return words[name], [*shared(settings), *forgotten]


def _sections(
    figures: Sequence[Figure], outcomes: Sequence[Outcome], scores: Mapping[str, Score]
) -> list[PaperSection]:
    claims, sections = {score.name for score in claimed(scores.values())}, []
    keys = dict.fromkeys((figure.dataset, figure.scenario) for figure in figures)
    for place, key in enumerate(keys):
        chosen = [figure for figure in figures if (figure.dataset, figure.scenario) == key]
        columns = [name for name in COLUMNS if any(figure.column == name for figure in chosen)]
        anchor = f"s{place}"
        sections.append(
            PaperSection(
                *(anchor, *key),
                outcomes=_outcomes([outcome for outcome in outcomes if outcome.asked[:2] == key]),
                panels=[
                    _panel(anchor, scores[name], chosen)
                    for name in columns
                    if name in scores and SAME.get(name) in claims
                ],
                main=_table([name for name in columns if name not in DERIVED], chosen),
                everything=_table(columns, chosen),
            )
        )
    return sections


def _outcomes(outcomes: Sequence[Outcome]) -> list[tuple[str, list[str]]]:
    """Per comparison, how many methods it sets apart under each protocol."""
    return [
        (
            topic(comparison),
            [
                counted(comparison, of_comparison(outcomes, comparison, protocol))
                for protocol in PROTOCOLS
            ],
        )
        for comparison in dict.fromkeys(outcome.asked.compared for outcome in outcomes)
    ]


def _table(columns: list[str], figures: Sequence[Figure]) -> PaperTable:
    by_cell = {(figure.method, figure.column): figure for figure in figures}
    methods = {}
    for method in dict.fromkeys(figure.method for figure in figures):
        row = [by_cell.get((method, column)) for column in columns]
        methods[method] = {
            "released": [_released(figure) for figure in row],
            "their protocol": [_estimate(figure and figure.theirs) for figure in row],
            "our protocol": [_estimate(figure and figure.ours) for figure in row],
        }
    return PaperTable(columns, methods)


def _released(figure: Figure | None) -> Value:
    if figure is None or figure.released is None:
        return Value()
    return Value(number(figure.released), stands_out=figure.stands_out)


def _estimate(value: Estimate | None) -> Value:
    return Value(number(value.mean), interval(value)) if value else Value()


def _panel(anchor: str, column: Score, figures: Sequence[Figure]) -> Panel:
    chosen = [figure for figure in figures if figure.column == column.name]
    plot = functools.partial(plots.protocols, chosen, column)
    drawing = draw(
        plot, (4.6, 4.6), f"{anchor}-{slug(column.name)}-", f"{column.name}, by method and protocol"
    )
    seeds = " and ".join(
        f"{max((value.seeds for value in values if value), default=0)} seeds under {protocol}"
        for protocol, values in (
            ("their protocol", [figure.theirs for figure in chosen]),
            ("ours", [figure.ours for figure in chosen]),
        )
    )
    return Panel(drawing, f"{column.name}: mean and 95 % interval over {seeds}.")
