"""A run as a notebook holds it: its frames, read when they are asked for, and its answer."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qhu.errors import UserError
from qhu.record.folder import RunFolder, RunRecord
from qhu.report import frames
from qhu.report.answer import ScenarioAnswer
from qhu.report.figure_style import FigureStyle, read_style
from qhu.report.notebook.arguments import as_path, link
from qhu.report.run.matrix import Matrix, matrix
from qhu.report.run.page import write_report
from qhu.report.run.sections import answered, heading
from qhu.report.run_tests import by_section, page_tests, scores_in
from qhu.report.templates import fill

PAGE = "report.html"


@dataclass(frozen=True, repr=False)
class Run:
    """A run, read from its folder when it is asked for; a notebook shows its answer.

    Attributes:
        folder: the run folder; a path as text will do.

    Raises:
        UserError: there is no such folder, or it holds no run.
    """

    folder: Path

    def __post_init__(self) -> None:
        folder = as_path(self.folder, "the run folder")
        object.__setattr__(self, "folder", folder)
        if not folder.is_dir():
            raise UserError(f"there is no folder {folder}: give a run folder")
        if self.record.status == "finished" and not (folder / "results.csv").exists():
            raise UserError(f"{folder} is not a run folder: it has no results.csv")

    @functools.cached_property
    def record(self) -> RunRecord:
        """What ``run.json`` says: status, versions, options of the backends as they took effect."""
        record = RunFolder(self.folder).record()
        if record is None:
            raise UserError(f"{self.folder} is not a run folder: it has no run.json")
        return record

    @functools.cached_property
    def _files(self) -> frames.RunFiles:
        return frames.load_run(self.folder)

    @property
    def results(self) -> pd.DataFrame:
        """One row per dataset, scenario, method, seed, backend and metric: ``value`` and ``n``."""
        return self._files.results

    @property
    def summary(self) -> pd.DataFrame:
        """The same over the seeds: ``mean``, 95 % interval ``ci_low`` to ``ci_high``, ``seeds``."""
        return self._files.summary

    @property
    def history(self) -> pd.DataFrame:
        """Losses: one row per epoch of a training and per step of an unlearning."""
        return self._files.losses

    @property
    def facts(self) -> pd.DataFrame:
        """One row per unlearned model: its ``steps`` and what its method reported."""
        return self._files.facts

    @functools.cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per cell, subset and row of the data: probabilities ``p0``…, features ``z0``…"""
        return frames.read_predictions(self.folder, self.results["seed"].unique().tolist())

    @functools.cached_property
    def answers(self) -> dict[str, ScenarioAnswer]:
        """The verdicts by dataset, scenario and backend, as the page has them."""
        return {about: reply for about, (reply, _) in self._sections.items() if reply}

    @functools.cached_property
    def _sections(self) -> dict[str, tuple[ScenarioAnswer | None, Matrix]]:
        """Answer and matrix of every section; none where a run that was stopped has no results."""
        if not (self.folder / "results.csv").exists():
            return {}
        files = self._files
        tests, summaries = page_tests(files.results, files.scores), by_section(files.summary)
        shown = {}
        for key, rows in by_section(files.results).items():
            present = scores_in(rows, files.scores)
            shown[heading(*key)] = (
                answered(rows, tests[key], files.facts),
                matrix(present, rows, summaries[key], tests[key]),
            )
        return shown

    def report(self, style: FigureStyle | Mapping[str, Any] | str | Path | None = None) -> Path:
        """Write ``report.html`` again, with its figures and tables; its path.

        Args:
            style: a style file, or settings as in one: ``colours`` and ``labels`` by name,
                ``width`` of a figure such as ``85 mm``, ``font_size`` in points; None: the usual.

        Raises:
            UserError: the style is wrong, or names what the run has not.
        """
        return write_report(self.folder, None if style is None else read_style(style))

    def __repr__(self) -> str:
        return "\n".join([f"Run({str(self.folder)!r}): {self._title}", *self._sentences()])

    def _repr_html_(self) -> str:
        """The answer as a cell: a sentence and a table per scenario, and a link to the page."""
        try:
            sections, problem = self._sections, ""
        except UserError as error:  # a cell that cannot be shown says why
            sections, problem = {}, str(error)
        return fill(
            "notebook/run.html.jinja",
            title=self._title,
            folder=self.folder,
            finished=self.record.status == "finished",
            failed=self.record.failed,
            sections=sections,
            problem=problem,
            page=link(self.folder / PAGE) if (self.folder / PAGE).exists() else "",
        )

    @property
    def _title(self) -> str:
        return f"{self.record.name} on {self.record.backend}, {self.record.status}"

    def _sentences(self) -> Iterator[str]:
        try:
            for about, reply in self.answers.items():
                yield " ".join([f"{about}: {reply.sentence}", *reply.caveats])
        except UserError as error:
            yield str(error)
