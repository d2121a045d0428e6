"""What the page shows of one dataset, scenario and backend: tables, figures, sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from qhu.record.scores import Score
from qhu.report.choice import headline
from qhu.report.claims import Statement, comparisons
from qhu.report.panels import Panel, numbered, slug
from qhu.report.run.figures import metric_panels, tradeoffs
from qhu.report.run.reading import statements
from qhu.report.statistics import judged
from qhu.report.styles import in_order
from qhu.report.tables import Compared, Table, score_table, test_table


@dataclass(frozen=True)
class ScenarioSection:
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
) -> list[ScenarioSection]:
    """One section per dataset, scenario and backend, in the order of the results.

    What they claim is corrected over all of them together.
    """
    keys = ["dataset", "scenario", "backend"]
    parts = dict(list(results.groupby(keys, sort=False)))
    present = {
        key: [scores[name] for name in rows["metric"].unique()] for key, rows in parts.items()
    }
    family = {key: comparisons(rows, present[key]) for key, rows in parts.items()}
    tests = judged(
        {
            (key, comparison): table
            for key, tables in family.items()
            for comparison, table in tables.items()
        }
    )
    page_sections = []
    names = numbered(slug(str(scenario)) or "section" for _, scenario, _ in parts)
    for name, (key, rows) in zip(names, parts.items(), strict=True):
        chosen = (summary[keys] == list(key)).all(axis=1)
        compared = {
            comparison: table for (where, comparison), table in tests.items() if where == key
        }
        page_sections.append(_section(name, rows, summary[chosen], present[key], compared))
    return page_sections


def _section(
    name: str,
    results: pd.DataFrame,
    summary: pd.DataFrame,
    present: Sequence[Score],
    compared: Mapping[Compared, pd.DataFrame],
) -> ScenarioSection:
    methods = in_order(results["method"])
    first = results.iloc[0]
    return ScenarioSection(
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
