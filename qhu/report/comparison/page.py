"""The files of a comparison: a page that opens offline and a table of every figure in it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from qhu.record.folder import RunFolder
from qhu.report.comparison.findings import Findings, find
from qhu.report.comparison.sections import Pair, section
from qhu.report.comparison.side import Side
from qhu.report.comparison.verdicts import VerdictPairs, differing, verdict_pairs
from qhu.report.design import by_topic, design
from qhu.report.facts import flatten
from qhu.report.statistics import Estimate
from qhu.report.styles import in_order
from qhu.report.svg import marker
from qhu.report.templates import fill

FIGURE_KEYS = ("scenario", "method", "metric", "quantity")
FIGURES = {
    **dict.fromkeys(("dataset", "reference", "run", *FIGURE_KEYS), "str"),
    **dict.fromkeys(("value", "ci_low", "ci_high", "seeds", "p_holm"), "float64"),
}
"""Columns of ``compare.csv`` and their types."""
NONE = float("nan")


def write_comparison(sides: Sequence[Side], out: Path) -> list[Pair]:
    """Write ``compare.html`` and ``compare.csv``: every run beside the first one.

    Returns:
        The sections of the page, one per other run.
    """
    comparisons = find(sides)
    dataset = sides[0].run.results["dataset"].iloc[0]
    lines = [
        (dataset, *findings.labels, *line) for findings in comparisons for line in _lines(findings)
    ]
    pairs = [
        section(findings, _verdicts(sides[0], side), side.run.results)
        for findings, side in zip(comparisons, sides[1:], strict=True)
    ]
    methods = in_order(method for findings in comparisons for method in findings.methods)
    page = fill(
        "comparison/compare.html.jinja",
        sides=sides,
        pairs=pairs,
        intervals=by_topic(design(sides[0].run.settings))["intervals"],
        legend=[(method, marker(method)) for method in methods],
        options={side.label: flatten(side.options) for side in sides},
    )
    folder = RunFolder(out)
    folder.write_table("compare.csv", pd.DataFrame(lines, columns=list(FIGURES)))
    folder.write_text("compare.html", page)
    return pairs


def _verdicts(reference: Side, run: Side) -> VerdictPairs:
    differs = differing(reference.options, run.options)
    return verdict_pairs((reference.run, run.run), (reference.letter, run.letter), differs)


def _lines(findings: Findings) -> Iterator[tuple[object, ...]]:
    """Rows of ``compare.csv`` from :data:`FIGURE_KEYS` on: gaps and parts, rankings, qubits."""
    numbers = ("mean", "ci_low", "ci_high", "seeds", "p_holm")
    for row in findings.tests.to_dict("records"):
        yield (*(row[key] for key in FIGURE_KEYS), *(row[name] for name in numbers))
    for (scenario, metric), ranking in findings.rankings.items():
        yield (scenario, "", metric, "kendall_tau", *ranking.tau, NONE)
        for row in ranking.swaps().to_dict("records"):
            methods = f"{row['closer']} {row['other']}"
            swap = Estimate(row["swap"], NONE, NONE, ranking.tau.seeds)
            yield (scenario, methods, metric, "swap_probability", *swap, row["p_holm"])
    for qubit, line in findings.lines.items():
        for name, value in line.items():
            yield ("", "", f"z{qubit}", name, *value, NONE)
