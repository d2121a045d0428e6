"""The examination of metrics: how well each tells models that hold the data from those that do not.

A metric that was not seen to do so may still be shown, and then says that it is weak.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from qhu.report.statistics import Estimate
from qhu.report.tables import TableCell

ACCEPTABLE = 0.7
"""Least AUC of a metric that may judge (Hosmer and Lemeshow, Applied Logistic Regression, call .7
to .8 acceptable): the lower end of its interval must reach it in every condition."""


class RankedMetric(NamedTuple):
    """A metric: its AUC per condition, and the conditions in which it is weak."""

    metric: str
    cells: list[TableCell]
    weak_in: list[str]

    @property
    def standing(self) -> str:
        """Whether it is weak, and where, in words."""
        if not self.weak_in:
            return "reliable in all"
        return (
            "weak in all"
            if len(self.weak_in) == len(self.cells)
            else (f"weak: {', '.join(self.weak_in)}")
        )


class MetricRanking(NamedTuple):
    """Conditions as columns, metrics as rows, the most reliable first."""

    conditions: list[str]
    metrics: list[RankedMetric]

    @property
    def weak(self) -> list[str]:
        """Names of the metrics that are weak somewhere."""
        return [row.metric for row in self.metrics if row.weak_in]


def rank_metrics(metrics: pd.DataFrame) -> MetricRanking:
    """Metrics by the lowest AUC that they have in any condition.

    Args:
        metrics: rows of ``metrics.csv``.
    """
    conditions = list(metrics["condition"].unique())
    rows = [_ranked(str(name), own, conditions) for name, own in metrics.groupby("metric")]
    return MetricRanking(conditions, sorted(rows, key=_lowest, reverse=True))


def _ranked(name: str, rows: pd.DataFrame, conditions: list[str]) -> RankedMetric:
    by_condition: Mapping[str, Estimate] = {
        row["condition"]: Estimate(row["auc"], row["ci_low"], row["ci_high"], 0)
        for row in rows.to_dict("records")
    }
    cells, weak_in = [], []
    for condition in conditions:
        value = by_condition.get(condition)
        if value is None or math.isnan(value.mean):
            cells.append(TableCell(note="not examined"))
            continue
        weak = not value.low >= ACCEPTABLE
        cells.append(TableCell(value, note="weak" if weak else ""))
        weak_in += [condition] * weak
    return RankedMetric(name, cells, weak_in)


def _lowest(row: RankedMetric) -> float:
    return min((cell.estimate.mean for cell in row.cells if cell.estimate), default=-math.inf)
