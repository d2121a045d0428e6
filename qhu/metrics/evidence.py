"""What a metric sees: the outputs of one model, its oracle and its teacher on the same rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qhu import registry
from qhu.data.split import RowNumbers
from qhu.errors import QhuError, is_fatal
from qhu.record.failure import reason
from qhu.registry import MetricEntry

Floats = NDArray[np.float64]
ROUNDING = 1e-6
"""How far values pass the end of their span by rounding: outputs are float32."""


class Measured(NamedTuple):
    """A value, and how many rows (for θ: entries) it rests on."""

    value: float
    n: int


Scores = dict[str, Measured]


@dataclass(frozen=True, eq=False)
class Outputs:
    """One model on all rows.

    Attributes:
        probabilities: (N, C) class probabilities, NaN where a row was not evaluated.
        features: (N, M) outputs of the quantum layer, likewise.
        theta: (d,) parameter vector.
    """

    probabilities: Floats
    features: Floats
    theta: Floats


@dataclass(frozen=True, eq=False)
class Evidence:
    """Row i means the same sample in every array: no metric can compare different samples.

    Attributes:
        labels: (N,) true classes.
        subsets: row numbers of ``retain``, ``forget`` and ``test``; a class scenario adds
            ``test_kept`` and ``test_forgotten``, which part the test rows by class.
        model: the model in question.
        oracle: the model retrained without the forget rows.
        teacher: the model before unlearning.
        angles: (d,) which entries of θ are rotation angles.
    """

    labels: RowNumbers
    subsets: dict[str, RowNumbers]
    model: Outputs
    oracle: Outputs
    teacher: Outputs
    angles: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if missing := {"retain", "forget", "test"} - self.subsets.keys():
            raise ValueError(f"evidence lacks the subsets {sorted(missing)}")
        for role in ("model", "oracle", "teacher"):
            outputs: Outputs = getattr(self, role)
            if {len(outputs.probabilities), len(outputs.features)} != {len(self.labels)}:
                raise ValueError(f"{role} was not evaluated on the {len(self.labels)} rows")
            if len(outputs.theta) != len(self.angles):
                raise ValueError(f"{role} lacks entries of θ: it needs {len(self.angles)}")
            rows = np.concatenate(list(self.subsets.values()))
            parts = (outputs.probabilities[rows], outputs.features[rows], outputs.theta)
            if not all(np.isfinite(part).all() for part in parts):
                raise diverged(role)

    def mean_by_subset(self, name: str, per_row: Floats | NDArray[np.bool_]) -> Scores:
        """Mean of a per-row quantity (N,) on each subset that has rows, as ``<name>_<subset>``."""
        return {
            f"{name}_{subset}": Measured(float(per_row[rows].mean()), len(rows))
            for subset, rows in self.subsets.items()
            if len(rows)
        }


def diverged(role: str) -> QhuError:
    """The error of a model whose outputs or parameters are not finite."""
    return QhuError(
        f"the {role}'s outputs or parameters are not finite: training diverged; "
        "lower its learning rate or its steps"
    )


def measure(
    evidence: Evidence,
    names: Sequence[str] = (),
    available: Mapping[str, MetricEntry] | None = None,
    failed: dict[str, str] | None = None,
) -> Scores:
    """Run metrics; a score that is undefined on these rows is absent.

    Args:
        evidence: the outputs to compare.
        names: metrics to run; empty: all registered ones but those on request.
        available: where they are found; None: the registry.
        failed: takes down why a metric failed, by its name, and the others go on; None: its error
            is raised.

    Raises:
        QhuError: a score is declared by two of the metrics, or by none, or is not finite or lies
            outside the span that is declared of it.
    """
    entries = [(available or registry.metric)[name] for name in registry.metric.chosen(names)]
    scores: Scores = {}
    for entry in entries:
        try:
            scores |= _measured(evidence, entry, entries)
        except Exception as error:
            if failed is None or is_fatal(error):
                raise
            failed[entry.name] = reason(error)
    return scores


def _measured(evidence: Evidence, entry: MetricEntry, entries: Sequence[MetricEntry]) -> Scores:
    """The scores of one of several metrics."""
    measured: Scores = entry.make(evidence)
    for score, (value, _) in measured.items():
        _refuse_unread(score, entry, entries)
        if not math.isfinite(value):
            raise QhuError(f"'{score}' is {value}: leave out a score where it is undefined")
        _refuse_outside(score, value, entry)
    return measured


def _refuse_unread(score: str, entry: MetricEntry, entries: Sequence[MetricEntry]) -> None:
    """A score means what exactly one metric declares."""
    if entry.score(score) is None:
        raise QhuError(
            f"metric '{entry.name}' returns '{score}' and does not say how that is read: "
            "add it to reads in the metric's decorator"
        )
    declared = [other.name for other in entries if other.score(score)]
    if len(declared) > 1:
        raise QhuError(
            f"metrics '{declared[0]}' and '{declared[1]}' both have a score '{score}': rename one"
        )


def _refuse_outside(score: str, value: float, entry: MetricEntry) -> None:
    """Intervals stay within the span that a metric declares: so must its values."""
    declared = entry.score(score)
    assert declared is not None  # refused before
    low, high = declared.span
    below = low is not None and value < low - ROUNDING
    if below or (high is not None and value > high + ROUNDING):
        raise QhuError(
            f"metric '{entry.name}' returns {score} = {value:g}, and declares a span of "
            f"{declared.span}: correct the span in its reading, or the metric"
        )
