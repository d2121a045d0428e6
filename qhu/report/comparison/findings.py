"""Everything that is found of a run beside the reference, as numbers."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from qhu.record.scores import Score
from qhu.report.choice import claimed, headline, merged
from qhu.report.comparison.gaps import EVERY, gaps, tested_gaps
from qhu.report.comparison.qubits import fitted, paired_values, tested_lines
from qhu.report.comparison.ranking import Ranking, rank
from qhu.report.comparison.side import Side
from qhu.report.statistics import Estimate, judged
from qhu.report.styles import in_order


@dataclass(frozen=True, eq=False)
class Findings:
    """A run beside the reference, tests judged together with those of the whole page.

    Attributes:
        labels: what the reference and the run are called.
        letters: the same in a letter each.
        scores: by name, how the scores of both are read.
        tests: what :func:`~qhu.report.comparison.gaps.tested_gaps` found.
        rankings: by scenario and metric.
        values: what :func:`~qhu.report.comparison.qubits.paired_values` found.
        lines: what :func:`~qhu.report.comparison.qubits.fitted` found.
        line_tests: what :func:`~qhu.report.comparison.qubits.tested_lines` found.
    """

    labels: tuple[str, str]
    letters: tuple[str, str]
    scores: dict[str, Score]
    tests: pd.DataFrame
    rankings: dict[tuple[str, str], Ranking]
    values: pd.DataFrame
    lines: dict[int, dict[str, Estimate]]
    line_tests: pd.DataFrame

    @property
    def methods(self) -> list[str]:
        """The methods compared, the honest rows first."""
        return in_order(method for method in self.tests["method"] if method != EVERY)

    def present(self, tests: pd.DataFrame) -> list[Score]:
        """The scores in some of the tests."""
        return [self.scores[name] for name in tests["metric"].unique()]

    def family(self) -> Iterator[tuple[Hashable, pd.DataFrame]]:
        """Every test that the page shows, by a name."""
        yield "shown", self.tests[self._shown()]
        yield "lines", self.line_tests
        for key, ranking in self.rankings.items():
            yield key, ranking.orders

    def _shown(self) -> pd.Series:
        """Gaps of the headline scores, and everything of those that are claimed."""
        shown = pd.Series(False, index=self.tests.index)
        for _, rows in self.tests.groupby("scenario", sort=False):
            scores = self.present(rows)
            in_table = rows["metric"].isin([score.name for score in headline(scores)])
            apart = rows["metric"].isin([score.name for score in claimed(scores)])
            shown[rows.index] = in_table & (rows["quantity"] == "gap") | apart
        return shown

    def with_verdicts(self, tests: Mapping[Hashable, pd.DataFrame]) -> "Findings":
        """The same with the tests of :meth:`family` judged; others have neither p nor verdict."""
        rankings = {
            key: ranking._replace(orders=tests[key]) for key, ranking in self.rankings.items()
        }
        shown = tests["shown"]
        table = self.tests.join(shown[["p_holm", "verdict", "smallest"]])
        ends = ["ci_low", "ci_high"]
        table.loc[shown.index, ends] = shown[ends]
        return replace(self, tests=table, rankings=rankings, line_tests=tests["lines"])


def find(sides: Sequence[Side]) -> list[Findings]:
    """Compare every other run with the first; what is claimed is corrected over all of them.

    Raises:
        UserError: the runs read a score in two ways.
    """
    comparisons = [_find(sides[0], side) for side in sides[1:]]
    family = {
        (number, key): table
        for number, findings in enumerate(comparisons)
        for key, table in findings.family()
    }
    judgements: list[dict[Hashable, pd.DataFrame]] = [{} for _ in comparisons]
    for (number, key), table in judged(family).items():
        judgements[number][key] = table
    pairs = zip(comparisons, judgements, strict=True)
    return [findings.with_verdicts(tables) for findings, tables in pairs]


def _find(reference: Side, run: Side) -> Findings:
    sides = (reference, run)
    scores = merged({side.label: side.run.scores for side in sides})
    tests = tested_gaps(gaps(reference.parts, run.parts))
    reach = tests["metric"].map({name: score.reach for name, score in scores.items()})
    tests = tests.assign(reach=reach.where(tests["quantity"] == "gap", np.inf))
    rankings = {}
    for scenario, rows in tests.groupby("scenario", sort=False):
        for score in claimed(scores[name] for name in rows["metric"].unique()):
            tables = [_scores(side, str(scenario), score.name) for side in sides]
            if ranking := rank(tables):
                rankings[str(scenario), score.name] = ranking
    values = paired_values(reference.predictions, run.predictions)
    labels, letters = (reference.label, run.label), (reference.letter, run.letter)
    line_tests = tested_lines(values)
    return Findings(labels, letters, scores, tests, rankings, values, fitted(values), line_tests)


def _scores(side: Side, scenario: str, metric: str) -> pd.DataFrame:
    results = side.run.results
    return results[(results["scenario"] == scenario) & (results["metric"] == metric)]
