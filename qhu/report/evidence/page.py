"""The page of a study of evidence: the answer, then what it rests on."""

from dataclasses import dataclass
from pathlib import Path

from qhu.record.folder import RunFolder
from qhu.report.answer import ScenarioAnswer, answer
from qhu.report.evidence.figures import drift_panel, forest_panel
from qhu.report.evidence.files import EvidenceFiles, load_evidence
from qhu.report.evidence.ranking import ACCEPTABLE, MetricRanking, rank_metrics
from qhu.report.evidence.tables import EvidenceTable, tables
from qhu.report.evidence.verdicts import equivalent, verdict_table
from qhu.report.facts import Pairs, flatten
from qhu.report.panels import Panel
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.templates import fill


@dataclass(frozen=True)
class EvidenceSection:
    """One scenario: its answer, its verdicts, the evidence behind them."""

    anchor: str
    scenario: str
    answer: ScenarioAnswer
    forest: Panel
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
        about=flatten(files.about),
    )
    RunFolder(folder).write_text("evidence.html", text)
    return folder / "evidence.html"


def _section(
    anchor: str, files: EvidenceFiles, scenario: str, ranking: MetricRanking
) -> EvidenceSection:
    verdicts = verdict_table(files, scenario)
    rows = files.evidence[files.evidence["scenario"] == scenario]
    unit = str(files.about.get("unit", ""))
    return EvidenceSection(
        anchor=anchor,
        scenario=scenario,
        answer=answer(verdicts, equivalent(files), "retrain"),
        forest=forest_panel(anchor, verdicts.rows, files.primary, files.margin, unit),
        tables=tables(rows, verdicts.rows, files.primary, ranking.weak) if len(rows) else [],
        drift=drift_panel(anchor, rows, verdicts.rows, files.primary),
    )


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
