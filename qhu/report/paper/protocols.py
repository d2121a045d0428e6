"""What changes when the protocol is right, counted in tests that are the same under both."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from qhu.record.released import DERIVED
from qhu.record.scores import Score
from qhu.report.paper.released import SCENARIOS, Figure
from qhu.report.run.reading import compared, topic
from qhu.report.statistics import Estimate, mean_interval, simultaneous
from qhu.report.styles import HONEST
from qhu.report.tables import Compared

PROTOCOLS = ("theirs", "ours")


class Outcome(NamedTuple):
    """How many methods lie below, above, or not apart from the row a score is compared with."""

    dataset: str
    scenario: str
    protocol: str
    compared: Compared
    below: int
    above: int
    neither: int


def outcomes(
    dataset: str, theirs: pd.DataFrame, ours: pd.DataFrame, scores: Mapping[str, Score]
) -> list[Outcome]:
    """What the claimed scores of every scenario show.

    Args:
        dataset: its name.
        theirs: ``results.csv`` under the released protocol.
        ours: ``results.csv`` under our protocol.
        scores: by name, how the scores of both are read.
    """
    found = []
    for released, own in SCENARIOS.items():
        for protocol, results, name in zip(PROTOCOLS, (theirs, ours), (released, own), strict=True):
            rows = results[results["scenario"] == name]
            for one in compared(scores[name] for name in rows["metric"].unique()):
                signs = [
                    int(value.low > 0) - int(value.high < 0)
                    for value in differences(rows, one).values()
                ]
                if signs:
                    counts = [signs.count(sign) for sign in (-1, 1, 0)]
                    found.append(Outcome(dataset, released, protocol, one, *counts))
    return found


def differences(results: pd.DataFrame, comparison: Compared) -> dict[str, Estimate]:
    """Per method the difference to the reference, paired by seed; the intervals hold at once.

    Args:
        results: rows of ``results.csv`` of one dataset and scenario.
        comparison: what is compared with what.
    """
    chosen = results[results["metric"] == comparison.metric]
    values = chosen.pivot(index="seed", columns="method", values="value")
    methods = [name for name in chosen["method"].unique() if name not in HONEST]
    found = {}
    for method in methods if comparison.reference in values else ():
        difference = (values[method] - values[comparison.reference]).dropna().to_numpy(np.float64)
        if len(difference):
            found[method] = simultaneous(mean_interval(difference), len(methods))
    return found


def statements(figures: Sequence[Figure], found: Sequence[Outcome]) -> list[tuple[str, str]]:
    """The summary, topic and text: what is reproduced, then every comparison over everything."""
    told = [("Reproduced:", _reproduced(figures))]
    for comparison in dict.fromkeys(one.compared for one in found):
        asked = [one for one in found if one.compared == comparison]
        parts = {p: [one for one in asked if one.protocol == p] for p in PROTOCOLS}
        if all(parts.values()):
            first, second = (counted(comparison, parts[protocol]) for protocol in PROTOCOLS)
            text = f"under their protocol, {first}. Under ours, {second}."
            told.append((f"{topic(comparison)}:", text))
    return told


def _reproduced(figures: Sequence[Figure]) -> str:
    """How many released figures one run under their protocol may give."""
    own = [one for one in figures if one.column not in DERIVED]
    known = [one for one in own if one.released is not None and one.prediction is not None]
    known = [one for one in known if not any(map(math.isnan, one.prediction or ()))]
    if not known:
        return "unknown, one seed has no interval."
    inside = sum(not one.outside for one in known)
    return (
        f"{inside} of {len(known)} released figures ({inside / len(known):.0%}) lie where one run "
        "under their protocol falls with 95 % probability. Columns that follow from others are not "
        "counted; figures of one model go together all the same."
    )


def counted(comparison: Compared, found: Sequence[Outcome]) -> str:
    """How many methods the comparison sets apart, summed over ``found``."""
    total = sum(one.below + one.above + one.neither for one in found)
    below, above = sum(one.below for one in found), sum(one.above for one in found)
    score = comparison.score
    return (
        f"of {total} methods {below} are {score.below}; {above} are {score.above}; "
        f"{total - below - above} show no difference"
    )
