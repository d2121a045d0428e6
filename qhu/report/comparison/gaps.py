"""The gap between two runs of the same models, and what makes it, seed by seed.

A run's score is the exact one plus what each part of its noise adds:

    recorded = exact + gate noise + readout error + shot noise + drift

The first three are differences of re-evaluations, in which one more part of the recorded
calibration acts each time; drift is what remains. So the parts of a run, and the differences of the
parts of two runs, add up to the gap whatever the calibration says.
"""

import pandas as pd

from qhu.report.statistics import RESOLUTION as RESOLUTION
from qhu.report.statistics import tested
from qhu.report.styles import REFERENCE_METHODS

CELL = ["scenario", "method", "seed", "metric"]
STEPS = ["exact", "gate_noise", "readout_error", "shot_noise"]
"""Scores of the stored models: without noise, then each with one more part of it."""
PARTS = [*STEPS[1:], "drift"]
QUANTITIES = ["gap", *STEPS[1:], "modelled", "drift"]
"""``modelled`` is the sum of what the calibration explains: the gap without drift."""
EVERY = "all methods"
"""The mean over the methods, the honest rows left out, in a method's place."""


def decompose(results: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    """What the noise of a run adds to every score.

    Args:
        results: rows with the columns of ``results.csv``.
        steps: the columns :data:`CELL` and :data:`STEPS`.

    Returns:
        The columns :data:`PARTS` under the index :data:`CELL`, where all of them are defined.
    """
    scores = steps.set_index(CELL).join(results.set_index(CELL)["value"], how="inner").dropna()
    parts = scores[[*STEPS, "value"]].diff(axis=1).drop(columns="exact")
    return parts.set_axis(PARTS, axis=1)


def gaps(reference: pd.DataFrame, run: pd.DataFrame) -> pd.DataFrame:
    """Score of the run minus that of the reference, and its parts, paired.

    Args:
        reference: what :func:`decompose` found for the run to compare with.
        run: the same for the run.

    Returns:
        The columns :data:`QUANTITIES` under the index :data:`CELL`, where both runs have a score.
    """
    of_run, of_reference = run.align(reference, join="inner", axis=0)
    differences = of_run - of_reference
    modelled = differences[STEPS[1:]].sum(axis=1)
    return differences.assign(modelled=modelled, gap=modelled + differences["drift"])[QUANTITIES]


def tested_gaps(differences: pd.DataFrame) -> pd.DataFrame:
    """Means over the seeds with their intervals, tested against 0.

    Args:
        differences: what :func:`gaps` gives.

    Returns:
        ``scenario, metric, quantity, method`` and the columns of
        :func:`~qhu.report.statistics.tested`, to be judged with the rest of the page. Rows of
        :data:`EVERY` are means over the methods.
    """
    return pd.concat([_tested(differences), _tested(_over_methods(differences))], ignore_index=True)


def _tested(differences: pd.DataFrame) -> pd.DataFrame:
    keys = ["scenario", "metric", "quantity", "method"]
    tidy = differences.melt(ignore_index=False, var_name="quantity").reset_index()
    order = {key: list(tidy[key].unique()) for key in keys}
    by_seed = tidy.pivot(index=keys, columns="seed", values="value")
    table = tested(by_seed, RESOLUTION).reset_index()
    return table.sort_values(keys, key=lambda names: names.map(order[str(names.name)].index))


def _over_methods(differences: pd.DataFrame) -> pd.DataFrame:
    """Means over the methods, of the seeds that have them all."""
    honest = differences.index.get_level_values("method").isin(REFERENCE_METHODS)
    tried = differences[~honest]
    groups = tried.groupby(["scenario", "seed", "metric"], sort=False)
    count = groups.size()
    complete = count == count.groupby(["scenario", "metric"]).transform("max")
    means = groups.mean()[complete].assign(method=EVERY)
    return means.set_index("method", append=True).reorder_levels(CELL)
