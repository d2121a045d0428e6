"""Every test that the page of a run makes, judged together; other pages judge runs by the same."""

from collections.abc import Mapping

import pandas as pd

from qhu.record.scores import Score
from qhu.report.claims import comparisons
from qhu.report.frames import asked_for
from qhu.report.statistics import judged
from qhu.report.tables import Compared

KEYS = ["dataset", "scenario", "backend"]
Key = tuple[str, str, str]
Tests = Mapping[Compared, pd.DataFrame]
"""Judged tests of one dataset, scenario and backend."""


def page_tests(results: pd.DataFrame, scores: Mapping[str, Score]) -> dict[Key, Tests]:
    """Everything that a page claims, corrected together: by dataset, scenario and backend."""
    family = {
        key: comparisons(rows, scores_in(rows, scores)) for key, rows in by_section(results).items()
    }
    tests = judged(
        {
            (key, comparison): table
            for key, tables in family.items()
            for comparison, table in tables.items()
        }
    )
    return {
        key: {comparison: table for (where, comparison), table in tests.items() if where == key}
        for key in family
    }


def by_section(table: pd.DataFrame) -> dict[Key, pd.DataFrame]:
    """The rows of each dataset and scenario on the backend asked for, in the order of the table."""
    groups = asked_for(table).groupby(KEYS, sort=False)
    return {(str(key[0]), str(key[1]), str(key[2])): rows for key, rows in groups}


def scores_in(results: pd.DataFrame, scores: Mapping[str, Score]) -> list[Score]:
    """The scores that results hold, in their order."""
    return [scores[name] for name in results["metric"].unique()]
