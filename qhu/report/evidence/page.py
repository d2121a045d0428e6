"""The page of a study of evidence: the answer, then what it rests on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qhu.record.folder import RunFolder
from qhu.report.answer import ScenarioAnswer, answer
from qhu.report.evidence.figures import drift_panel, forest_panels
from qhu.report.evidence.files import EvidenceFiles, load_evidence
from qhu.report.evidence.ranking import ACCEPTABLE, MetricRanking, rank_metrics
from qhu.report.evidence.tables import EvidenceTable, tables
from qhu.report.evidence.verdicts import equivalent, verdict_table
from qhu.report.facts import Pairs, as_text, flatten
from qhu.report.panels import Panel
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.tables import number
from qhu.report.templates import fill

BULKY = ("files", "metrics", "cites", "checksum", "power")
"""What ``run.json`` holds for programs, or for a table of its own."""


@dataclass(frozen=True)
class EvidenceSection:
    """One scenario: its answer, its verdicts, the evidence behind them."""

    anchor: str
    scenario: str
    answer: ScenarioAnswer
    forests: list[Panel]
    tables: list[EvidenceTable]
    drift: Panel | None


def write_evidence(folder: Path) -> Path:
    """Write ``evidence.html`` into the folder of a study, from its own files alone.

    Returns:
        Path of the page.

    Raises:
        UserError: a file is missing, damaged or empty.
    """
    files = load_evidence(folder)
    ranking = rank_metrics(files.metrics)
    sections = [
        _section(f"s{number}", files, str(scenario), ranking)
        for number, scenario in enumerate(files.verdicts["scenario"].unique())
    ]
    text = fill(
        "evidence/evidence.html.jinja",
        name=files.name,
        facts=_facts(files),
        answered=[(section.scenario, section.answer) for section in sections],
        sections=sections,
        primary=files.primary,
        margin=f"{files.margin:g}",
        ranking=ranking,
        acceptable=ACCEPTABLE,
        power=_power(files.about.get("power", [])),
        about=flatten({k: v for k, v in files.about.items() if k not in BULKY}),
    )
    RunFolder(folder).write_text("evidence.html", text)
    return folder / "evidence.html"


def _section(
    anchor: str, files: EvidenceFiles, scenario: str, ranking: MetricRanking
) -> EvidenceSection:
    verdicts = verdict_table(files, scenario)
    rows = files.evidence[files.evidence["scenario"] == scenario]
    return EvidenceSection(
        anchor=anchor,
        scenario=scenario,
        answer=answer(verdicts, equivalent(files), "retrain"),
        forests=forest_panels(anchor, verdicts, files.primary, files.margin),
        tables=tables(rows, verdicts.rows, files.primary, ranking.weak) if len(rows) else [],
        drift=drift_panel(anchor, rows, verdicts.rows, files.primary),
    )


def _power(designs: list[dict[str, Any]]) -> list[list[str]]:
    """What pools of other sizes could see: heads, then a line per design; empty for none."""
    if not designs:
        return []
    heads = [name.replace("_", " ") for name in designs[0]]
    return [heads, *([_figure(value) for value in design.values()] for design in designs)]


def _figure(value: Any) -> str:
    return number(value) if isinstance(value, float) else as_text(value)


def _facts(files: EvidenceFiles) -> Pairs:
    methods = [m for m in files.verdicts["method"].unique() if m not in REFERENCE_METHODS]
    facts = [
        ("pool", f"{files.about['pool']:,} models"),
        ("time", _duration(float(files.about["seconds"]))),
        ("methods", f"{len(methods)}, beside none and retrain"),
        ("declared attack", files.primary),
        ("margin of its AUC", f"0.5 ± {files.margin:g}"),
    ]
    unit = files.about.get("unit")
    return [*facts, ("unit of inference", str(unit))] if unit else facts


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
