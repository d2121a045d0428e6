"""The methods before and after their tuning: ranks, distances to the oracle, and a page of both."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from qhu.record.folder import RunFolder
from qhu.record.scores import Score
from qhu.report.choice import claimed, merged
from qhu.report.claims import Statement, few_seeds, grouped
from qhu.report.comparison import plots
from qhu.report.comparison.gaps import RESOLUTION
from qhu.report.comparison.ranking import Ranking, distances, rank
from qhu.report.comparison.tables import GapTable, rank_table, telling
from qhu.report.comparison.verdicts import VerdictPairs, verdict_pairs
from qhu.report.comparison.words import correlation
from qhu.report.design import by_topic, design
from qhu.report.frames import RunFiles
from qhu.report.panels import Panel, slug
from qhu.report.statistics import MIN_SEEDS, judged, tested
from qhu.report.styles import in_order
from qhu.report.svg import draw, marker
from qhu.report.tables import Table, TableRow, column, difference, number
from qhu.report.templates import fill

LABELS = ("before tuning", "after tuning")
COLUMNS = (
    *("dataset", "scenario", "method", "metric", "quantity"),
    *("value", "ci_low", "ci_high", "seeds", "p_holm"),
)
NONE = float("nan")


@dataclass(frozen=True, eq=False)
class Retuned:
    """The methods by one score in one scenario, before and after.

    Attributes:
        scenario: the scenario.
        score: the score.
        ranking: of the methods by their distance to the oracle, in both runs.
        changes: per method, distance after minus distance before, as
            :func:`~qhu.report.statistics.judged` has it.
    """

    scenario: str
    score: Score
    ranking: Ranking
    changes: pd.DataFrame


@dataclass(frozen=True, eq=False)
class TuningScene:
    """What the page shows of one scenario."""

    scenario: str
    reading: list[Statement]
    changes: GapTable
    panels: list[Panel]
    ranks: list[tuple[str, list[list[str]]]]


class TuningOutcome(NamedTuple):
    """What the page of a tuning shows: verdicts of both runs, then scenario by scenario."""

    verdicts: VerdictPairs
    scenes: list[TuningScene]


def write_tuning(before: RunFiles, after: RunFiles, out: Path) -> TuningOutcome:
    """Write ``tuned.html`` and ``tuned.csv``.

    Args:
        before: a run of an experiment.
        after: a run of the same with tuned options.
        out: the folder.

    Returns:
        What the page shows.
    """
    retuned = _judged(list(_compared(before, after)))
    scenes = [
        _scene([item for item in retuned if item.scenario == scenario], after.results)
        for scenario in dict.fromkeys(item.scenario for item in retuned)
    ]
    verdicts = verdict_pairs((_own(before), _own(after)), ("before", "after"), ["tuning"])
    methods = in_order(m for item in retuned for m in item.ranking.places["method"])
    statements = [s for s in design(after.settings) if "tuned.trials" in s.settings]
    page = fill(
        "comparison/tuned.html.jinja",
        name=before.record.name,
        protocol=[statement.text for statement in statements],
        intervals=by_topic(design(after.settings))["intervals"],
        verdicts=verdicts,
        scenes=scenes,
        trials=_trials(after.settings["tuned"]),
        legend=[(method, marker(method)) for method in methods],
        runs=list(zip(LABELS, (before.record, after.record), strict=True)),
        labels=LABELS,
    )
    dataset = after.results["dataset"].iloc[0]
    lines = [(dataset, *line) for item in retuned for line in _lines(item)]
    folder = RunFolder(out)
    folder.write_table("tuned.csv", pd.DataFrame(lines, columns=COLUMNS))
    folder.write_text("tuned.html", page)
    return TuningOutcome(verdicts, scenes)


def _compared(before: RunFiles, after: RunFiles) -> Iterator[Retuned]:
    """Every scenario and claimed score that both runs have, not judged yet."""
    scores = merged(dict(zip(LABELS, (before.scores, after.scores), strict=True)))
    shared = set(before.results["scenario"])
    for scenario, rows in after.results.groupby("scenario", sort=False):
        if scenario not in shared:
            continue
        for score in claimed(scores[name] for name in rows["metric"].unique()):
            tables = [_values(run, str(scenario), score) for run in (before, after)]
            if ranking := rank(tables):
                first, second = (distances(table) for table in tables)
                methods = ranking.places["method"].tolist()
                changes = tested((second - first)[methods].dropna().T, RESOLUTION, score.reach)
                changes = changes.rename_axis("method").reset_index()
                yield Retuned(str(scenario), score, ranking, changes)


def _own(run: RunFiles) -> RunFiles:
    """A run without scores of another backend that stand beside its own."""
    return replace(run, results=run.results[run.results["backend"] == run.record.backend])


def _values(run: RunFiles, scenario: str, score: Score) -> pd.DataFrame:
    results = _own(run).results
    return results[(results["scenario"] == scenario) & (results["metric"] == score.name)]


def _judged(retuned: list[Retuned]) -> list[Retuned]:
    """The same with all changes judged together."""
    tables = judged({number_of: item.changes for number_of, item in enumerate(retuned)})
    return [replace(item, changes=tables[number_of]) for number_of, item in enumerate(retuned)]


def _scene(items: list[Retuned], results: pd.DataFrame) -> TuningScene:
    scenario = items[0].scenario
    results = results[results["scenario"] == scenario]
    reading = [
        Statement(f"{item.score.name}:", grouped(item.changes, "farther", "closer"))
        for item in items
    ]
    orders = [f"{item.score.name} {correlation(item.ranking)}" for item in items]
    reading.append(Statement("Order of the methods, Kendall's τ:", f"{'; '.join(orders)}."))
    seeds = max(int(item.changes["seeds"].max()) for item in items)
    if seeds < MIN_SEEDS:
        reading.insert(0, few_seeds(seeds))
    return TuningScene(
        scenario,
        reading,
        _table(items, results),
        [_panel(item) for item in items],
        [(item.score.name, rank_table(item.ranking, LABELS)) for item in items],
    )


def _table(items: list[Retuned], results: pd.DataFrame) -> GapTable:
    """Changes of the distance to the oracle: scores as columns, methods as rows."""
    items = sorted(items, key=lambda item: item.score.rows != "forget")
    by_method = [item.changes.set_index("method") for item in items]
    rows = []
    for method in in_order(m for table in by_method for m in table.index):
        its = [table for table in by_method if method in table.index]
        seeds = max(int(table.loc[[method], "seeds"].iloc[0]) for table in its)
        cells = [difference(table, method) for table in by_method]
        rows.append(TableRow(method, marker(method), str(seeds), cells))
    return telling(Table([column(item.score, results) for item in items], rows))


def _panel(item: Retuned) -> Panel:
    places = item.ranking.places
    caption = (
        f"{item.score.name}: ranks, 1 the closest to the oracle, with 95 % bootstrap intervals "
        f"over {item.ranking.tau.seeds} seeds; Kendall's τ: {correlation(item.ranking)}."
    )
    drawing = draw(
        functools.partial(plots.places, places, LABELS),
        plots.size(places),
        f"tuned-{slug(item.scenario)}-{slug(item.score.name)}",
        f"ranks of the methods by {item.score.title}, {item.scenario}, before and after tuning",
    )
    return Panel(drawing, caption)


def _trials(tuned: Mapping[str, Any]) -> list[list[str]]:
    """Head and rows: what tuning did for every method, on its own seeds."""
    rows = [["method", "trials", *LABELS, "leakage", "utility loss"]]
    for label, about in tuned["methods"].items():
        first, best = about["before"], about["after"]
        values = (first["objective"], *(best[k] for k in ("objective", "leakage", "utility_loss")))
        rows.append([label, str(about["trials"]), *map(number, values)])
    return rows


def _lines(item: Retuned) -> Iterator[tuple[object, ...]]:
    """Rows of ``tuned.csv`` behind the dataset."""
    about = (item.scenario, item.score.name)
    seeds = item.ranking.tau.seeds
    for place in item.ranking.places.to_dict("records"):
        for name, side in (("rank_before", "reference"), ("rank_after", "run")):
            ends = (place[side], place[f"{side}_low"], place[f"{side}_high"])
            yield (about[0], place["method"], about[1], name, *ends, seeds, NONE)
    for row in item.changes.to_dict("records"):
        numbers = (row["mean"], row["ci_low"], row["ci_high"], row["seeds"], row["p_holm"])
        yield (about[0], row["method"], about[1], "distance_change", *numbers)
    yield (about[0], "", about[1], "kendall_tau", *item.ranking.tau, NONE)
    for row in item.ranking.pairs.to_dict("records"):
        pair, ends = f"{row['closer']} {row['other']}", (row["swap"], NONE, NONE)
        yield (about[0], pair, about[1], "swap_probability", *ends, seeds, NONE)
