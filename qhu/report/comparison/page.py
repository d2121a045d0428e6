"""The files of a comparison: a page that opens offline and a table of every figure in it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from qhu.record.folder import RunFolder
from qhu.report.comparison.findings import Findings, find
from qhu.report.comparison.sections import Pair, section
from qhu.report.comparison.side import Side
from qhu.report.design import by_topic, design
from qhu.report.facts import flatten
from qhu.report.statistics import Estimate
from qhu.report.styles import in_order
from qhu.report.svg import marker
from qhu.report.templates import fill

FIGURE_KEYS = ("scenario", "method", "metric", "quantity")
FIGURE_COLUMNS = (
    *("dataset", "reference", "run", *FIGURE_KEYS),
    *("value", "ci_low", "ci_high", "seeds", "p_holm"),
)
NONE = float("nan")


def write_comparison(sides: Sequence[Side], out: Path) -> list[Pair]:
    """Write ``compare.html`` and ``compare.csv``: every run beside the first one.

    Returns:
        The sections of the page, one per other run.
    """
    found = find(sides)
    dataset = sides[0].run.results["dataset"].iloc[0]
    lines = [(dataset, *one.labels, *line) for one in found for line in _lines(one)]
    pairs = [section(f, side.run.results) for f, side in zip(found, sides[1:], strict=True)]
    methods = in_order(method for one in found for method in one.methods)
    page = fill(
        "comparison/compare.html.jinja",
        sides=sides,
        pairs=pairs,
        intervals=by_topic(design(sides[0].run.settings))["intervals"],
        legend=[(method, marker(method)) for method in methods],
        options={side.label: flatten(side.options) for side in sides},
    )
    folder = RunFolder(out)
    folder.write_table("compare.csv", pd.DataFrame(lines, columns=FIGURE_COLUMNS))
    folder.write_text("compare.html", page)
    return pairs


def _lines(found: Findings) -> Iterator[tuple[object, ...]]:
    """Rows of ``compare.csv`` from :data:`KEYS` on: gaps and parts, rankings, qubits."""
    numbers = ("mean", "ci_low", "ci_high", "seeds", "p_holm")
    for row in found.tests.to_dict("records"):
        yield (*(row[key] for key in FIGURE_KEYS), *(row[name] for name in numbers))
    for (scenario, metric), ranking in found.rankings.items():
        yield (scenario, "", metric, "kendall_tau", *ranking.tau, NONE)
        for row in ranking.swaps().to_dict("records"):
            two = f"{row['closer']} {row['other']}"
            swap = Estimate(row["swap"], NONE, NONE, ranking.tau.seeds)
            yield (scenario, two, metric, "swap_probability", *swap, row["p_holm"])
    for qubit, line in found.lines.items():
        for name, value in line.items():
            yield ("", "", f"z{qubit}", name, *value, NONE)
