"""What the page shows of one dataset, scenario and backend: tables, figures, sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from qhu.report.figures import Panel, metric_panels, slug, tradeoffs
from qhu.report.reading import Statement, comparisons, statements
from qhu.report.statistics import judged
from qhu.report.styles import in_order
from qhu.report.tables import Compared, Table, score_table, test_table

SCORES = (
    *("acc_retain", "acc_forget", "acc_test", "acc_test_kept", "acc_test_forgotten"),
    *("kl_forget", "kl_test", "agree_test", "mia_forget"),
)


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


def sections(results: pd.DataFrame, summary: pd.DataFrame) -> list[Section]:
    """One section per dataset, scenario and backend, in the order of the results.

    What they claim is corrected over all of them together.
    """
    keys = ["dataset", "scenario", "backend"]
    parts = dict(list(results.groupby(keys, sort=False)))
    tests = judged(
        {(key, one): t for key, rows in parts.items() for one, t in comparisons(rows).items()}
    )
    found: dict[str, Section] = {}
    for key, rows in parts.items():
        name = slug(str(key[1]))
        name = f"{name}-{len(found)}" if name in found or not name else name
        chosen = (summary[keys] == list(key)).all(axis=1)
        compared = {one: table for (where, one), table in tests.items() if where == key}
        found[name] = _section(name, rows, summary[chosen], compared)
    return list(found.values())


def _section(
    name: str,
    results: pd.DataFrame,
    summary: pd.DataFrame,
    compared: Mapping[Compared, pd.DataFrame],
) -> Section:
    metrics = results["metric"].unique().tolist()
    methods = in_order(results["method"])
    first = results.iloc[0]
    shown = [metric for metric in SCORES if metric in metrics]
    return Section(
        name=name,
        dataset=first["dataset"],
        scenario=first["scenario"],
        backend=first["backend"],
        reading=statements(compared),
        tradeoffs=tradeoffs(name, results, summary),
        panels=metric_panels(name, results, summary),
        scores=score_table(shown, methods, results, summary),
        tests=test_table(compared, methods, results),
        everything=score_table(metrics, methods, results, summary),
    )
