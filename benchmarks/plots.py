"""Growth as SVG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qhu.report.svg import NO_METADATA, STYLE

COLOURS = ("#0072B2", "#D55E00")
MARKERS = {"HeisenbergProgram": "o", "UnitaryProgram": "s", "StatevectorProgram": "^"}
SIZES = ("qubits", "batch", "layers", "models")


def draw_growth(rows: Sequence[dict[str, Any]], folder: Path) -> list[Path]:
    """One file per axis, ``growth-<axis>.svg``."""
    folder.mkdir(exist_ok=True)
    files = []
    for axis in dict.fromkeys(row["case"] for row in rows):
        with rc_context(STYLE):
            figure = Figure((5.2, 3.4), layout="constrained")
            growth(axis, [row for row in rows if row["case"] == axis], figure.add_subplot())
            files.append(folder / f"growth-{axis}.svg")
            figure.savefig(files[-1], metadata=NO_METADATA)
    return files


def growth(axis: str, rows: Sequence[dict[str, Any]], axes: Axes) -> None:
    """Median time against one size; the marker tells the program."""
    others = [size for size in SIZES if size != axis]
    lines = dict.fromkeys(tuple(row[size] for size in others) for row in rows)
    for colour, fixed in zip(COLOURS, lines, strict=False):
        line = [row for row in rows if tuple(row[size] for size in others) == fixed]
        label = ", ".join(f"{v} {_noun(k, v)}" for k, v in zip(others, fixed, strict=True))
        axes.plot(*_xy(axis, line), color=colour, lw=1.2, label=label)
        for program, marker in MARKERS.items():
            shown = [row for row in line if row["program"] == program]
            axes.plot(*_xy(axis, shown), marker, color=colour, ms=4.5)
    axes.set_yscale("log")
    if axis != "qubits":
        axes.set_xscale("log", base=2)
    axes.set_xlabel(axis)
    axes.set_ylabel("forward + backward (ms)")
    axes.legend(frameon=False, fontsize=8)
    kinds = "● Pauli strings   ■ unitary   ▲ state vector"
    axes.set_title(kinds, fontsize=8, loc="left", color="#555555")


def _noun(size: str, value: int) -> str:
    noun = {"batch": "samples"}.get(size, size)
    return noun.removesuffix("s") if value == 1 else noun


def _xy(axis: str, rows: Sequence[dict[str, Any]]) -> tuple[list[float], list[float]]:
    return [row[axis] for row in rows], [row["median_ms"] for row in rows]
