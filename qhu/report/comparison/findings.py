"""Everything that is found of a run beside the reference, as numbers."""

from dataclasses import dataclass

import pandas as pd

from qhu.report.comparison.gaps import EVERY, gaps, tested_gaps
from qhu.report.comparison.qubits import fitted, paired_values
from qhu.report.comparison.ranking import Ranking, rank
from qhu.report.comparison.side import Side
from qhu.report.statistics import Estimate
from qhu.report.styles import in_order

CHOSEN = ("acc_test", "acc_test_kept", "acc_forget", "kl_test", "kl_forget", "mia_forget")
"""Metrics that the page takes apart and ranks the methods by."""


@dataclass(frozen=True, eq=False)
class Findings:
    """A run beside the reference.

    Attributes:
        labels: what the reference and the run are called.
        letters: the same in a letter each.
        tests: what :func:`~qhu.report.comparison.gaps.tested_gaps` found.
        rankings: by scenario and metric.
        values: what :func:`~qhu.report.comparison.qubits.paired_values` found.
        lines: what :func:`~qhu.report.comparison.qubits.fitted` found.
    """

    labels: tuple[str, str]
    letters: tuple[str, str]
    tests: pd.DataFrame
    rankings: dict[tuple[str, str], Ranking]
    values: pd.DataFrame
    lines: dict[int, dict[str, Estimate]]

    @property
    def methods(self) -> list[str]:
        """The methods compared, the honest rows first."""
        return in_order(method for method in self.tests["method"] if method != EVERY)


def find(reference: Side, side: Side) -> Findings:
    """Compare one run with the reference."""
    tests = tested_gaps(gaps(reference.parts, side.parts))
    rankings = {}
    for scenario, rows in tests.groupby("scenario", sort=False):
        for metric in chosen(rows):
            tables = [_scores(one, str(scenario), metric) for one in (reference, side)]
            if ranking := rank(tables):
                rankings[str(scenario), metric] = ranking
    values = paired_values(reference.predictions, side.predictions)
    labels, letters = (reference.label, side.label), (reference.letter, side.letter)
    return Findings(labels, letters, tests, rankings, values, fitted(values))


def chosen(tests: pd.DataFrame) -> list[str]:
    """Those of :data:`CHOSEN` at hand; where test rows are parted by class, not all together."""
    present = set(tests["metric"])
    if "acc_test_kept" in present:
        present -= {"acc_test"}
    return [metric for metric in CHOSEN if metric in present]


def _scores(side: Side, scenario: str, metric: str) -> pd.DataFrame:
    results = side.run.results
    return results[(results["scenario"] == scenario) & (results["metric"] == metric)]
