"""Several methods protect members; a low value of the attack means better protection.

The paper reads the lowest values as the best protection. But an attack that scores a row below
chance tells it apart, too. So the second test asks whether a lower value of the confidence attack
goes with less leakage, \\|AUC − ½\\| of the declared attack, over the methods.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from qhu.claims.claim import ALIKE, PAIRS, Claim, Frames, Test, of_estimates
from qhu.claims.needs import LEAKS
from qhu.claims.resamples import estimates_of, resampled
from qhu.claims.values import methods_of
from qhu.report.statistics import Floats

SEVERAL = 3


def tests(frames: Frames) -> Iterator[Test]:
    """Per scenario: how many methods leak no more than the margin, and what the attack says."""
    leaks = frames[LEAKS]
    for scenario in ("subset", "class"):
        leakage = resampled(leaks, scenario, "leakage")
        methods, pairs = methods_of(leakage), int(leaks["pairs"].iloc[0])
        yield Test(
            test=f"{scenario}: AUC of the declared attack between unlearned and retrained models "
            "is about 0.5",
            parts=of_estimates(estimates_of(leakage[methods], pairs), 0.5),
            direction="within",
            unit=PAIRS,
            against=0.5,
            margin=ALIKE,
            needed=SEVERAL,
        )
        values = resampled(leaks, scenario, "confidence")[methods]
        orders = pd.DataFrame({"methods": spearman(values, (leakage[methods] - 0.5).abs())})
        yield Test(
            test=f"{scenario}: rank correlation over methods of the confidence attack's AUC and "
            "leakage is above 0",
            parts=of_estimates(estimates_of(orders, pairs)),
            direction="above",
            unit=PAIRS,
        )


def spearman(first: pd.DataFrame, second: pd.DataFrame) -> Floats:
    """Rank correlation of two tables row by row, ties counted half."""
    ranks = [rankdata(table.to_numpy(np.float64), axis=1) for table in (first, second)]
    a, b = (values - values.mean(axis=1, keepdims=True) for values in ranks)
    return np.asarray((a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1)))


CLAIM = Claim(
    "several methods have the lowest attack values, and so protect members better", (LEAKS,), tests
)
