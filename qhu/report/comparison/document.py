"""A comparison as one document."""

from pathlib import Path
from typing import Any

from qhu.report.comparison.page import FIGURE_COLUMNS
from qhu.report.frames import read_table

NUMBERS = ("value", "ci_low", "ci_high", "seeds", "p_holm")
TYPES = {name: "float" if name in NUMBERS else "str" for name in FIGURE_COLUMNS}


def comparison_document(folder: Path) -> dict[str, Any]:
    """Every figure of a comparison, for JSON.

    Raises:
        UserError: its table is missing or damaged.
    """
    figures = read_table(folder / "compare.csv", TYPES)
    return {
        "folder": str(folder),
        "report": str(folder / "compare.html"),
        "figures": figures.to_dict("records"),
    }
