"""Tables for other programs: CSV for spreadsheets, LaTeX and Markdown for papers."""

from collections.abc import Iterator

import pandas as pd
from pylatexenc.latexencode import unicode_to_latex

from qhu.record.csv_text import csv_text
from qhu.report.statistics import LEVEL
from qhu.report.tables import Table, TableCell

CAPTION = (
    "Mean over the seeds and its 95 % interval; of a difference, the interval at the level of its "
    f"test. * p < {LEVEL}, two-sided paired t-test, Holm-corrected over all differences of the "
    "page: the interval leaves out 0."
)


def table_files(name: str, table: Table) -> Iterator[tuple[str, str]]:
    """Name and content of a table's files; none of an empty table."""
    if not table.rows:
        return
    yield f"{name}.csv", as_csv(table)
    yield f"{name}.md", as_markdown(table)
    yield f"{name}.tex", as_latex(table)


def as_csv(table: Table) -> str:
    """One line per method, full precision: value, interval, p-value and rows of every column."""
    lines = []
    for row in table.rows:
        line: dict[str, object] = {"method": row.method, "seeds": row.seeds}
        for column, cell in zip(table.columns, row.cells, strict=True):
            head = column.metric.replace(" − ", "-")
            mean, low, high = cell.estimate[:3] if cell.estimate else (None, None, None)
            line |= {head: mean, f"{head}_ci_low": low, f"{head}_ci_high": high}
            line |= {f"{head}_p": cell.p, f"{head}_n": column.n.replace("–", "-")}
        lines.append(line)
    return csv_text(pd.DataFrame(lines).dropna(axis="columns", how="all"))


def as_markdown(table: Table) -> str:
    """A pipe table and its caption."""
    head, *lines = ([cell.replace("|", r"\|") for cell in line] for line in _grid(table))
    rule = ["---", *["---:"] * (len(head) - 1)]
    text = "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *lines))
    return f"{text}\n{CAPTION}\n"


def as_latex(table: Table) -> str:
    """A ``tabular`` with the rules of booktabs."""
    head, *lines = ([unicode_to_latex(cell) for cell in line] for line in _grid(table))
    frame = pd.DataFrame(lines, columns=head).style.hide(axis="index")
    tabular = frame.to_latex(hrules=True, column_format="l" + "r" * (len(head) - 1))
    return f"% \\usepackage{{booktabs}}\n% {CAPTION}\n{tabular}"


def _grid(table: Table) -> list[list[str]]:
    """Head, rows per seed, then a line per method."""
    head = ["method", "seeds", *(column.metric for column in table.columns)]
    basis = ["rows per seed (n)", "", *(column.n for column in table.columns)]
    return [head, basis, *([r.method, r.seeds, *map(_text, r.cells)] for r in table.rows)]


def _text(cell: TableCell) -> str:
    value = f"{cell.value} {cell.interval}".strip()
    note = f" ({cell.note})" if cell.note and cell.estimate else ""
    return f"{value}{'*' if cell.stands_out else ''}{note}"
