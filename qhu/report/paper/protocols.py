"""What changes when the protocol is right, counted in tests that are the same under both."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from qhu.record.counts import count_of
from qhu.record.released import DERIVED
from qhu.record.scores import Score
from qhu.report.claims import comparisons, topic, unseen
from qhu.report.paper.released import SCENARIOS, Figure
from qhu.report.statistics import MIN_SEEDS, judged
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
    """Which methods lie below, above, or not apart from the row a score is compared with."""

    asked: Asked
    tests: pd.DataFrame


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
    tables = {}
    for released, own in SCENARIOS.items():
        for protocol, results, name in zip(PROTOCOLS, (theirs, ours), (released, own), strict=True):
            rows = results[results["scenario"] == name]
            scenario = [scores[metric] for metric in rows["metric"].unique()]
            for comparison, table in comparisons(rows, scenario).items():
                methods = table[~table["method"].isin(REFERENCE_METHODS)]
                if len(methods):
                    tables[Asked(dataset, released, protocol, comparison)] = methods
    return tables


def judge(
    figures: Sequence[Figure], asked: Mapping[Asked, pd.DataFrame]
) -> tuple[list[Figure], list[Outcome]]:
    """What the page may claim of released figures and of methods, corrected all together."""
    testable = [figure for figure in figures if figure.test is not None]
    of_figures = {None: pd.DataFrame([figure.test for figure in testable])} if testable else {}
    judgements = judged({**of_figures, **asked})
    if testable:
        rows = iter(judgements.pop(None).to_dict("records"))
        figures = [
            figure if figure.test is None else figure._replace(test=next(rows))
            for figure in figures
        ]
    outcomes = [Outcome(key, table) for key, table in judgements.items() if key is not None]
    return list(figures), outcomes


def statements(figures: Sequence[Figure], outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """The summary, topic and text: what is reproduced, then every comparison over everything."""
    summary = [("Reproduced:", _reproduced(figures))]
    for comparison in dict.fromkeys(outcome.asked.compared for outcome in outcomes):
        counts = [_counted_under(protocol, comparison, outcomes) for protocol in PROTOCOLS]
        if all(counts):
            theirs, ours = counts
            text = f"under their protocol, {theirs}. Under ours, {ours}."
            summary.append((f"{topic(comparison)}:", text))
    return summary


def _counted_under(protocol: str, comparison: Compared, outcomes: Sequence[Outcome]) -> str:
    """The counts of a comparison under a protocol; empty where it was not made."""
    chosen = of_comparison(outcomes, comparison, protocol)
    return counted(comparison, chosen) if chosen else ""


def of_comparison(
    outcomes: Sequence[Outcome], comparison: Compared, protocol: str
) -> list[Outcome]:
    """Those of a comparison under a protocol."""
    return [
        outcome
        for outcome in outcomes
        if (outcome.asked.compared, outcome.asked.protocol) == (comparison, protocol)
    ]


def _reproduced(figures: Sequence[Figure]) -> str:
    """How many released figures one run under their protocol may give; no share of few seeds."""
    comparable = [
        figure
        for figure in figures
        if figure.column not in DERIVED
        and figure.released is not None
        and figure.prediction is not None
        and not any(map(math.isnan, figure.prediction))
    ]
    seeds = max((figure.theirs.seeds for figure in figures if figure.theirs), default=0)
    if not comparable and seeds >= MIN_SEEDS:
        return "unknown, no released figure has a counterpart under their protocol."
    if seeds < MIN_SEEDS:
        return (
            f"not counted. {count_of(seeds, 'seed')} under their protocol: where one more run "
            "falls is then so uncertain that almost any figure would count as reproduced; a share "
            f"needs {MIN_SEEDS} seeds or more."
        )
    inside = sum(not figure.outside for figure in comparable)
    same = [figure for figure in comparable if figure.same]
    percent = 100 * inside // len(comparable)  # rounded up, all but one would read as all
    equal = f"{sum(not figure.outside for figure in same)} of {len(same)}"
    constant = (
        f" Where all seeds give the same value, only that value counts ({equal} such figures)."
    )
    return (
        f"{inside} of {len(comparable)} released figures ({percent} %) lie where one run "
        "under their protocol falls with 95 % probability. Columns that follow from others are not "
        "counted; figures of one model go together all the same."
        f"{constant if same else ''}"
    )


def counted(comparison: Compared, outcomes: Sequence[Outcome]) -> str:
    """How many methods the comparison sets apart, summed over ``outcomes``."""
    tests = pd.concat([outcome.tests for outcome in outcomes])
    if (few := int(tests["seeds"].max())) < MIN_SEEDS:
        return f"of {len(tests)} methods nothing is claimed ({count_of(few, 'seed')})"
    below, above = (int((tests["verdict"] == verdict).sum()) for verdict in ("below", "above"))
    score = comparison.score
    return (
        f"of {len(tests)} methods {below} are {score.below}; {above} are {score.above}; "
        f"{len(tests) - below - above} show no difference{unseen(tests)}"
    )
