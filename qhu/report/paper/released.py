"""Released figures of arXiv 2512.19253, each beside the same figure over seeds."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from qhu.record.released import COLUMNS, SAME, SETS, SHUFFLED
from qhu.record.scores import Score, Span
from qhu.report.statistics import (
    Estimate,
    Floats,
    mean_interval,
    prediction_interval,
    tested_prediction,
)

COUNTERPARTS = {
    "none": "none",
    "retrain": "retrain",
    "GA": "gradient_ascent",
    "Fisher": "fisher_forgetting",
    "NegGradPlus": "neggrad_plus",
    "CF-k1": "cf_k",
    "EU-k1": "eu_k",
    "SCRUB": "scrub",
    "SCRUB(+R)": "scrub_rewind",
    "Certified": "noisy_finetune",
    "Q-MUL": "qmul",
    "LCA": "lca",
    "ADV-UNIFORM": "adv_uniform",
}
"""Released row to our protocol's method: that of the name, as its authors define it."""
SCENARIOS = {"subset2pct": "subset", "fullclass": "class"}
"""Released scenario to ours."""
ROUNDING = 1e-6
"""Released figures are float32 sums: nothing smaller is a difference."""

T = TypeVar("T")


class Figure(NamedTuple):
    """A figure; None where the release or a protocol has none.

    Attributes:
        prediction: where one more run under their protocol falls with 95 % probability.
        test: of whether the released figure is such a run, with the columns of
            :func:`~qhu.report.statistics.tested` or, on the page, ``judged``.
    """

    dataset: str
    scenario: str
    method: str
    column: str
    released: float | None
    theirs: Estimate | None
    prediction: tuple[float, float] | None
    ours: Estimate | None
    test: Mapping[Any, Any] | None = None

    @property
    def same(self) -> bool:
        """Whether every run under their protocol gives the same."""
        return self.test is not None and bool(self.test["same"])

    @property
    def stands_out(self) -> bool:
        """Whether the page may claim that no run under their protocol gives the released figure."""
        return self.test is not None and self.test["verdict"] in ("above", "below")

    @property
    def outside(self) -> bool:
        """Whether the released figure lies where a run under their protocol seldom falls."""
        if self.released is None or self.prediction is None:
            return False
        low, high = self.prediction
        return bool(self.released < low - ROUNDING or self.released > high + ROUNDING)

    def flat(self) -> dict[str, Any]:
        """One row of ``paper.csv``."""
        nothing = float("nan")
        low, high = self.prediction or (nothing, nothing)
        row: dict[str, Any] = dict(zip(self._fields[:5], self[:5], strict=True))
        for name, value in (("theirs", self.theirs), ("ours", self.ours)):
            value = value or Estimate(nothing, nothing, nothing, 0)
            row |= {f"{name}_{key}": part for key, part in value._asdict().items()}
        return row | {"one_run_low": low, "one_run_high": high, "outside": self.outside}


def compare(
    dataset: str,
    published: pd.DataFrame,
    theirs: pd.DataFrame,
    ours: pd.DataFrame,
    scores: Mapping[str, Score],
) -> list[Figure]:
    """Every released column of every method, teacher and oracle first.

    Under their protocol a column is what the release computes, rows paired at random; under ours
    it is the score of qhu that is meant by it, such as the attack with true non-members.

    Args:
        dataset: its name.
        published: the released result table.
        theirs: ``results.csv`` under their protocol, which has the released names.
        ours: ``results.csv`` under our protocol.
        scores: by name, how the scores of both are read.
    """
    relative = {name for name, score in scores.items() if score.relative}
    released, first, second = _released(published), _scores(theirs), _scores(ours)
    figures = []
    for scenario, own in SCENARIOS.items():
        for method, counterpart in COUNTERPARTS.items():
            for column in COLUMNS:
                if method == "retrain" and column in relative:
                    continue
                their_name, our_name = SHUFFLED.get(column, column), SAME.get(column, column)
                their_values = first.get((scenario, method, their_name))
                our_values = second.get((own, counterpart, our_name))
                published_value = released.get((scenario, method, column))
                figure = Figure(
                    *(dataset, scenario, method, column),
                    released=published_value,
                    theirs=_interval(mean_interval, their_values, scores.get(their_name)),
                    prediction=_interval(prediction_interval, their_values, scores.get(their_name)),
                    ours=_interval(mean_interval, our_values, scores.get(our_name)),
                    test=_test(their_values, published_value),
                )
                if figure[4:8] != (None, None, None, None):
                    figures.append(figure)
    return figures


def _interval(
    interval: Callable[[Floats, Span], T], values: Floats | None, score: Score | None
) -> T | None:
    """An interval of a score's values over the seeds; None where there are none."""
    return None if values is None or score is None else interval(values, score.span)


def _test(theirs: Floats | None, figure: float | None) -> Mapping[str, Any] | None:
    return None if theirs is None or figure is None else tested_prediction(theirs, figure)


def _scores(results: pd.DataFrame) -> dict[tuple[str, str, str], Floats]:
    """Scenario, method and score to its values over the seeds."""
    groups = results.groupby(["scenario", "method", "metric"], sort=False)["value"]
    return {
        (str(scenario), str(method), str(metric)): values.to_numpy(np.float64)
        for (scenario, method, metric), values in groups
    }


def _released(table: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    """Scenario, method and column to the figure; every line holds the teacher's accuracies, too."""
    figures: dict[tuple[str, str, str], float] = {}
    for line in table.to_dict("records"):
        scenario, method = str(line["scenario"]), str(line["method"])
        figures |= {(scenario, method, column): line[column] for column in COLUMNS}
        for rows in SETS:
            teacher = line[f"acc_{rows}_orig"]
            figures[scenario, "none", f"acc_{rows}_unlearn"] = teacher
    return {key: float(value) for key, value in figures.items() if not np.isnan(value)}
