"""The values of a device or of noise beside the exact ones of the same models and rows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from qhu.record.scores import Score
from qhu.report.choice import claimed
from qhu.report.run_tests import scores_in
from qhu.report.statistics import RESOLUTION, judged, mean_interval, tested
from qhu.report.styles import in_order
from qhu.report.svg import marker
from qhu.report.tables import Table, TableCell, TableRow, column, difference


class Paired(NamedTuple):
    """A score on two backends, values by method (rows) and seed (columns), and what differs."""

    score: Score
    own: pd.DataFrame
    exact: pd.DataFrame
    tests: pd.DataFrame


def beside_tables(results: pd.DataFrame, scores: Mapping[str, Score]) -> dict[str, Table]:
    """One table per scenario that was evaluated on two backends; empty where there is one.

    Whether values differ from exact ones is a question of its own: its tests are corrected
    together, over all tables, and take no power from those of methods.

    Args:
        results: tidy rows of one run; the first backend is the one asked for.
        scores: by name, how the scores in them are read.

    Returns:
        By scenario: per claimed score a column for each backend, and their difference paired by
        seed.
    """
    backends = results["backend"].unique().tolist()
    if len(backends) != 2:
        return {}
    pairs = {
        (str(scenario), score.name): _paired(rows, score, backends)
        for scenario, rows in results.groupby("scenario", sort=False)
        for score in claimed(scores_in(rows, scores))
    }
    tests = judged({key: pair.tests for key, pair in pairs.items()})
    judged_pairs = {key: pair._replace(tests=tests[key]) for key, pair in pairs.items()}
    return {
        str(scenario): _table(
            rows, [pair for (own, _), pair in judged_pairs.items() if own == scenario], backends
        )
        for scenario, rows in results.groupby("scenario", sort=False)
    }


def _paired(rows: pd.DataFrame, score: Score, backends: Sequence[str]) -> Paired:
    chosen = rows[rows["metric"] == score.name]
    wide = chosen.pivot(index=["method", "seed"], columns="backend", values="value").dropna()
    own, exact = (wide[backend].unstack("seed") for backend in backends)
    return Paired(score, own, exact, tested(own - exact, RESOLUTION, score.reach))


def _table(rows: pd.DataFrame, pairs: Sequence[Paired], backends: Sequence[str]) -> Table:
    columns = []
    for score, *_ in pairs:
        head = column(score, rows)
        names = [*(f"{score.name} on {name}" for name in backends), f"{score.name}: difference"]
        columns += [head._replace(metric=name) for name in names]
    lines = []
    for method in in_order(rows["method"]):
        cells = [cell for pair in pairs for cell in _cells(method, pair)]
        seeds = rows.loc[rows["method"] == method, "seed"].nunique()
        lines.append(TableRow(method, marker(method), str(seeds), cells))
    return Table(columns, lines)


def _cells(method: str, pair: Paired) -> list[TableCell]:
    score, own, exact, tests = pair
    if method not in own.index or (method == "retrain" and score.relative):
        return [TableCell(), TableCell(), TableCell()]
    of_method = (values.loc[[method]].to_numpy(float) for values in (own, exact))
    shown = [mean_interval(values[np.isfinite(values)], score.span) for values in of_method]
    return [*(TableCell(value, score.signed) for value in shown), difference(tests, method)]
