"""The report of a run: a page that opens offline, and its figures and tables as files."""

from collections.abc import Iterator
from pathlib import Path

from qhu.record.folder import RunFolder
from qhu.record.references import formatted
from qhu.report import facts
from qhu.report.design import by_topic, design
from qhu.report.exports import table_files
from qhu.report.frames import RunFiles, load_run
from qhu.report.panels import Panel, numbered
from qhu.report.run import methods
from qhu.report.run.beside import beside_tables
from qhu.report.run.figures import training_curves
from qhu.report.run.sections import ScenarioSection, sections
from qhu.report.svg import as_pdf, inline
from qhu.report.templates import fill
from qhu.report.verdicts import MARGIN, UTILITY_MARGIN


def write_report(folder: Path) -> Path:
    """Write the report of a run folder, from the run's own files alone.

    ``report.html``, ``figures/*.svg`` and ``*.pdf``, ``tables/*.csv``, ``*.tex`` and ``*.md``,
    ``methods.md`` and ``methods.tex``.

    Returns:
        Path of the page.

    Raises:
        UserError: it is no run folder, or one of its files is missing, damaged or empty.
    """
    out = RunFolder(folder)
    for name, content in report_files(load_run(folder)):
        out.write_bytes(name, content.encode() if isinstance(content, str) else content)
    return folder / "report.html"


def report_files(run: RunFiles) -> Iterator[tuple[str, str | bytes]]:
    """Name and content of every file of a report; the page comes last."""
    scenario_sections = sections(run.results, run.summary, run.scores, run.facts)
    curves = training_curves(run.losses)
    page = _page(run, scenario_sections, curves)  # first: it finds what is damaged
    panels = list[Panel]()
    for section in scenario_sections:
        panels += [*filter(None, [section.strip]), *section.forests, *section.panels]
    drawings = [panel.drawing for panel in (*panels, *curves)]
    names = numbered(drawing.name for drawing in drawings)
    for name, drawing, pdf in zip(names, drawings, as_pdf(drawings), strict=True):
        yield f"figures/{name}.svg", drawing.svg
        yield f"figures/{name}.pdf", pdf
    for section in scenario_sections:
        yield from table_files(f"tables/{section.name}-scores", section.scores)
        yield from table_files(f"tables/{section.name}-differences", section.tests)
    yield "methods.md", methods.as_markdown(run)
    yield "methods.tex", methods.as_latex(run)
    yield "report.html", page


def _page(run: RunFiles, scenario_sections: list[ScenarioSection], curves: list[Panel]) -> str:
    references = formatted(run.references)
    return fill(
        "run/report.html.jinja",
        record=run.record,
        facts=facts.key_facts(run),
        stages=facts.stages(run.settings, run.record),
        sections=scenario_sections,
        margin=f"{MARGIN:g}",
        utility_margin=f"{UTILITY_MARGIN:g}",
        beside=beside_tables(run.results, run.scores),
        emulated=any(options.get("emulated") for options in run.record.effective.values()),
        scenarios=facts.scenarios(run.settings, run.record),
        columns=facts.columns(run.scores.values()),
        design=by_topic(design(run.settings)),
        curves=curves,
        validated=run.losses["val_loss"].notna().any(),
        circuit=inline(run.circuit, "circuit-", "the circuit") if run.circuit else None,
        circuit_words=facts.circuit_words(run.settings.get("model", {})),
        methods=methods.as_html(run, list(references)),
        references=references,
        settings=facts.settings(run.settings, run.record.effective),
        effective={
            stage: facts.flatten(options) for stage, options in run.record.effective.items()
        },
        environment=facts.flatten(run.record.environment),
        costs=facts.flatten(run.record.costs),
        reported=facts.reported(run.facts),
    )
