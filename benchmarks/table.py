"""The results as a table on screen."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def print_rows(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """Medians, spread, how often timed, ratio to qhu, floor and sizes."""
    ours = {row["case"]: row["median_ms"] for row in rows if row["contender"] == "qhu"}
    table = Table(box=None, pad_edge=False)
    for name in ("case", "contender"):
        table.add_column(name, no_wrap=True)
    for name in ("median ms", "IQR", "min", "n", "÷ qhu", "floor ms", "differs"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("qubits × batch × layers, dtype", no_wrap=True)
    for row in rows:
        sizes = " × ".join(str(row[k]) for k in ("qubits", "batch", "layers"))
        table.add_row(
            row["case"],
            row["contender"],
            *(f"{row[k]:.4g}" for k in ("median_ms", "iqr_ms", "min_ms")),
            str(row["n"]),
            f"{row['median_ms'] / ours[row['case']]:.3g}",
            _number(row.get("floor_ms")),
            _number(row.get("differs_by")),
            f"{sizes}, {row['dtype']}",
        )
    console.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"
