"""Constrained methods beat unconstrained gradient ones in utility, forgetting and alignment."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from qhu.claims.claim import ACCURATE, ALIKE, Claim, Frames, Test, of_values
from qhu.claims.groups import constrained, free
from qhu.claims.needs import METHODS, TASK
from qhu.claims.values import by_method, methods_of, points
from qhu.report.statistics import Floats

ASPECTS = {
    "utility, test accuracy": ("acc_test", ACCURATE),
    "forgetting, closeness of the accuracy on forget rows to the oracle's": ("acc_forget", ALIKE),
    "alignment, agreement with the oracle on test rows": ("agree_test", ALIKE),
}


def tests(frames: Frames) -> Iterator[Test]:
    """The group's mean minus the other's: on Iris, and over four tasks."""
    for words, (metric, margin) in ASPECTS.items():
        for scenario in ("subset", "class"):
            lead = _lead(frames[METHODS], scenario, metric)
            yield _test(f"Iris, {scenario}: {words}", lead, margin)
        results = frames[TASK]
        tasks = [results[results["at"] == at] for at in points(results)]
        leads = [_lead(rows, "subset", metric) for rows in tasks]
        yield _test(f"four tasks, subset: {words}", np.concatenate(leads), margin)


def _test(words: str, lead: Floats, margin: float) -> Test:
    return Test(
        test=f"{words}: constrained methods minus free ascent is above 0",
        parts=of_values({"lead": lead}),
        direction="above",
        margin=margin,
    )


def _lead(results: pd.DataFrame, scenario: str, metric: str) -> Floats:
    table = by_method(results, scenario, metric)
    methods = methods_of(table)
    if metric == "acc_forget":  # the oracle's is the goal: more and less are both amiss
        table = -table.sub(table["retrain"], axis=0).abs()
    lead = table[constrained(methods)].mean(axis=1) - table[free(methods)].mean(axis=1)
    return lead.to_numpy(np.float64)


CLAIM = Claim(
    "constrained methods beat unconstrained gradient ones in utility, forgetting and alignment",
    (METHODS, TASK),
    tests,
)
