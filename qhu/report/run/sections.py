"""What the page shows of one dataset, scenario and backend: tables, figures, sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from qhu.record.scores import Score
from qhu.report.choice import headline
from qhu.report.run.figures import Panel, metric_panels, slug, tradeoffs
from qhu.report.run.reading import Statement, comparisons, statements
from qhu.report.styles import in_order
from qhu.report.tables import Table, score_table, test_table


@dataclass(frozen=True)
class Section:
    """One dataset, scenario and backend; ``name`` is unique, in links and in file names."""

    name: str
    dataset: str
    scenario: str
    backend: str
    reading: list[Statement]
    tradeoffs: list[Panel]
    panels: list[Panel]
    scores: Table
    tests: Table
    everything: Table


def sections(
    results: pd.DataFrame, summary: pd.DataFrame, scores: Mapping[str, Score]
) -> list[Section]:
    """One section per dataset, scenario and backend, in the order of the results."""
    keys = ["dataset", "scenario", "backend"]
    found: dict[str, Section] = {}
    for key, rows in results.groupby(keys, sort=False):
        name = slug(str(key[1]))
        name = f"{name}-{len(found)}" if name in found or not name else name
        chosen = (summary[keys] == list(key)).all(axis=1)
        found[name] = _section(name, rows, summary[chosen], scores)
    return list(found.values())


def _section(
    name: str, results: pd.DataFrame, summary: pd.DataFrame, scores: Mapping[str, Score]
) -> Section:
    present = [scores[name] for name in results["metric"].unique()]
    methods = in_order(results["method"])
    compared = comparisons(results, present)
    first = results.iloc[0]
    return Section(
        name=name,
        dataset=first["dataset"],
        scenario=first["scenario"],
        backend=first["backend"],
        reading=statements(compared),
        tradeoffs=tradeoffs(name, present, results, summary),
        panels=metric_panels(name, present, results, summary),
        scores=score_table(headline(present), methods, results, summary),
        tests=test_table(compared, methods, results),
        everything=score_table(present, methods, results, summary),
    )
