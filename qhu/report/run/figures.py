"""The figures of a report and what their captions say."""

import functools
import math
from collections.abc import Sequence

import pandas as pd

from qhu.record.counts import count_of
from qhu.record.scores import Score
from qhu.report import choice, plots
from qhu.report.answer import MethodVerdict
from qhu.report.claims import REFERENCES
from qhu.report.figure_style import label_of
from qhu.report.forest import Goal, forest, size
from qhu.report.panels import Panel, seed_count, slug
from qhu.report.run.matrix import Matrix, distance_score
from qhu.report.run.strip import Landmarks, StripRow, strip
from qhu.report.run.strip import size as size_of_strip
from qhu.report.run_tests import Tests
from qhu.report.run_verdicts import decisive
from qhu.report.statistics import MIN_SEEDS, Estimate, estimates
from qhu.report.svg import draw
from qhu.report.tables import row_count
from qhu.report.verdicts import MARGIN


def forest_panels(name: str, verdicts: Sequence[MethodVerdict], tests: Tests) -> list[Panel]:
    """How far each method is from the oracle, one figure per score that verdicts rest on.

    Args:
        name: of the section, first part of the figures' names.
        verdicts: of the section.
        tests: of the section.
    """
    panels = []
    for which, compared in enumerate(decisive(tests)):
        score, rows = compared.score, [row.forest_row(which) for row in verdicts]
        goal = Goal(
            0,
            MARGIN,
            _second_oracle(verdicts, which),
            f"{label_of(score.name, score.title)} − oracle's",
        )
        plot = functools.partial(forest, rows, goal)
        label = f"{score.title} minus the oracle's, by method, with verdicts"
        drawing = draw(plot, size(rows), f"{name}-forest-{slug(score.name)}", label)
        seeds = max(row.leaks[which].seeds for row in verdicts)
        panels.append(
            Panel(
                drawing,
                f"{score.name}, paired differences to the oracle: mean over "
                f"{count_of(seeds, 'seed')}. Thick line: 90 % interval, which lies in "
                f"the margin of ±{MARGIN:g} (pale band) where a method forgot. Thin line: interval "
                "of the corrected test, which leaves out 0 where a difference is shown. Grey band: "
                "the 90 % interval of a second oracle, the row floor. Fewer than "
                f"{MIN_SEEDS} seeds are not tested and have no interval.",
            )
        )
    return panels


def strip_panel(
    name: str, scores: Sequence[Score], results: pd.DataFrame, summary: pd.DataFrame, seen: Matrix
) -> Panel | None:
    """Every seed of every method in the score that tells most; None where there is no score.

    It is the distance to the oracle; where none is claimed, the first of the scores that are.

    Args:
        name: of the section, first part of the figure's name.
        scores: those at hand.
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        summary: rows of ``summary.csv`` of the same.
        seen: the matrix of the section, whose order the rows have.
    """
    candidates = [distance_score(scores), *choice.claimed(scores), *choice.headline(scores)]
    score = next(filter(None, candidates), None)
    if score is None:
        return None
    its = results[results["metric"] == score.name]
    seeds = {str(method): rows["value"].to_numpy(float) for method, rows in its.groupby("method")}
    values = estimates(summary, score.name)
    rows = [
        StripRow(row.method, seeds[row.method], values[row.method], row.verdict)
        for row in seen.rows
        if row.method in values
    ]
    own = Estimate(0.0, math.nan, math.nan, 0) if score.relative else values.get("retrain")
    marks = Landmarks(own, values.get("floor"))
    plot = functools.partial(strip, rows, score, marks)
    label = f"{score.title}: every seed of every method, beside oracle and floor"
    words = (
        f"{score.name}: every seed (pale), mean and 95 % interval over {seed_count(its)}, "
        f"{row_count(results, score.name)} rows per seed. Line: the oracle; dashed line and band: "
        "the floor, a second oracle."
    )
    return Panel(draw(plot, size_of_strip(rows), f"{name}-strip-{slug(score.name)}", label), words)


def _second_oracle(verdicts: Sequence[MethodVerdict], which: int) -> Estimate | None:
    """The floor in one of the values that verdicts rest on, with its 90 % interval."""
    for row in verdicts:
        low, high = row.inner[which] if row.inner else (math.nan, math.nan)
        if row.method == "floor" and not math.isnan(low):
            return row.leaks[which]._replace(low=low, high=high)
    return None


def metric_panels(
    name: str, scores: Sequence[Score], results: pd.DataFrame, summary: pd.DataFrame
) -> list[Panel]:
    """The headline scores one by one.

    Args:
        name: of the section, first part of the figures' names.
        scores: those at hand.
        results: rows of ``results.csv`` of one dataset, scenario and backend.
        summary: rows of ``summary.csv`` of the same.
    """
    return [metric_panel(name, score, results, summary) for score in choice.headline(scores)]


def metric_panel(name: str, score: Score, results: pd.DataFrame, summary: pd.DataFrame) -> Panel:
    """One score of every method; other arguments as of :func:`metric_panels`."""
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
        caption = f"{who}: {count_of(seeds, 'seed')} (faint) and their mean."
        panels.append(Panel(drawing, caption))
    return panels
