"""What the numbers say, in sentences that claim no more than a corrected test supports."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from qhu.report.statistics import LEVEL, Estimate, paired, smallest_p
from qhu.report.styles import HONEST, title
from qhu.report.tables import Compared, interval, number

CLAIMS = {
    Compared("acc_forget", "retrain"): ("above, remembering more", "below, over-forgetting"),
    Compared("acc_test", "retrain"): ("above", "below, damaged"),
    Compared("acc_test_kept", "retrain"): ("above", "below, damaged"),
    Compared("kl_forget", "floor"): ("farther from the oracle", "closer to the oracle"),
    Compared("kl_forget", "none"): ("farther from the oracle", "closer to the oracle"),
    Compared("mia_forget", "retrain"): (
        "above, looking more trained-on",
        "below, standing out as uncertain",
    ),
}
"""Per comparison, what is said of the methods above and below the reference."""
COMPARED = (Compared("acc_retain", "retrain"), *CLAIMS, Compared("kl_test", "floor"))
REFERENCES = {"retrain": "the oracle", "floor": "the floor", "none": "doing nothing"}
FEW = 7
"""More methods than this are counted, not named: the table below names them."""


def comparisons(results: pd.DataFrame) -> dict[Compared, pd.DataFrame]:
    """Paired tests of the metrics at hand.

    Args:
        results: rows of ``results.csv`` of one dataset, scenario and backend.
    """
    present = set(results["metric"])
    if "acc_test_kept" in present:  # all test rows mix what is to be kept and to be forgotten
        present -= {"acc_test"}
    tables = {one: paired(results, *one) for one in COMPARED if one.metric in present}
    return {one: table for one, table in tables.items() if len(table)}


class Statement(NamedTuple):
    """What is talked about, and what the tests support."""

    topic: str
    text: str


def statements(tables: Mapping[Compared, pd.DataFrame]) -> list[Statement]:
    """The scenario's outcome in words.

    Args:
        tables: what :func:`comparisons` found.
    """
    seeds = max((int(table["seeds"].max()) for table in tables.values()), default=0)
    if seeds < 2:
        return [Statement("One seed", "has no interval: these numbers support no conclusion.")]
    forget = tables.get(Compared("acc_forget", "retrain"))
    told = [] if forget is None else [_headroom(forget)]
    tried = {one: table[~table["method"].isin(HONEST)] for one, table in tables.items()}
    told += [_claim(one, tried[one]) for one in CLAIMS if len(tried.get(one, ()))]
    least = smallest_p(seeds, max(len(table) for table in tables.values()))
    if least > LEVEL:
        text = (
            f"with {seeds} seeds no corrected p-value can fall below {least:.2g}, so these tests "
            "cannot show a difference. Read the intervals."
        )
        told.append(Statement("Too few seeds:", text))
    return told


def _headroom(table: pd.DataFrame) -> Statement:
    """Whether accuracy on the forget rows can tell forgetting from doing nothing at all."""
    untouched = table[table["method"] == "none"]
    if untouched.empty or math.isnan(untouched["ci_low"].iloc[0]):
        return Statement("Room to forget:", "unknown, the row none lacks an interval.")
    mean, low, high = (float(untouched[c].iloc[0]) for c in ("mean", "ci_low", "ci_high"))
    gap = Estimate(mean, low, high, int(untouched["seeds"].iloc[0]))
    said = f"{number(mean, True)} {interval(gap, True)}"
    opening = f"the untouched teacher's accuracy on the forget rows minus the oracle's is {said}."
    verdict = (
        "The interval contains 0: here accuracy cannot tell forgetting from doing nothing, and "
        "the distances and the attack have to."
        if low <= 0 <= high
        else "The interval excludes 0: this is the gap that a method has to close."
    )
    return Statement("Room to forget:", f"{opening} {verdict}")


def _claim(compared: Compared, methods: pd.DataFrame) -> Statement:
    """Which of the methods the corrected tests set apart."""
    differs = methods["p_holm"] < LEVEL
    above, below = CLAIMS[compared]
    groups = {
        above: methods.loc[differs & (methods["mean"] > 0), "method"],
        below: methods.loc[differs & (methods["mean"] < 0), "method"],
        "no difference shown": methods.loc[~differs, "method"],
    }
    said = [f"{claim}: {named(names)}" for claim, names in groups.items() if len(names)]
    words = title(compared.metric)
    topic = f"{words[0].upper()}{words[1:]}, against {REFERENCES[compared.reference]}:"
    return Statement(topic, f"{'; '.join(said)}.")


def named(methods: pd.Series) -> str:
    """All of them where they are few, else how many."""
    return ", ".join(methods) if len(methods) <= FEW else f"{len(methods)} methods"
