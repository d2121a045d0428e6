"""What lies behind the verdicts: the parts of every test, and what methods cost."""

import functools
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from qhu.errors import UserError
from qhu.record.files import Damaged, read_plain
from qhu.report.forest import ForestRow, Goal, forest, size
from qhu.report.frames import MAX_TABLE, parse_table
from qhu.report.panels import Panel
from qhu.report.paper_claims.table import AGAIN, STANDINGS
from qhu.report.statistics import Estimate
from qhu.report.svg import draw
from qhu.report.tables import number

PARTS = {
    **dict.fromkeys(("claim", "test", "part"), "str"),
    **dict.fromkeys(("estimate", "ci_low", "ci_high", "outcome", "against", "margin"), "float64"),
    "direction": "str",
}
COSTS = {
    "method": "str",
    **dict.fromkeys(("steps", "seconds", "circuits"), "float64"),
    **dict.fromkeys(("steps_share", "seconds_share", "circuits_share"), "float64"),
}
OUTCOMES = {1: "supported", -1: "contradicted", 0: "cannot tell"}


def forests(folder: Path) -> Mapping[tuple[str, str], Panel]:
    """A forest plot by claim and test, of tests with several parts; none without ``tests.csv``.

    Raises:
        UserError: the table is damaged or empty.
    """
    table = _table(folder / "tests.csv", PARTS)
    if table is None:
        return {}
    panels = {}
    for place, (key, rows) in enumerate(table.groupby(["claim", "test"], sort=False)):
        if len(rows) > 1:
            claim, test = map(str, key)
            panels[claim, test] = _panel(f"parts-{place}", rows)
    return panels


def _panel(name: str, rows: pd.DataFrame) -> Panel:
    drawn = [
        ForestRow(
            str(row["part"]),
            Estimate(row["estimate"], row["ci_low"], row["ci_high"], 0),
            OUTCOMES[int(row["outcome"])],
        )
        for row in rows.to_dict("records")
    ]
    first = rows.iloc[0]
    margin = float(first["margin"]) if first["direction"] == "within" else math.nan
    goal = Goal(float(first["against"]), margin, None, f"claimed: {first['direction']} the line")
    plot = functools.partial(forest, drawn, goal, looks=STANDINGS)
    drawing = draw(plot, size(drawn), name, f"Forest plot: {first['test']}")
    return Panel(drawing, "Every part with the interval of its test, and what follows for it.")


def cost_rows(folder: Path) -> list[list[str]]:
    """Cells of the table of costs, the heads of the columns first; empty without ``costs.csv``.

    Raises:
        UserError: the table is damaged or empty.
    """
    table = _table(folder / "costs.csv", COSTS)
    if table is None:
        return []
    measures = ("steps", "seconds", "circuits")
    heads = ["method", *(head for name in measures for head in (name, "of training again"))]
    rows = []
    for row in table.to_dict("records"):
        pairs = [(row[name], row[f"{name}_share"], name == "seconds") for name in measures]
        cells = [cell for pair in pairs for cell in _cells(*pair)]
        rows.append([str(row["method"]), *cells])
    return [heads, *rows]


def _cells(value: float, share: float, timed: bool) -> list[str]:
    if math.isnan(value):
        return ["–", "–"]
    percent = 100 * share
    return [
        number(value) if timed else f"{value:,.0f}",
        f"{percent:.0f} %" if percent >= 1 else f"{percent:.1g} %",
    ]


def _table(file: Path, types: Mapping[str, str]) -> pd.DataFrame | None:
    if not file.exists():
        return None
    try:
        content = read_plain(file, MAX_TABLE)
    except (Damaged, OSError) as error:
        raise UserError(f"cannot read {file}: {error}; {AGAIN}") from None
    return parse_table(content, file, types)
