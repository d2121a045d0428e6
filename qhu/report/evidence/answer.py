"""The answer first: what each scenario's verdicts come to, in sentences, and the table of them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from qhu.report import verdicts as words
from qhu.report.claims import MOST_NAMED
from qhu.report.evidence.files import EvidenceFiles, estimate
from qhu.report.forest import ForestRow
from qhu.report.statistics import Estimate
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.tables import TableCell, interval, number

UTILITY = "delta_acc_test"
"""Test accuracy minus the oracle's: what ``utility`` of a verdict is."""


class MethodVerdict(NamedTuple):
    """One method's verdict, and what it rests on.

    ``cost`` is in optimiser steps, ``share`` in those of training from scratch; ``smallest`` is
    the smallest |AUC − ½| that the design sees with 80 % power.
    """

    method: str
    verdict: str
    leakage: Estimate
    utility: Estimate
    cost: float
    share: float
    smallest: float

    @property
    def chip(self) -> Markup:
        """The verdict as it is shown."""
        return words.chip(self.verdict)

    @property
    def cells(self) -> dict[str, TableCell]:
        """What is shown beside the verdict, by the name of its column."""
        return {
            "leakage": _shown(self.leakage),
            "utility": _shown(self.utility, signed=True),
            "smallest": _shown(_bare(self.smallest)),
        }

    @property
    def steps(self) -> str:
        """Cost in words."""
        return "–" if math.isnan(self.cost) else f"{self.cost:,.0f}"

    @property
    def share_in_words(self) -> str:
        """Cost beside that of training from scratch; empty where one is not known."""
        return "" if math.isnan(self.share) else f"{self.share:.2g} × retraining"

    @property
    def forest_row(self) -> ForestRow:
        """The method in the forest plot."""
        return ForestRow(self.method, self.leakage, self.verdict)


def judgements(files: EvidenceFiles, scenario: str) -> list[MethodVerdict]:
    """The verdicts of a scenario: the honest rows, then in the order of the conclusions."""
    verdicts = files.verdicts[files.verdicts["scenario"] == scenario]
    evidence = files.evidence[files.evidence["scenario"] == scenario]
    leakage = _by_method(evidence, files.primary, "auc", "forget")
    utility = _by_method(evidence, "utility", UTILITY, "test")
    costs = dict(zip(verdicts["method"], verdicts["cost_steps"], strict=True))
    retraining = costs.get("retrain", math.nan)
    judged = [
        MethodVerdict(
            method=row["method"],
            verdict=row["verdict"],
            leakage=leakage.get(row["method"], _bare(row["leakage"])),
            utility=utility.get(row["method"], _bare(row["utility"])),
            cost=row["cost_steps"],
            share=row["cost_steps"] / retraining if retraining > 0 else math.nan,
            smallest=row["smallest_effect"],
        )
        for row in verdicts.to_dict("records")
    ]
    return sorted(judged, key=_order)


def _order(judged: MethodVerdict) -> tuple[bool, int, float]:
    """Honest rows first; then by conclusion, the most useful method first."""
    if judged.method in REFERENCE_METHODS:
        return False, REFERENCE_METHODS.index(judged.method), 0
    loss = math.inf if math.isnan(judged.utility.mean) else -judged.utility.mean
    return True, words.place(judged.verdict), loss


def _shown(value: Estimate, signed: bool = False) -> TableCell:
    return TableCell() if math.isnan(value.mean) else TableCell(value, signed)


def _by_method(rows: pd.DataFrame, attack: str, metric: str, tier: str) -> dict[str, Estimate]:
    chosen = rows[
        (rows["attack"] == attack) & (rows["metric"] == metric) & (rows["tier"] == tier)
    ].to_dict("records")
    return {row["method"]: estimate(row) for row in chosen}


def _bare(value: float) -> Estimate:
    return Estimate(value, math.nan, math.nan, 0)


class VerdictCount(NamedTuple):
    """How many methods have a verdict, what it says, and which; empty where too many to name."""

    verdict: str
    text: str
    note: str
    names: str

    @property
    def marker(self) -> Markup:
        """The verdict's marker."""
        return words.mark(self.verdict)


class ScenarioAnswer(NamedTuple):
    """What the verdicts of a scenario come to."""

    opening: str
    parts: list[VerdictCount]

    @property
    def sentence(self) -> str:
        """All of it in one sentence."""
        parts = (f"{part.text}{part.note}{part.names and f': {part.names}'}" for part in self.parts)
        return f"{self.opening}, {'; '.join(parts)}."


def answer(judged: Sequence[MethodVerdict], margin: float) -> ScenarioAnswer:
    """How many methods forgot, which, and what is to be said of the others.

    Args:
        judged: verdicts of one scenario.
        margin: around an AUC of a half, of equivalence.
    """
    tried = [row for row in judged if row.method not in REFERENCE_METHODS]
    texts = {
        "indistinguishable": (
            "forgot",
            f", indistinguishable from retraining within ±{margin:g} of an AUC of 0.5",
        ),
        "over-forgot": ("over-forgot", ""),
        "did not forget": ("did not forget", ""),
        "cannot tell": ("cannot be told", f" ({_smallest(tried)})"),
    }
    parts = []
    for verdict, (text, note) in texts.items():
        methods = [row.method for row in tried if row.verdict == verdict]
        asked = verdict == "indistinguishable"  # named in any case, and counted where there is none
        if methods or asked:
            names = ", ".join(methods) if asked or len(methods) <= MOST_NAMED else ""
            parts.append(VerdictCount(verdict, f"{len(methods) or 'none'} {text}", note, names))
    return ScenarioAnswer(f"Of {len(tried)} {'method' if len(tried) == 1 else 'methods'}", parts)


def _smallest(judged: Sequence[MethodVerdict]) -> str:
    """How small a difference could have been seen, over the methods that cannot be told."""
    values = [row.smallest for row in judged if row.verdict == "cannot tell"]
    measured = sorted(value for value in values if math.isfinite(value))
    if not measured:
        return "nor how small a difference this design could see"
    low, high = number(measured[0]), number(measured[-1])
    return f"smallest difference this could see: {low if low == high else f'{low} to {high}'}"


def caveats(judged: Sequence[MethodVerdict]) -> list[str]:
    """What keeps the verdicts of a scenario from meaning what they say."""
    by_method = {row.method: row for row in judged}
    sentences = []
    untouched, control = by_method.get("none"), by_method.get("retrain")
    if untouched and untouched.verdict != "did not forget":
        sentences.append(
            f"Doing nothing is not caught here ({_measured(untouched)}: "
            f"{words.CONCLUSIONS[untouched.verdict].words}): "
            "this attack sees little that could be forgotten, and a method that forgot is not "
            "shown to have done anything."
        )
    if control and control.verdict in ("did not forget", "over-forgot"):
        sentences.append(
            f"Retraining once more is set apart from retraining ({_measured(control)}): "
            "this design finds differences that there are not; read no verdict of this scenario."
        )
    return sentences


def _measured(judged: MethodVerdict) -> str:
    value = judged.leakage
    return (
        f"AUC {number(value.mean)} {interval(value)}".strip()
        if value.mean == value.mean
        else ("AUC not measured")
    )
