"""How a score changes along an axis: paired by seed, and said in two sentences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from qhu.record.scores import Score
from qhu.report.ablation.setup import Setup
from qhu.report.claims import REFERENCES, same_in_every_seed, signed, unseen
from qhu.report.statistics import MIN_SEEDS, Floats, estimate, mean_interval, tested, tested_apart
from qhu.report.styles import REFERENCE_METHODS, in_order
from qhu.settings.sweep import Sweep

NOTHING = "no difference"
MOST_POINTS_TOLD = 4
"""At more points than this only the first and the last are told: the table tells all."""


class Contrast(NamedTuple):
    """What is tested of the values along the axis.

    Attributes:
        name: what it is, a slope or a difference of two values.
        words: how a sentence begins that tells of it, with a place for ``value``.
        value: the one that is compared; empty for a slope.
        weights: (K,) of the values at the K points, with sum 0.
        paired: whether the points that count have the same rows of data, seed by seed.
    """

    name: str
    words: str
    value: str
    weights: Floats
    paired: bool = True


def contrasts(sweep: Sweep, setups: Mapping[str, Setup]) -> list[Contrast]:
    """What may be compared: values whose tasks have the same number of classes.

    Of an ordered axis the least-squares slope per step over each such group of values, else every
    value minus the reference.

    Args:
        sweep: the axis.
        setups: task and network by label.
    """
    points = [setups[label] for label in sweep.labels]
    chosen = _slopes(points) if sweep.ordered else _differences(sweep, points)
    return [
        contrast._replace(
            paired=len({points[k].rows for k in np.flatnonzero(contrast.weights)}) == 1
        )
        for contrast in chosen
    ]


def _slopes(points: Sequence[Setup]) -> list[Contrast]:
    groups = dict[int, list[int]]()
    for place, setup in enumerate(points):
        groups.setdefault(setup.classes, []).append(place)
    slopes = []
    for classes, places in groups.items():
        if len(places) > 1:
            steps = np.array(places) - np.mean(places)
            weights = np.zeros(len(points))
            weights[places] = steps / (steps**2).sum()
            among = "" if len(groups) == 1 else f" among those with {classes} classes"
            slopes.append(Contrast(f"per step{among}", f"per step{among}", "", weights))
    return slopes


def _differences(sweep: Sweep, points: Sequence[Setup]) -> list[Contrast]:
    reference = sweep.compared_with
    at, unit = sweep.labels.index(reference), np.eye(len(points))
    words = f"with {{}} instead of {reference}"
    return [
        Contrast(f"{label} − {reference}", words, label, unit[place] - unit[at])
        for place, label in enumerate(sweep.labels)
        if place != at and points[place].classes == points[at].classes
    ]


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
    if against not in values:
        return {}
    differences = {}
    for method in in_order(chosen["method"]):
        if method == "none" or method not in REFERENCE_METHODS:
            difference = (values[method] - values[against]).unstack("at")
            complete = difference.reindex(columns=list(labels)).dropna()
            if len(complete):
                differences[method] = complete.to_numpy(np.float64)
    return differences


def changes(differences: Mapping[str, Floats], chosen: Sequence[Contrast]) -> pd.DataFrame:
    """Every contrast of every method, tested against 0 over the seeds.

    Returns:
        ``contrast`` (its name), ``words``, ``value``, ``method`` and the columns of
        :func:`~qhu.report.statistics.tested`, to be judged with the rest of the page.
        Seeds of values with other rows of data are independent samples, and tested as such.
    """
    rows = []
    for contrast in chosen:
        for method, values in differences.items():
            # From one of the points on: what does not change at all is then exactly 0.
            from_first = values - values[:, [np.flatnonzero(contrast.weights)[0]]]
            moved = pd.DataFrame([from_first @ contrast.weights])
            table = tested(moved) if contrast.paired else tested_apart(values, contrast.weights)
            about = {"contrast": contrast.name, "words": contrast.words, "value": contrast.value}
            rows.append(table.assign(**about, method=method))
    if not rows:
        return tested(pd.DataFrame()).assign(contrast=[], words=[], value=[], method=[])
    return pd.concat(rows, ignore_index=True)


def sentences(
    score: Score,
    axis: str,
    labels: Sequence[str],
    differences: Mapping[str, Floats],
    judged: pd.DataFrame,
) -> list[str]:
    """The reading: one sentence about the untouched teacher, one about the methods.

    Args:
        score: what was tested.
        axis: the axis in words.
        labels: the points.
        differences: what :func:`excess` found.
        judged: what :func:`changes` found, judged with the rest of the page.
    """
    seeds = max((len(values) for values in differences.values()), default=0)
    if seeds < 2:
        return ["One seed has no interval: these numbers support no conclusion."]
    reading = []
    if "none" in differences:
        untouched = judged[judged["method"] == "none"]
        reading.append(_untouched(score, axis, labels, differences["none"], untouched))
    if seeds < MIN_SEEDS:
        few = f"With {seeds} seeds no change is claimed; claims need {MIN_SEEDS} or more."
        return [*reading, few]
    tried = judged[judged["method"] != "none"]
    if len(tried):
        by_contrast = tried.groupby(["words", "value"], sort=False)
        clauses = "; ".join(_merged((*which, _outcome(rows)) for which, rows in by_contrast))
        reading.append(f"{clauses[0].upper()}{clauses[1:]}{unseen(tried)}.")
    return reading


def _untouched(
    score: Score, axis: str, labels: Sequence[str], values: Floats, judged: pd.DataFrame
) -> str:
    """The first and the last value, all of them where they are few, and how they change."""
    against = REFERENCES[score.reference]
    subject = f"The untouched teacher's {score.title}, minus {against}'s, is"
    span = (-score.reach, score.reach)
    estimates = {k: mean_interval(of, span) for k, of in zip(labels, values.T, strict=True)}
    if (values == values[:, :1]).all():
        return (
            f"{subject} {signed(estimates[labels[0]])} whatever the {axis} ({len(values)} seeds)."
        )
    shown = labels if len(labels) <= MOST_POINTS_TOLD else (labels[0], labels[-1])
    points = [f"{signed(estimates[label])} at {label}" for label in shown]
    tested = judged[judged["verdict"] != "few seeds"]
    several = (tested["verdict"] == "not shown").sum() > 1  # the table has their numbers
    moves = _merged(
        (row["words"], row["value"], f"it {_move(row, not several)}")
        for row in tested.to_dict("records")
    )
    course = "; ".join([f"{', '.join(points)} ({axis})", *moves])
    return f"{subject} {course}{unseen(tested)} ({len(values)} seeds)."


def _merged(clauses: Iterable[tuple[Any, ...]]) -> list[str]:
    """Contrasts with the same outcome as one clause: (words, value, outcome) each."""
    groups = dict[tuple[str, str], list[str]]()
    for words, value, outcome in clauses:
        groups.setdefault((words, outcome), []).append(value)
    return [
        f"{words.format(_either(values))} {outcome}" for (words, outcome), values in groups.items()
    ]


def _either(values: Sequence[str]) -> str:
    *first, last = values
    return f"{', '.join(first)} or {last}" if first else last


def _outcome(judged: pd.DataFrame) -> str:
    """Which methods a contrast moves, and which not."""
    outcomes = [
        f"{row['method']} {_move(row)}"
        for row in judged.to_dict("records")
        if row["verdict"] in ("above", "below", "same")
    ]
    reasons = {"not shown": "", "few seeds": f" (fewer than {MIN_SEEDS} seeds)"}
    for verdict, reason in reasons.items():
        names = judged.loc[judged["verdict"] == verdict, "method"].tolist()
        if names:
            verb = "show" if len(names) > 1 else "shows"
            outcomes.append(f"{', '.join(names)} {verb} {NOTHING}{reason}")
    return ", ".join(outcomes)


def _move(row: Mapping[Any, Any], numbers: bool = True) -> str:
    """What is known of a change: only a corrected test makes it rise or fall."""
    if row["verdict"] == "not shown" and not numbers:
        return f"shows {NOTHING}"
    if row["verdict"] == "same":
        return f"changes by {same_in_every_seed(estimate(row))}"
    verb = {"above": "rises", "below": "falls"}.get(row["verdict"], f"shows {NOTHING}")
    return f"{verb} ({signed(estimate(row))})"
