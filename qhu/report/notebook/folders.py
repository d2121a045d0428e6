"""A comparison and an ablation as a notebook holds them."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from qhu.errors import UserError
from qhu.report.comparison.page import FIGURES
from qhu.report.frames import SUMMARY, read_table
from qhu.report.notebook.arguments import as_path, link
from qhu.report.notebook.run import Run
from qhu.report.templates import fill


@dataclass(frozen=True)
class Comparison:
    """Runs of the same models on different backends, paired and taken apart.

    Attributes:
        folder: where the comparison was written; a path as text will do.

    Raises:
        UserError: there is no comparison.
    """

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", _folder_with(self.folder, "compare.csv", "comparison"))

    @property
    def page(self) -> Path:
        """The page."""
        return self.folder / "compare.html"

    @functools.cached_property
    def figures(self) -> pd.DataFrame:
        """Every figure of the page: gaps and their parts, rankings and qubits, with intervals."""
        return read_table(self.folder / "compare.csv", FIGURES)

    def _repr_html_(self) -> str:
        runs = [*self.figures["reference"].unique(), *self.figures["run"].unique()]
        return _cell("comparison", self.page, runs)


@dataclass(frozen=True)
class Ablation:
    """Runs that differ in one setting.

    Attributes:
        folder: of the page and of the runs; a path as text will do.

    Raises:
        UserError: there is no ablation.
    """

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", _folder_with(self.folder, "ablation.csv", "ablation"))

    @property
    def page(self) -> Path:
        """The page."""
        return self.folder / "ablation.html"

    @functools.cached_property
    def trends(self) -> pd.DataFrame:
        """Every score along the axis, over the seeds: :attr:`Run.summary` with the value ``at``."""
        return read_table(self.folder / "ablation.csv", {"at": "str", **SUMMARY})

    @functools.cached_property
    def runs(self) -> dict[str, Run]:
        """The run of every value by its label, in the order of the axis."""
        return {label: Run(self.folder / label) for label in self.trends["at"].unique()}

    def _repr_html_(self) -> str:
        return _cell("ablation", self.page, list(self.runs))


def _folder_with(given: Path, file: str, kind: str) -> Path:
    folder = as_path(given, f"the folder of the {kind}")
    if not (folder / file).is_file():
        raise UserError(f"{folder} is no {kind}: it has no {file}")
    return folder


def _cell(kind: str, page: Path, parts: Sequence[str]) -> str:
    address = link(page) if page.exists() else ""
    return fill("notebook/folder.html.jinja", kind=kind, page=address, parts=parts)
