"""How the expectation value of each qubit changes from one run to another."""

import re
from typing import Any

import numpy as np
import pandas as pd

from qhu.report.comparison.gaps import RESOLUTION
from qhu.report.statistics import Estimate, mean_interval, tested

ROW = ["scenario", "method", "seed", "subset", "row"]
POINTS = 300
NO_LINES = pd.MultiIndex.from_arrays([[], []], names=["qubit", "seed"])


def paired_values(reference: pd.DataFrame, run: pd.DataFrame) -> pd.DataFrame:
    """Expectation values of the same qubit, model and row in two runs.

    Args:
        reference: rows of ``predictions.parquet``.
        run: the same of the other run.

    Returns:
        ``qubit, seed, reference, run``: one row per qubit, model and row.
    """
    names = [name for name in reference.columns if re.fullmatch(r"z\d+", name)]
    both = reference.merge(run, on=ROW, suffixes=("_reference", "_run"))
    frames = [
        pd.DataFrame(
            {
                "qubit": int(name[1:]),
                "seed": both["seed"],
                "reference": both[f"{name}_reference"],
                "run": both[f"{name}_run"],
            }
        )
        for name in names
    ]
    return pd.concat(frames, ignore_index=True)


def fitted(values: pd.DataFrame) -> dict[int, dict[str, Estimate]]:
    """Least-squares lines ``run = offset + slope · reference``, one per qubit and seed.

    Args:
        values: what :func:`paired_values` found.

    Returns:
        Per qubit ``slope``, ``offset`` and ``scatter`` (root mean square distance of the values
        from the line), means over the seeds with their intervals. Qubits whose values do not vary
        are left out.
    """
    lines: dict[Any, pd.DataFrame] = dict(list(_lines(values).groupby(level="qubit")))
    return {
        qubit: {str(name): mean_interval(seeds.to_numpy()) for name, seeds in by_seed.items()}
        for qubit, by_seed in lines.items()
    }


def tested_lines(values: pd.DataFrame) -> pd.DataFrame:
    """Slopes tested against 1 and offsets against 0; arguments as of :func:`fitted`.

    Returns:
        ``quantity, qubit`` and the columns of :func:`~qhu.report.statistics.tested`, means of
        slopes less 1, to be judged with the rest of the page.
    """
    lines = _lines(values)[["slope", "offset"]] - [1, 0]
    tidy = lines.melt(ignore_index=False, var_name="quantity").reset_index()
    by_seed = tidy.pivot(index=["quantity", "qubit"], columns="seed", values="value")
    return tested(by_seed, RESOLUTION).reset_index()


def _lines(values: pd.DataFrame) -> pd.DataFrame:
    """``slope, offset, scatter`` by ``qubit`` and ``seed``."""
    lines: dict[Any, tuple[float, float, float]] = {}
    for key, rows in values.groupby(["qubit", "seed"]):
        x, y = rows["reference"].to_numpy(), rows["run"].to_numpy()
        if np.ptp(x) > 0:
            slope, offset = np.polyfit(x, y, 1)
            lines[key] = (slope, offset, np.sqrt(np.mean((y - slope * x - offset) ** 2)))
    index = pd.MultiIndex.from_tuples(list(lines), names=["qubit", "seed"]) if lines else NO_LINES
    columns = ["slope", "offset", "scatter"]
    return pd.DataFrame(list(lines.values()), index=index, columns=columns)


def thinned(values: pd.DataFrame) -> pd.DataFrame:
    """Up to :data:`POINTS` values of every qubit, evenly spread over the rows."""
    every = np.ceil(values.groupby("qubit")["run"].transform("size") / POINTS)
    return values[values.groupby("qubit").cumcount() % every == 0]
