"""How the expectation value of each qubit changes from one run to another."""

import re
from typing import Any

import numpy as np
import pandas as pd

from qhu.report.statistics import Estimate, mean_interval

ROW = ["scenario", "method", "seed", "subset", "row"]
POINTS = 300


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
    lines: dict[Any, list[tuple[float, float, float]]] = {}
    for (qubit, _), rows in values.groupby(["qubit", "seed"]):
        x, y = rows["reference"].to_numpy(), rows["run"].to_numpy()
        if np.ptp(x) > 0:
            slope, offset = np.polyfit(x, y, 1)
            scatter = np.sqrt(np.mean((y - slope * x - offset) ** 2))
            lines.setdefault(qubit, []).append((slope, offset, scatter))
    names = ("slope", "offset", "scatter")
    return {
        qubit: dict(zip(names, map(mean_interval, np.array(found).T), strict=True))
        for qubit, found in lines.items()
    }


def thinned(values: pd.DataFrame) -> pd.DataFrame:
    """Up to :data:`POINTS` values of every qubit, evenly spread over the rows."""
    every = np.ceil(values.groupby("qubit")["run"].transform("size") / POINTS)
    return values[values.groupby("qubit").cumcount() % every == 0]
