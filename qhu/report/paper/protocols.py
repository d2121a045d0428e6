"""What changes when the protocol is right, counted in tests that are the same under both."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from qhu.record.released import DERIVED
from qhu.record.scores import Score
from qhu.report.claims import comparisons, topic
from qhu.report.paper.released import SCENARIOS, Figure
from qhu.report.statistics import judged
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.tables import Compared

PROTOCOLS = ("theirs", "ours")


class Asked(NamedTuple):
    """A comparison of all methods of a dataset and released scenario under a protocol."""

    dataset: str
    scenario: str
    protocol: str
    compared: Compared


class Outcome(NamedTuple):
    """How many methods lie below, above, or not apart from the row a score is compared with."""

    asked: Asked
    below: int
    above: int
    neither: int


def tests(
    dataset: str, theirs: pd.DataFrame, ours: pd.DataFrame, scores: Mapping[str, Score]
) -> dict[Asked, pd.DataFrame]:
    """Per comparison the methods' differences to its row, paired by seed, to be judged.

    Args:
        dataset: its name.
        theirs: ``results.csv`` under the released protocol.
        ours: ``results.csv`` under our protocol.
        scores: by name, how the scores of both are read.
    """
    found = {}
    for released, own in SCENARIOS.items():
        for protocol, results, name in zip(PROTOCOLS, (theirs, ours), (released, own), strict=True):
            rows = results[results["scenario"] == name]
            scenario = [scores[metric] for metric in rows["metric"].unique()]
            for one, table in comparisons(rows, scenario).items():
                methods = table[~table["method"].isin(REFERENCE_METHODS)]
                if len(methods):
                    found[Asked(dataset, released, protocol, one)] = methods
    return found


def judge(
    figures: Sequence[Figure], asked: Mapping[Asked, pd.DataFrame]
) -> tuple[list[Figure], list[Outcome]]:
    """What the page may claim of released figures and of methods, corrected all together."""
    known = [one for one in figures if one.test is not None]
    together = {None: pd.DataFrame([one.test for one in known])} if known else {}
    family = judged({**together, **asked})
    rows = iter(family.pop(None).to_dict("records") if known else ())
    figures = [one if one.test is None else one._replace(test=next(rows)) for one in figures]
    return figures, [_outcome(key, table) for key, table in family.items() if key is not None]


def _outcome(asked: Asked, table: pd.DataFrame) -> Outcome:
    below, above = (int((table["verdict"] == one).sum()) for one in ("below", "above"))
    return Outcome(asked, below, above, len(table) - below - above)


def statements(figures: Sequence[Figure], found: Sequence[Outcome]) -> list[tuple[str, str]]:
    """The summary, topic and text: what is reproduced, then every comparison over everything."""
    told = [("Reproduced:", _reproduced(figures))]
    for comparison in dict.fromkeys(one.asked.compared for one in found):
        outcomes = [one for one in found if one.asked.compared == comparison]
        parts = {p: [one for one in outcomes if one.asked.protocol == p] for p in PROTOCOLS}
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
    inside, same = sum(not one.outside for one in known), [one for one in known if one.same]
    equal = f"{sum(not one.outside for one in same)} of {len(same)}"
    return (
        f"{inside} of {len(known)} released figures ({inside / len(known):.0%}) lie where one run "
        "under their protocol falls with 95 % probability. Columns that follow from others are not "
        "counted; figures of one model go together all the same. Where all seeds give the same "
        f"value, only that value counts ({equal} such figures)."
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
