"""The results as a table on screen."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.rows import Row

FIGURES = ("median ms", "IQR", "min", "n", "÷ qhu", "floor ms", "differs")


def print_rows(rows: Sequence[Row], failures: Sequence[Row], console: Console) -> None:
    """Medians, spread, how often timed, ratio to qhu, floor and sizes; or why there are none."""
    ours = {row["case"]: row["median_ms"] for row in rows if row["contender"] == "qhu"}
    table = Table(box=None, pad_edge=False)
    for name in ("case", "contender"):
        table.add_column(name, no_wrap=True)
    for name in FIGURES:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("qubits × batch × layers, dtype")
    for case in dict.fromkeys(row["case"] for row in [*rows, *failures]):
        for row in rows:
            if row["case"] == case:
                table.add_row(*_figures(row, ours.get(case)))
        for failure in failures:
            if failure["case"] == case:
                why = f"[red]failed: {escape(failure['why'])}[/red]"
                table.add_row(case, failure["contender"], *["–"] * len(FIGURES), why)
    console.print(table)


def _figures(row: Row, ours: float | None) -> list[str]:
    sizes = " × ".join(str(row[k]) for k in ("qubits", "batch", "layers"))
    return [
        row["case"],
        row["contender"],
        *(f"{row[k]:.4g}" for k in ("median_ms", "iqr_ms", "min_ms")),
        str(row["n"]),
        "" if ours is None else f"{row['median_ms'] / ours:.3g}",
        _number(row.get("floor_ms")),
        _number(row.get("differs_by")),
        f"{sizes}, {row['dtype']}",
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"
