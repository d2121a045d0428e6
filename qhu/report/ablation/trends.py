"""How a score changes along an axis: paired by seed, and said in two sentences."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from qhu.record.scores import Score
from qhu.report.run.reading import REFERENCES
from qhu.report.statistics import Estimate, Floats, mean_interval, simultaneous
from qhu.report.styles import HONEST, in_order
from qhu.report.tables import interval, number

NOTHING = "no difference beyond the interval"
FEW = 4
"""At more points than this only the first and the last are told: the table tells all."""


class Contrast(NamedTuple):
    """What is tested of the values along the axis.

    Attributes:
        name: what it is, a slope or a difference of two values.
        words: how a sentence begins that tells of it.
        weights: (K,) of the values at the K points, with sum 0.
    """

    name: str
    words: str
    weights: Floats


class Change(NamedTuple):
    """A method's contrast, with an interval that holds for all of them at once."""

    method: str
    contrast: Contrast
    estimate: Estimate

    @property
    def sign(self) -> int:
        """1 or −1 where the interval lies above or below 0, else 0; 0 for a single seed."""
        return int(self.estimate.low > 0) - int(self.estimate.high < 0)


def contrasts(labels: Sequence[str], ordered: bool) -> list[Contrast]:
    """The least-squares slope per step of an ordered axis; else every value minus the last."""
    points, last = len(labels), labels[-1]
    if ordered:
        steps = np.arange(points) - (points - 1) / 2
        return [Contrast("per step", "per step", steps / (steps**2).sum())]
    differences = np.eye(points)[:-1] - np.eye(points)[-1]
    pairs = zip(labels[:-1], differences, strict=True)
    return [Contrast(f"{one} − {last}", f"with {one} instead of {last}", w) for one, w in pairs]


def excess(results: pd.DataFrame, score: Score, labels: Sequence[str]) -> dict[str, Floats]:
    """A score minus that of the row it is read against, at the same point and seed.

    Args:
        results: rows of ``results.csv`` of one dataset and scenario, with the point as ``at``.
        score: the score; some row of the run is its goal.
        labels: the K points.

    Returns:
        Per method, ``none`` first, (seeds, K) differences; seeds that lack a point are left out.
    """
    chosen = results[results["metric"] == score.name]
    values = chosen.pivot(index=["seed", "at"], columns="method", values="value")
    against = score.reference
    found = {}
    for method in in_order(chosen["method"]) if against in values else ():
        if method == "none" or method not in HONEST:
            difference = (values[method] - values[against]).unstack("at")
            complete = difference.reindex(columns=list(labels)).dropna()
            if len(complete):
                found[method] = complete.to_numpy(np.float64)
    return found


def changes(differences: Mapping[str, Floats], chosen: Sequence[Contrast]) -> list[Change]:
    """Every contrast of every method, with simultaneous 95 % intervals."""
    count = len(differences) * len(chosen)
    found = []
    for contrast in chosen:
        for method, values in differences.items():
            # From the first point on: what does not change at all is then exactly 0.
            moved = (values - values[:, :1]) @ contrast.weights
            found.append(Change(method, contrast, simultaneous(mean_interval(moved), count)))
    return found


def sentences(
    score: Score,
    axis: str,
    labels: Sequence[str],
    differences: Mapping[str, Floats],
    tested: Sequence[Change],
) -> list[str]:
    """The reading: one sentence about the untouched teacher, one about the methods.

    Args:
        score: what was tested.
        axis: the axis in words.
        labels: the points.
        differences: what :func:`excess` found.
        tested: what :func:`changes` found.
    """
    seeds = max((len(values) for values in differences.values()), default=0)
    if seeds < 2:
        return ["One seed has no interval: these numbers support no conclusion."]
    told = []
    if "none" in differences:
        untouched = [one for one in tested if one.method == "none"]
        told.append(_untouched(score, axis, labels, differences["none"], untouched))
    if tried := [one for one in tested if one.method != "none"]:
        groups = [
            [one for one in tried if one.contrast.words == words]
            for words in dict.fromkeys(one.contrast.words for one in tried)
        ]
        clauses = "; ".join(map(_clause, groups))
        told.append(f"{clauses[0].upper()}{clauses[1:]}.")
    return told


def _untouched(
    score: Score, axis: str, labels: Sequence[str], values: Floats, tested: Sequence[Change]
) -> str:
    """The first and the last value, all of them where they are few, and how they change."""
    against = REFERENCES[score.reference]
    subject = f"The untouched teacher's {score.title}, minus {against}'s, is"
    estimates = dict(zip(labels, map(mean_interval, values.T), strict=True))
    if (values == values[:, :1]).all():
        return (
            f"{subject} {_signed(estimates[labels[0]])} whatever the {axis} ({len(values)} seeds)."
        )
    shown = labels if len(labels) <= FEW else (labels[0], labels[-1])
    points = [f"{_signed(estimates[label])} at {label}" for label in shown]
    moves = [f"{one.contrast.words} it {_move(one)}" for one in tested]
    said = "; ".join([f"{', '.join(points)} ({axis})", *moves])
    return f"{subject} {said} ({len(values)} seeds)."


def _clause(tested: Sequence[Change]) -> str:
    """Which methods a contrast moves, and which not."""
    moved = [f"{one.method} {_move(one)}" for one in tested if one.sign]
    rest = [one.method for one in tested if not one.sign]
    moved += [f"{', '.join(rest)} {'show' if len(rest) > 1 else 'shows'} {NOTHING}"] if rest else []
    return f"{tested[0].contrast.words} {', '.join(moved)}"


def _move(one: Change) -> str:
    verb = {1: "rises", -1: "falls", 0: f"shows {NOTHING}"}[one.sign]
    return f"{verb} ({_signed(one.estimate)})"


def _signed(value: Estimate) -> str:
    return f"{number(value.mean, True)} {interval(value, True)}"
