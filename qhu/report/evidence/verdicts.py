"""The verdicts of a study, with the intervals that its evidence has for them."""

import math

import pandas as pd

from qhu.report.answer import MethodVerdict, VerdictTable, ordered
from qhu.report.evidence.files import EvidenceFiles, estimate
from qhu.report.statistics import Estimate

LEAKAGE, MEMBERSHIP = "AUC against retraining", "AUC of the rows"
GAMES = {LEAKAGE: ("auc", "forget"), MEMBERSHIP: ("auc_membership", "forget")}
"""Games of the declared attack, by what is said of them: metric and tier of the evidence."""
UTILITY = "delta_acc_test"
"""Test accuracy minus the oracle's: what ``utility`` of a verdict is."""


def verdict_table(files: EvidenceFiles, scenario: str) -> VerdictTable:
    """The verdicts of a scenario, in the order in which they are shown."""
    verdicts = files.verdicts[files.verdicts["scenario"] == scenario]
    evidence = files.evidence[files.evidence["scenario"] == scenario]
    games = {head: _by_method(evidence, files.primary, *of) for head, of in GAMES.items()}
    played = [head for head in GAMES if games[head] or head == LEAKAGE]
    utility = _by_method(evidence, "utility", UTILITY, "test")
    costs = dict(zip(verdicts["method"], verdicts["cost_steps"], strict=True))
    retraining = costs.get("retrain", math.nan)
    rows = []
    for row in verdicts.to_dict("records"):
        method, bare = row["method"], {LEAKAGE: _bare(row["leakage"])}
        kept = utility.get(method, _bare(row["utility"]))
        rows.append(
            MethodVerdict(
                method=method,
                verdict=row["verdict"],
                leaks=tuple(
                    games[head].get(method, bare.get(head, _bare(math.nan))) for head in played
                ),
                utility=kept,
                kept=_kept(kept, files.utility_margin),
                cost=row["cost_steps"],
                share=row["cost_steps"] / retraining if retraining > 0 else math.nan,
                smallest=row["smallest_effect"],
            )
        )
    return VerdictTable(tuple(played), False, ordered(rows))


def _kept(utility: Estimate, margin: float) -> str:
    """What the 95 % interval of a utility says of the margin; empty where there is none."""
    if math.isnan(utility.low) or math.isnan(margin):
        return ""
    if utility.low > -margin:
        return "kept"
    return "lost" if utility.high < -margin else "cannot tell"


def equivalent(files: EvidenceFiles) -> str:
    """What was shown of a method that forgot."""
    return f"indistinguishable from retraining within ±{files.margin:g} of an AUC of 0.5"


def _by_method(rows: pd.DataFrame, attack: str, metric: str, tier: str) -> dict[str, Estimate]:
    chosen = rows[
        (rows["attack"] == attack) & (rows["metric"] == metric) & (rows["tier"] == tier)
    ].to_dict("records")
    return {row["method"]: estimate(row) for row in chosen}


def _bare(value: float) -> Estimate:
    return Estimate(value, math.nan, math.nan, 0)
