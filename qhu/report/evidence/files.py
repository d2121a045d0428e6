"""What a study of evidence wrote, as typed frames: all that its page is made from."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qhu.errors import UserError
from qhu.record.files import Damaged, read_plain
from qhu.report.frames import MAX_TABLE, parse_table
from qhu.report.statistics import Estimate
from qhu.report.verdicts import CONCLUSIONS

EVIDENCE = {
    **dict.fromkeys(("scenario", "method", "attack", "tier", "metric"), "str"),
    **dict.fromkeys(("value", "ci_low", "ci_high"), "float64"),
    "n": "Int64",
}
VERDICTS = {
    **dict.fromkeys(("scenario", "method", "verdict"), "str"),
    **dict.fromkeys(("leakage", "utility", "cost_steps", "smallest_effect"), "float64"),
}
METRICS = {
    **dict.fromkeys(("metric", "condition"), "str"),
    **dict.fromkeys(("auc", "ci_low", "ci_high"), "float64"),
}
AGAIN = "run qhu evidence again"
DECLARED: Mapping[str, tuple[type, ...]] = {
    "pool": (int,),
    "seconds": (int, float),
    "primary": (str,),
    "margin": (int, float),
}
"""What ``run.json`` has to say, and the kinds of it."""


@dataclass(frozen=True, eq=False)
class EvidenceFiles:
    """The files of one study.

    Attributes:
        name: of the study.
        about: contents of ``run.json``: ``pool`` (number of models), ``seconds``, ``primary`` (the
            attack that verdicts rest on), ``margin`` (of its AUC around .5), and more.
        evidence: one row per figure (columns :data:`EVIDENCE`).
        verdicts: one row per scenario and method (columns :data:`VERDICTS`).
        metrics: one row per metric and condition (columns :data:`METRICS`); none where the
            metrics were not examined.
    """

    name: str
    about: dict[str, Any]
    evidence: pd.DataFrame
    verdicts: pd.DataFrame
    metrics: pd.DataFrame

    @property
    def primary(self) -> str:
        """The attack that verdicts rest on, declared before it was run."""
        return str(self.about["primary"])

    @property
    def margin(self) -> float:
        """How far from .5 the AUC of that attack may lie and count as there."""
        return float(self.about["margin"])

    @property
    def utility_margin(self) -> float:
        """How far test accuracy may fall below the oracle's and count as kept; NaN where unsaid."""
        return float(self.about.get("utility_margin", math.nan))


def load_evidence(folder: Path) -> EvidenceFiles:
    """Read the folder of a study.

    Raises:
        UserError: a file is missing, damaged or empty, or holds a verdict that there is not.
    """
    verdicts = _table(folder / "verdicts.csv", VERDICTS)
    if strange := sorted(set(verdicts["verdict"]) - set(CONCLUSIONS)):
        raise UserError(f"{folder / 'verdicts.csv'} holds the verdict '{strange[0]}': {AGAIN}")
    about = _about(folder / "run.json")
    return EvidenceFiles(
        name=str(about.get("name") or folder.resolve().name),
        about=about,
        evidence=_table(folder / "evidence.csv", EVIDENCE),
        verdicts=verdicts,
        metrics=_metrics(folder / "metrics.csv"),
    )


def estimate(row: Mapping[Any, Any]) -> Estimate:
    """A row's value and interval; ``seeds`` is its ``n``, whatever that counts."""
    count = row["n"]
    return Estimate(
        row["value"], row["ci_low"], row["ci_high"], 0 if pd.isna(count) else int(count)
    )


def _about(file: Path) -> dict[str, Any]:
    try:
        about = json.loads(_read(file))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is damaged ({error}): {AGAIN}") from None
    for name, kinds in DECLARED.items():
        value = about.get(name) if isinstance(about, dict) else None
        if not isinstance(value, kinds) or isinstance(value, bool) or _endless(value):
            raise UserError(f"{file} does not say '{name}': {AGAIN}")
    return dict(about)


def _endless(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _metrics(file: Path) -> pd.DataFrame:
    if not file.exists():
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in METRICS.items()})
    return _table(file, METRICS)


def _table(file: Path, types: Mapping[str, str]) -> pd.DataFrame:
    table = parse_table(_read(file), file, types)
    texts = [name for name, kind in types.items() if kind == "str"]
    return table.fillna(dict.fromkeys(texts, ""))  # an empty tier is one, too


def _read(file: Path) -> bytes:
    try:
        return read_plain(file, MAX_TABLE)
    except (Damaged, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read {file}: {reason}; {AGAIN}") from None
