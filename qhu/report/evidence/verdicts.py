"""The verdicts of a study, with the intervals that its evidence has for them."""

import math

import pandas as pd

from qhu.report.answer import MethodVerdict, VerdictTable, ordered
from qhu.report.evidence.files import EvidenceFiles, estimate
from qhu.report.statistics import Estimate

UTILITY = "delta_acc_test"
"""Test accuracy minus the oracle's: what ``utility`` of a verdict is."""


def verdict_table(files: EvidenceFiles, scenario: str) -> VerdictTable:
    """The verdicts of a scenario, in the order in which they are shown."""
    verdicts = files.verdicts[files.verdicts["scenario"] == scenario]
    evidence = files.evidence[files.evidence["scenario"] == scenario]
    leakage = _by_method(evidence, files.primary, "auc", "forget")
    utility = _by_method(evidence, "utility", UTILITY, "test")
    costs = dict(zip(verdicts["method"], verdicts["cost_steps"], strict=True))
    retraining = costs.get("retrain", math.nan)
    rows = [
        MethodVerdict(
            method=row["method"],
            verdict=row["verdict"],
            leaks=(leakage.get(row["method"], _bare(row["leakage"])),),
            utility=utility.get(row["method"], _bare(row["utility"])),
            kept=row["utility_verdict"],
            cost=row["cost_steps"],
            share=row["cost_steps"] / retraining if retraining > 0 else math.nan,
            smallest=row["smallest_effect"],
        )
        for row in verdicts.to_dict("records")
    ]
    return VerdictTable((f"AUC of {files.primary}",), False, ordered(rows))


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
