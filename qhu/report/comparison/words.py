"""What a comparison shows, in sentences that claim no more than the intervals support."""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from qhu.report.claims import (
    Statement,
    few_seeds,
    grouped,
    same_in_every_seed,
    signed,
    unseen,
)
from qhu.report.comparison.gaps import EVERY, RESOLUTION, STEPS
from qhu.report.comparison.ranking import Ranking
from qhu.report.statistics import MIN_SEEDS, Estimate, estimate
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.tables import interval, number

PART_TITLES = {
    "gap": "gap",
    "gate_noise": "gate noise",
    "readout_error": "readout error",
    "shot_noise": "shot noise",
    "modelled": "sum of the three",
    "drift": "drift",
}
Tests = Mapping[str, pd.DataFrame]


def gap_statements(tests: Tests, reference: str) -> list[Statement]:
    """For which metrics and methods the corrected tests show a gap.

    Args:
        tests: by metric, judged gaps of one scenario.
        reference: what the run compared with is called.
    """
    statements, silent = [], []
    for metric, table in tests.items():
        rows = table[
            (table["quantity"] == "gap") & ~table["method"].isin([*REFERENCE_METHODS, EVERY])
        ]
        if rows["verdict"].isin(["not shown", "few seeds"]).all():
            silent.append(f"{metric}{unseen(rows)}")
        else:
            groups = grouped(rows, f"higher than on {reference}", f"lower than on {reference}")
            statements.append(Statement(f"{metric}:", groups))
    if silent:
        statements.append(Statement("No difference shown for any method:", f"{', '.join(silent)}."))
    return statements


def parts_statements(tests: Tests) -> list[Statement]:
    """Which parts of the gaps the corrected tests show, in the mean over the methods."""
    means = {metric: _over_methods(table) for metric, table in tests.items()}
    enough = {
        metric: rows for metric, rows in means.items() if rows and rows["gap"]["seeds"] >= MIN_SEEDS
    }
    if not enough:
        return []
    parts = []
    for name in STEPS[1:]:
        shown = [
            f"{metric} {_part(rows[name])}" for metric, rows in enough.items() if _is(rows[name])
        ]
        unshown = f"not told apart from 0{_unseen(rows[name] for rows in enough.values())}"
        if all(_is_zero(rows[name]) for rows in enough.values()):
            unshown = "none"
        parts.append(f"{PART_TITLES[name]}: {', '.join(shown) or unshown}")
    groups: dict[str, list[str]] = {}
    for metric, rows in enough.items():
        drift = rows["drift"]
        drifting = f"{metric} (drift {_part(drift)}{_unseen([drift])})"
        if _is_zero(drift):
            groups.setdefault("exactly the gap in", []).append(metric)
        elif _is(drift):
            groups.setdefault("not the gap in", []).append(drifting)
        else:
            groups.setdefault("the gap, no drift shown, in", []).append(drifting)
    text = "; ".join(f"{verdict} {', '.join(metrics)}" for verdict, metrics in groups.items())
    return [
        Statement("What makes the gaps, in the mean over the methods:", f"{'; '.join(parts)}."),
        Statement("Gate noise, readout error and shot noise add up to", f"{text}."),
    ]


def _unseen(rows: Iterable[Mapping[Any, Any]]) -> str:
    return unseen(pd.DataFrame(list(rows)))


def _is(row: Mapping[Any, Any]) -> bool:
    """Whether there is a part: claimed, or the same in every seed and not 0."""
    return row["verdict"] in ("above", "below") or (row["same"] and not _is_zero(row))


def _is_zero(row: Mapping[Any, Any]) -> bool:
    return bool(row["same"] and abs(row["mean"]) <= RESOLUTION)


def _part(row: Mapping[Any, Any]) -> str:
    return f"({same_in_every_seed(estimate(row))})" if row["same"] else signed(estimate(row))


def _over_methods(tests: pd.DataFrame) -> dict[str, Mapping[Any, Any]]:
    """The gap and its parts averaged over the methods, from the tests of one metric."""
    rows = tests[tests["method"] == EVERY].to_dict("records")
    return {str(row["quantity"]): row for row in rows}


def parts_caption(tests: pd.DataFrame) -> str:
    """The parts of one gap, averaged over the methods, from the tests of one metric."""
    parts = {name: row for name, row in _over_methods(tests).items() if not _is_zero(row)}
    if "drift" not in parts:
        parts.pop("modelled", None)  # the gap once more
    means = [f"{PART_TITLES[name]} {signed(estimate(row))}" for name, row in parts.items()]
    return f"In the mean over the methods: {', '.join(means) or 'no gap'}."


def ranking_statement(rankings: Mapping[str, Ranking]) -> Statement:
    """Whether the methods keep their order, by metric."""
    correlations = [f"{metric} {correlation(ranking)}" for metric, ranking in rankings.items()]
    real = [
        f"{row['closer']} and {row['other']} by {metric}"
        for metric, ranking in rankings.items()
        for row in ranking.swaps().to_dict("records")
        if row["claimed"]
    ]
    changed = f"Change places beyond chance: {', '.join(real) or 'no two methods shown'}."
    return Statement("Order of the methods, Kendall's τ:", f"{'; '.join(correlations)}. {changed}")


def correlation(ranking: Ranking) -> str:
    """Kendall's τ with its interval."""
    tau = ranking.tau
    if math.isnan(tau.mean):
        return "undefined, all methods tie"
    return f"{number(tau.mean)} {interval(tau)}".strip()


def qubit_statement(
    lines: Mapping[int, Mapping[str, Estimate]], tests: pd.DataFrame, reference: str
) -> Statement:
    """Whether the corrected tests show expectation values to be damped or shifted.

    Args:
        lines: what :func:`~qhu.report.comparison.qubits.fitted` found.
        tests: what :func:`~qhu.report.comparison.qubits.tested_lines` found, judged.
        reference: what the run compared with is called.
    """
    slopes, offsets = ([line[name] for line in lines.values()] for name in ("slope", "offset"))
    text = f"slopes against {reference} of {_range(slopes)}, offsets of {_range(offsets, True)}"
    if tests["seeds"].max() >= MIN_SEEDS:
        below = tests[tests["verdict"] == "below"]
        damped = below[below["quantity"] == "slope"]
        claimed = pd.concat([tests[tests["verdict"] == "above"], below])
        by_quantity = dict(iter(tests.groupby("quantity")))
        text += f". Damped: {_qubits(damped)}{unseen(by_quantity['slope'])}"
        text += f"; shifted: {_qubits(claimed[claimed['quantity'] == 'offset'])}"
        text += unseen(by_quantity["offset"])
        for name, rows in tests[tests["verdict"] == "same"].groupby("quantity", sort=False):
            seeds = int(rows["seeds"].min())
            text += f"; {name} the same in every seed (n = {seeds}): {_qubits(rows)}"
    return Statement("Expectation values:", f"{text}.")


def _qubits(tests: pd.DataFrame) -> str:
    return ", ".join(f"q{qubit}" for qubit in sorted(tests["qubit"])) or "none shown"


def caution(tests: pd.DataFrame) -> list[Statement]:
    """What the number of seeds forbids to conclude."""
    seeds = int(tests["seeds"].max())
    if seeds < 2:
        return [Statement("One seed", "has no interval: these differences support no conclusion.")]
    return [few_seeds(seeds)] if seeds < MIN_SEEDS else []


def _range(values: Collection[Estimate], signed: bool = False) -> str:
    low, high = min(v.mean for v in values), max(v.mean for v in values)
    return f"{number(low, signed)} to {number(high, signed)}"
