"""Everything that is found of a run beside the reference, as numbers."""

from dataclasses import dataclass

import pandas as pd

from qhu.record.scores import Score
from qhu.report.choice import claimed, merged
from qhu.report.comparison.gaps import EVERY, gaps, tested_gaps
from qhu.report.comparison.qubits import fitted, paired_values
from qhu.report.comparison.ranking import Ranking, rank
from qhu.report.comparison.side import Side
from qhu.report.statistics import Estimate
from qhu.report.styles import in_order


@dataclass(frozen=True, eq=False)
class Findings:
    """A run beside the reference.

    Attributes:
        labels: what the reference and the run are called.
        letters: the same in a letter each.
        scores: by name, how the scores of both are read.
        tests: what :func:`~qhu.report.comparison.gaps.tested_gaps` found.
        rankings: by scenario and metric.
        values: what :func:`~qhu.report.comparison.qubits.paired_values` found.
        lines: what :func:`~qhu.report.comparison.qubits.fitted` found.
    """

    labels: tuple[str, str]
    letters: tuple[str, str]
    scores: dict[str, Score]
    tests: pd.DataFrame
    rankings: dict[tuple[str, str], Ranking]
    values: pd.DataFrame
    lines: dict[int, dict[str, Estimate]]

    @property
    def methods(self) -> list[str]:
        """The methods compared, the honest rows first."""
        return in_order(method for method in self.tests["method"] if method != EVERY)

    def present(self, tests: pd.DataFrame) -> list[Score]:
        """The scores in some of the tests."""
        return [self.scores[name] for name in tests["metric"].unique()]


def find(reference: Side, side: Side) -> Findings:
    """Compare one run with the reference.

    Raises:
        UserError: the runs read a score in two ways.
    """
    scores = merged({one.label: one.run.scores for one in (reference, side)})
    tests = tested_gaps(gaps(reference.parts, side.parts))
    rankings = {}
    for scenario, rows in tests.groupby("scenario", sort=False):
        for score in claimed(scores[name] for name in rows["metric"].unique()):
            tables = [_scores(one, str(scenario), score.name) for one in (reference, side)]
            if ranking := rank(tables):
                rankings[str(scenario), score.name] = ranking
    values = paired_values(reference.predictions, side.predictions)
    labels, letters = (reference.label, side.label), (reference.letter, side.letter)
    return Findings(labels, letters, scores, tests, rankings, values, fitted(values))


def _scores(side: Side, scenario: str, metric: str) -> pd.DataFrame:
    results = side.run.results
    return results[(results["scenario"] == scenario) & (results["metric"] == metric)]
