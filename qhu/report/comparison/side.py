"""One run of a comparison, and what it is called."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qhu.report.comparison.gaps import decompose
from qhu.report.frames import RunFiles


@dataclass(frozen=True, eq=False)
class Side:
    """A run that takes part.

    Attributes:
        letter: A for the run that the others are compared with, then B, C, …
        run: its files.
        predictions: rows of ``predictions.parquet``.
        parts: what :func:`~qhu.report.comparison.gaps.decompose` found.
    """

    letter: str
    run: RunFiles
    predictions: pd.DataFrame
    parts: pd.DataFrame

    @classmethod
    def of(
        cls, letter: str, run: RunFiles, predictions: pd.DataFrame, steps: pd.DataFrame
    ) -> "Side":
        """A side from the re-evaluated scores of its models."""
        return cls(letter, run, predictions, decompose(run.results, steps))

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the evaluation as they took effect."""
        return self.run.record.effective["evaluate"]

    @property
    def label(self) -> str:
        """Letter and backend; an emulated device says so."""
        name = self.run.record.backend.removeprefix("EMULATED ")
        return f"{self.letter}: {'EMULATED ' if self.options.get('emulated') else ''}{name}"
