"""What the page shows of a run beside the reference: sentences, figures, tables."""

import functools
from dataclasses import dataclass

import pandas as pd

from qhu.record.scores import Score
from qhu.report.choice import claimed, forget_first, headline
from qhu.report.claims import Statement
from qhu.report.comparison import plots, words
from qhu.report.comparison.findings import Findings
from qhu.report.comparison.gaps import EVERY
from qhu.report.comparison.qubits import thinned
from qhu.report.comparison.ranking import Ranking
from qhu.report.comparison.tables import GapTable, gap_table, parts_table, qubit_table, rank_table
from qhu.report.comparison.verdicts import VerdictPairs
from qhu.report.panels import Panel, slug
from qhu.report.svg import draw


@dataclass(frozen=True)
class Apart:
    """The gap of one metric in parts."""

    metric: str
    panel: Panel
    parts: GapTable


@dataclass(frozen=True)
class Ranked:
    """The order of the methods by one metric."""

    panel: Panel
    table: list[list[str]]


@dataclass(frozen=True)
class Scene:
    """One scenario of two runs."""

    scenario: str
    reading: list[Statement]
    gaps: GapTable
    apart: list[Apart]
    ranked: list[Ranked]


@dataclass(frozen=True)
class Pair:
    """A run beside the reference; ``reading`` holds for all scenarios."""

    anchor: str
    labels: tuple[str, str]
    verdicts: VerdictPairs
    reading: list[Statement]
    scenes: list[Scene]
    scatters: list[Panel]
    qubits: list[list[str]]
    seeds: int


def section(findings: Findings, verdicts: VerdictPairs, results: pd.DataFrame) -> Pair:
    """The section of a run.

    Args:
        findings: its comparison with the reference.
        verdicts: of both.
        results: rows of its ``results.csv``.
    """
    anchor, reading = f"run-{findings.letters[1]}", words.caution(findings.tests)
    if findings.lines:
        reference = findings.letters[0]
        reading.append(words.qubit_statement(findings.lines, findings.line_tests, reference))
    scenarios = findings.tests["scenario"].unique()
    scenes = [
        _scene(f"{anchor}-{number}", scenario, findings, results)
        for number, scenario in enumerate(scenarios)
    ]
    scatters = _scatters(anchor, findings)
    qubits, seeds = qubit_table(findings.lines), int(findings.tests["seeds"].max())
    return Pair(anchor, findings.labels, verdicts, reading, scenes, scatters, qubits, seeds)


def _scene(anchor: str, scenario: str, findings: Findings, results: pd.DataFrame) -> Scene:
    tests = findings.tests[findings.tests["scenario"] == scenario]
    results = results[results["scenario"] == scenario]
    scores = findings.present(tests)
    by_score = {score: tests[tests["metric"] == score.name] for score in claimed(scores)}
    by_metric = {score.name: rows for score, rows in by_score.items()}
    ranked = {score: findings.rankings.get((scenario, score.name)) for score in by_score}
    rankings = {score: ranking for score, ranking in ranked.items() if ranking}
    reading = words.gap_statements(by_metric, findings.letters[0])
    reading += words.parts_statements(by_metric)
    if rankings:
        by_name = {score.name: ranking for score, ranking in rankings.items()}
        reading.append(words.ranking_statement(by_name))
    return Scene(
        scenario=scenario,
        reading=reading,
        gaps=gap_table(forget_first(headline(scores)), findings.methods, tests, results),
        apart=[
            _apart(anchor, score, findings.methods, rows, results)
            for score, rows in by_score.items()
        ],
        ranked=[
            _ranked(anchor, score, ranking, findings.labels) for score, ranking in rankings.items()
        ],
    )


def _apart(
    anchor: str, score: Score, methods: list[str], tests: pd.DataFrame, results: pd.DataFrame
) -> Apart:
    order = [*methods, EVERY]
    rows = tests.sort_values("method", key=lambda names: names.map(order.index), kind="stable")
    plot = functools.partial(plots.parts, rows, score)
    label = f"{score.title}: the gap and its parts, by method"
    seeds = int(tests["seeds"].max())
    caption = (
        f"{score.name}: gap over {seeds} seeds with the interval of its test (markers), on its "
        f"parts (bars, stacked from 0 to either side). {words.parts_caption(tests)}"
    )
    drawing = draw(plot, (4.8, 1.2 + 0.24 * len(order)), f"{anchor}-{slug(score.name)}", label)
    return Apart(score.name, Panel(drawing, caption), parts_table(score, methods, tests, results))


def _ranked(anchor: str, score: Score, ranking: Ranking, labels: tuple[str, str]) -> Ranked:
    plot = functools.partial(plots.places, ranking.places, labels)
    caption = (
        f"{score.name}: ranks, 1 the closest to the oracle, with 95 % bootstrap intervals over "
        f"{ranking.tau.seeds} seeds; Kendall's τ: {words.correlation(ranking)}."
    )
    label = f"ranks of the methods by {score.title}, in both runs"
    size = plots.size(ranking.places)
    drawing = draw(plot, size, f"{anchor}-rank-{slug(score.name)}", label)
    return Ranked(Panel(drawing, caption), rank_table(ranking, labels))


def _scatters(anchor: str, findings: Findings) -> list[Panel]:
    shown, panels = thinned(findings.values), []
    for qubit, line in findings.lines.items():
        points = shown[shown["qubit"] == qubit]
        plot = functools.partial(plots.scatter, points, line, findings.labels)
        caption = (
            f"q{qubit}: {len(points)} of {int((findings.values['qubit'] == qubit).sum())} paired "
            "values; identity (band) and fitted line."
        )
        label = f"expectation values of qubit {qubit} in both runs"
        panels.append(Panel(draw(plot, (4.6, 4.4), f"{anchor}-q{qubit}", label), caption))
    return panels
