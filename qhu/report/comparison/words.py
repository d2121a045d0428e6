"""What a comparison shows, in sentences that claim no more than the intervals support."""

import math
from collections.abc import Collection, Mapping

import pandas as pd

from qhu.report.comparison.gaps import EVERY, STEPS
from qhu.report.comparison.ranking import Ranking
from qhu.report.run.reading import Statement, named
from qhu.report.statistics import LEVEL, Estimate, simultaneous, smallest_p
from qhu.report.styles import HONEST
from qhu.report.tables import interval, number

TITLES = {
    "gap": "gap",
    "gate_noise": "gate noise",
    "readout_error": "readout error",
    "shot_noise": "shot noise",
    "modelled": "sum of the three",
    "drift": "drift",
}
RESOLUTION = 1e-5
"""Scores are computed from float32 values: what is smaller than this is rounding."""


Tests = Mapping[str, pd.DataFrame]


def excludes_zero(value: Estimate) -> bool:
    """Whether the interval lies on one side of 0, farther away than rounding."""
    return value.low > RESOLUTION or value.high < -RESOLUTION


def gap_statements(tests: Tests, reference: str) -> list[Statement]:
    """For which metrics and methods the corrected tests show a gap.

    Args:
        tests: by metric, rows of :func:`~qhu.report.comparison.gaps.tested_gaps` of one scenario.
        reference: what the run compared with is called.
    """
    told, silent = [], []
    for metric, table in tests.items():
        rows = table[(table["quantity"] == "gap") & ~table["method"].isin([*HONEST, EVERY])]
        shown = (rows["p_holm"] < LEVEL) & (rows["mean"].abs() > RESOLUTION)
        groups = {
            f"higher than on {reference}": rows.loc[shown & (rows["mean"] > 0), "method"],
            f"lower than on {reference}": rows.loc[shown & (rows["mean"] < 0), "method"],
            "no difference shown": rows.loc[~shown, "method"],
        }
        said = [f"{claim}: {named(methods)}" for claim, methods in groups.items() if len(methods)]
        if shown.any():
            told.append(Statement(f"{metric}:", f"{'; '.join(said)}."))
        else:
            silent.append(metric)
    if silent:
        told.append(Statement("No difference shown for any method:", f"{', '.join(silent)}."))
    return told


def parts_statements(tests: Tests) -> list[Statement]:
    """Which parts of the gaps can be told from 0, in the mean over the methods.

    Intervals hold for all metrics together.
    """
    found = {
        metric: {name: simultaneous(value, len(tests)) for name, value in parts.items()}
        for metric, table in tests.items()
        if (parts := over_methods(table)) and parts["gap"].seeds > 1
    }
    if not found:
        return []
    said = []
    for name in STEPS[1:]:
        real = [f"{m} {_said(p[name])}" for m, p in found.items() if excludes_zero(p[name])]
        said.append(f"{TITLES[name]}: {', '.join(real) or 'not told apart from 0'}")
    told = [Statement("What makes the gaps, in the mean over the methods:", f"{'; '.join(said)}.")]
    groups: dict[str, list[str]] = {}
    for metric, parts in found.items():
        drift = parts["drift"]
        if max(abs(drift.low), abs(drift.high)) <= RESOLUTION:
            groups.setdefault("exactly the gap in", []).append(metric)
        elif excludes_zero(drift):
            groups.setdefault("not the gap in", []).append(f"{metric} (drift {_said(drift)})")
        else:
            inside = groups.setdefault("the gap within its interval in", [])
            inside.append(f"{metric} (drift {_said(drift)})")
    text = "; ".join(f"{verdict} {', '.join(metrics)}" for verdict, metrics in groups.items())
    return [*told, Statement("Gate noise, readout error and shot noise add up to", f"{text}.")]


def parts_caption(tests: pd.DataFrame) -> str:
    """The parts of one gap, averaged over the methods, from the tests of one metric."""
    parts = over_methods(tests)
    said = ", ".join(f"{TITLES[name]} {_said(value)}" for name, value in parts.items())
    return f"In the mean over the methods: {said}."


def over_methods(tests: pd.DataFrame) -> dict[str, Estimate]:
    """The gap and its parts averaged over the methods, from the tests of one metric."""
    rows = tests[tests["method"] == EVERY]
    columns = [rows[name] for name in ("mean", "ci_low", "ci_high", "seeds")]
    return dict(zip(rows["quantity"], map(Estimate, *columns), strict=True))


def ranking_statement(rankings: Mapping[str, Ranking]) -> Statement:
    """Whether the methods keep their order, by metric."""
    said = [f"{metric} {correlation(ranking)}" for metric, ranking in rankings.items()]
    real = [
        f"{row['closer']} and {row['other']} by {metric}"
        for metric, ranking in rankings.items()
        for row in ranking.pairs.to_dict("records")
        if row["p_holm"] < LEVEL
    ]
    changed = f"Change places beyond chance: {', '.join(real) or 'no two methods'}."
    return Statement("Order of the methods, Kendall's τ:", f"{'; '.join(said)}. {changed}")


def correlation(ranking: Ranking) -> str:
    """Kendall's τ with its interval."""
    tau = ranking.tau
    if math.isnan(tau.mean):
        return "undefined, all methods tie"
    return f"{number(tau.mean)} {interval(tau)}".strip()


def qubit_statement(lines: Mapping[int, Mapping[str, Estimate]], reference: str) -> Statement:
    """Whether expectation values are damped or shifted, by intervals that hold for all qubits."""
    slopes, offsets = (
        {f"q{qubit}": simultaneous(line[name], len(lines)) for qubit, line in lines.items()}
        for name in ("slope", "offset")
    )
    said = f"slopes against {reference} of {_range(slopes.values())}"
    said += f", offsets of {_range(offsets.values(), True)}"
    if max(slope.seeds for slope in slopes.values()) > 1:
        damped = [name for name, slope in slopes.items() if slope.high < 1 - RESOLUTION]
        moved = [name for name, offset in offsets.items() if excludes_zero(offset)]
        said += f". Damped: {', '.join(damped) or 'none shown'}"
        said += f"; shifted: {', '.join(moved) or 'none shown'}"
    return Statement("Expectation values:", f"{said}.")


def caution(tests: pd.DataFrame) -> list[Statement]:
    """What the number of seeds forbids to conclude."""
    seeds = int(tests["seeds"].max())
    if seeds < 2:
        return [Statement("One seed", "has no interval: these differences support no conclusion.")]
    least = smallest_p(seeds, tests.loc[tests["method"] != EVERY, "method"].nunique())
    if least <= LEVEL:
        return []
    text = (
        f"with {seeds} seeds no corrected p-value can fall below {least:.2g}, so these tests "
        "cannot show a difference. Read the intervals."
    )
    return [Statement("Too few seeds:", text)]


def _said(value: Estimate) -> str:
    return f"{number(value.mean, True)} {interval(value, True)}".strip()


def _range(values: Collection[Estimate], signed: bool = False) -> str:
    low, high = min(v.mean for v in values), max(v.mean for v in values)
    return f"{number(low, signed)} to {number(high, signed)}"
