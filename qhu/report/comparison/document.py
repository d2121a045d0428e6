"""A comparison as one document."""

from pathlib import Path
from typing import Any

from qhu.report.comparison.page import FIGURES
from qhu.report.frames import read_table


def comparison_document(folder: Path) -> dict[str, Any]:
    """Every figure of a comparison, for JSON.

    Raises:
        UserError: its table is missing or damaged.
    """
    figures = read_table(folder / "compare.csv", FIGURES)
    return {
        "folder": str(folder),
        "report": str(folder / "compare.html"),
        "figures": figures.to_dict("records"),
    }
