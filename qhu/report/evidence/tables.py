"""The tables of evidence behind the verdicts, methods as rows."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from qhu.report.answer import MethodVerdict
from qhu.report.evidence.files import estimate
from qhu.report.evidence.groups import partition
from qhu.report.statistics import Estimate
from qhu.report.tables import Column, Table, TableCell, TableRow
from qhu.report.verdicts import mark

METRICS = {
    "auc": ("AUC", "chance that of two rows the one trained on scores higher; 0.5 tells nothing"),
    "auc_membership": ("AUC of the rows", "the same between models of one method, row by row"),
    "margin_membership": ("margin of the rows", "log-odds, unlearned minus never seen"),
    "delta_margin": ("margin − oracle's", "log-odds of the forget rows, paired"),
    "tpr_at_1": ("TPR in % at 1 % FPR", "rows recognised while 1 % of the others are accused"),
    "tpr_at_01": ("TPR in % at 0.1 % FPR", "rows recognised while 0.1 % of the others are accused"),
    "klom_median": ("KLoM", "KL divergence of margins, unlearned against oracle, median row"),
    "klom_floor": ("KLoM floor", "the same between two halves of the oracles"),
    "forgetting_quality": ("forgetting quality F", "as the unlearning challenge defines it"),
    "tow": ("tug of war", "how close three accuracies are to the oracle's together; 1: equal"),
    "ain": ("anamnesis index", "steps to learn the rows again over the oracle's; 1: equal"),
    "acc_test": ("test accuracy", "share of the test rows classified right"),
    "delta_acc_test": ("test accuracy − oracle's", "paired by the unit of inference"),
    "fidelity_mean": ("fidelity", "of the unlearned model's state of a row with its oracle's"),
    "fidelity_mean_floor": ("fidelity floor", "the same of two oracles"),
    "trace_distance_mean": ("trace distance", "√(1 − fidelity), mean over pairs"),
    "trace_distance_mean_floor": ("trace distance floor", "the same of two oracles"),
    "helstrom_auc": ("bound on the AUC", "no measurement of one copy of a row's state has more"),
    "helstrom_auc_floor": ("bound's floor", "the same of two oracles"),
    "copies_needed": ("copies", "of both states that tell a pair of models apart, 95 % right"),
    "shots_needed": ("shots", "of one qubit, the best, that do"),
    "encoding_distance": (
        "distance of angles",
        "that a front encodes a row by, root mean square",
    ),
    "encoding_floor": ("its floor", "the same of two oracles"),
}
"""By metric of the evidence, its title and what it means; others go by their names."""
SIGNED = ("delta_acc_test", "delta_margin", "margin_membership")
"""Metrics that are differences."""
PARTS = ("attack", "metric", "tier")


class EvidenceTable(NamedTuple):
    """A group's figures of one scenario."""

    title: str
    hint: str
    table: Table


def tables(
    rows: pd.DataFrame, judged: Sequence[MethodVerdict], primary: str, weak: Collection[str]
) -> list[EvidenceTable]:
    """All figures of a scenario, group by group; methods in the order of their verdicts.

    Args:
        rows: of the evidence, of one scenario.
        judged: its verdicts.
        primary: name of the declared attack.
        weak: attacks and metrics that were examined and tell little.
    """
    verdicts = {row.method: row.verdict for row in judged}
    markers = {
        method: mark(verdicts[method]) if method in verdicts else Markup()
        for method in dict.fromkeys([*verdicts, *rows["method"]])
    }
    return [
        EvidenceTable(group.title, group.hint, _table(chosen, markers, group.flagged, weak))
        for group, chosen in partition(rows, primary)
    ]


def _table(
    rows: pd.DataFrame, markers: Mapping[str, Markup], flagged: bool, weak: Collection[str]
) -> Table:
    varying = [part for part in PARTS if rows[part].nunique() > 1] or ["metric"]
    columns, cells = list[Column](), dict[str, list[TableCell]]()
    strongest = _strongest(rows) if flagged else set[tuple[str, str]]()
    methods = [method for method in markers if (rows["method"] == method).any()]
    for key, chosen in rows.groupby(list(PARTS), sort=False):
        attack, metric, tier = map(str, key)
        columns.append(_column(attack, metric, tier, chosen["n"], varying, weak))
        by_method = {row["method"]: row for row in chosen.to_dict("records")}
        for method in methods:
            cell = _cell(by_method.get(method), (method, attack) in strongest)
            cells.setdefault(method, []).append(cell)
    lines = [TableRow(method, markers[method], "", cells[method]) for method in methods]
    return Table(columns, lines)


def _strongest(rows: pd.DataFrame) -> set[tuple[str, str]]:
    """Per method the attack whose AUC is farthest from a half: missing a row reveals it too."""
    apart = rows.assign(apart=(rows["value"] - 0.5).abs()).dropna(subset="apart")
    best = apart.loc[apart.groupby("method")["apart"].idxmax()]
    return set(zip(best["method"], best["attack"], strict=True))


def _cell(row: Mapping[Any, Any] | None, strongest: bool) -> TableCell:
    if row is None:
        return TableCell()
    value, metric = estimate(row), str(row["metric"])
    if math.isnan(value.mean):
        return TableCell(note="not measured")
    if metric.startswith("tpr_"):
        value = Estimate(100 * value.mean, 100 * value.low, 100 * value.high, value.seeds)
    return TableCell(value, signed=metric in SIGNED, stands_out=strongest)


def _column(
    attack: str, metric: str, tier: str, n: pd.Series, varying: list[str], weak: Collection[str]
) -> Column:
    """Head of a column: what sets it apart from the others of its table."""
    title, meaning = METRICS.get(metric, (metric.replace("_", " "), metric))
    words = {"attack": attack, "metric": title, "tier": tier}
    name = ", ".join(words[part] for part in varying)
    note = " (weak)" if {attack, metric} & set(weak) else ""
    return Column(name + note, meaning, _count(n))


def _count(n: pd.Series) -> str:
    """How many the figures rest on, as ``1,024`` or ``16–1,024``."""
    counted = n.dropna()
    if counted.empty:
        return "–"
    low, high = int(counted.min()), int(counted.max())
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"
