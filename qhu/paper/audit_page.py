"""The audit on screen and as JSON."""

import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from qhu.paper.audit import EXTRA, AuditRow
from qhu.record.released import COLUMNS, SAME, SHUFFLED
from qhu.terminal import WIDTH, ScreenColumn, print_table

# Largest difference that rounding explains: float32 sums here and there, four printed decimals.
TOLERANCE = {"KL": 1e-5, "JS": 1e-5, "MIA": 5e-5}
EXACT = 1e-9
EXPLAINED = """\
KL_retain and JS_retain of the release compare different samples: both models were run over a
shuffled loader. Recomputed values pair each row with itself. KL_retain_shuffled is what random
pairing gives on average: the released value, up to the luck of the shuffle.
"""
ADDED = """\
Not in the release: none is the untouched teacher, oracle the model that the distances refer to;
MIA_AUC takes training rows for non-members, MIA_AUC_test the test set, mia_forget test rows of the
same class.
"""


def agrees(row: AuditRow) -> bool:
    """Whether a released figure is reproduced; a figure without a released one always is."""
    if row.published is None:
        return True
    tolerance = TOLERANCE.get(row.metric.split("_")[0], EXACT)
    return abs(row.published - row.recomputed) <= tolerance


def as_document(dataset: str, rows: Sequence[AuditRow]) -> dict[str, Any]:
    """For JSON: ``{dataset, rows: [{scenario, method, metric, published, recomputed}]}``."""
    return {"dataset": dataset, "rows": [asdict(row) for row in rows]}


def as_text(dataset: str, rows: Sequence[AuditRow]) -> str:
    """Tables per scenario, released line above recomputed line, then what does not agree."""
    parts = []
    for scenario in dict.fromkeys(row.scenario for row in rows):
        chosen = [row for row in rows if row.scenario == scenario]
        parts += [f"{dataset}: {scenario} (! differs from the release)", _beside(chosen)]
        parts += [f"{dataset}: {scenario}, what the release lacks", _extra(chosen)]
    return "\n".join([*parts, ADDED, _verdict(rows)])


def _beside(rows: Sequence[AuditRow]) -> str:
    """Two lines per method; a method that the release lacks has the recomputed one only."""
    shown = [name for name in SAME if any(row.metric == name for row in rows)]
    lines = [["", *(name.removesuffix("_unlearn") for name in shown)]]
    for method, by_column in _by_method(rows).items():
        cells = [by_column.get(name) for name in shown]
        published = [_number(cell.published if cell else None) for cell in cells]
        if any(published):
            lines.append([f"{method} released", *published])
        marks = ["" if cell is None or agrees(cell) else "!" for cell in cells]
        values = [_number(cell.recomputed if cell else None) for cell in cells]
        recomputed = [value + mark for value, mark in zip(values, marks, strict=True)]
        lines.append([f"{method} recomputed", *recomputed])
    return _grid(lines)


def _extra(rows: Sequence[AuditRow]) -> str:
    """KL on retain released, expected under shuffling and aligned; attacks on true non-members."""
    names = [name for name in EXTRA if any(row.metric == name for row in rows)]
    lines = [["", "KL_retain released", "KL_retain", *names]]
    for method, by_column in _by_method(rows).items():
        released = _number(by_column["KL_retain"].published)
        values = [_number(by_column[name].recomputed) for name in ("KL_retain", *names)]
        lines.append([method, released, *values])
    return _grid(lines)


def _verdict(rows: Sequence[AuditRow]) -> str:
    """Per released column how many figures are reproduced and the largest difference."""
    lines = [["column", "reproduced", "largest difference"]]
    for name in COLUMNS:
        cells = [row for row in rows if row.metric == name and row.published is not None]
        gaps = [abs(row.published - row.recomputed) for row in cells if row.published is not None]
        if cells:
            lines.append([name, f"{sum(map(agrees, cells))}/{len(cells)}", f"{max(gaps):.1e}"])
    wrong = [row for row in rows if not agrees(row)]
    notes = EXPLAINED if any(row.metric in SHUFFLED for row in wrong) else ""
    models = {(row.scenario, row.method) for row in rows if row.published is not None}
    broken = {(row.scenario, row.method) for row in wrong if row.metric not in SHUFFLED}
    count = f"{len(models) - len(broken)}/{len(models)} rows of the release reproduced"
    return f"{_grid(lines)}\n{notes}\n{count}, KL_retain and JS_retain apart\n"


def _by_method(rows: Sequence[AuditRow]) -> dict[str, dict[str, AuditRow]]:
    methods: dict[str, dict[str, AuditRow]] = {}
    for row in rows:
        methods.setdefault(row.method, {})[row.metric] = row
    return methods


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _grid(lines: Sequence[Sequence[str]]) -> str:
    """A table of heads and rows, folded into the width: the first column to the left."""
    (label, *labels), *columns = zip(*lines, strict=True)
    text = io.StringIO()
    numbers = [ScreenColumn(head, cells) for head, *cells in columns]
    print_table(ScreenColumn(label, labels, number=False), numbers, Console(file=text, width=WIDTH))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"
