"""What the build adds to pages: an example figure, the sources, the output of tutorials."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import illustrate
import reference
import settings

from qhu import registry
from qhu.record.references import formatted, resolve

FIGURES = {
    "methods": illustrate.method_figure,
    "metrics": illustrate.metric_figure,
    "backends": illustrate.backend_figure,
}
COMMANDS = re.compile(r"^```sh\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def complete(app: Any, page: str, source: list[str]) -> None:
    """Sphinx's ``source-read``: change the text of a page in place."""
    folder, _, name = page.partition("/")
    if page == "reference":
        source[0] += f"\n{reference.public()}\n"
    elif page == "settings":
        source[0] += f"\n{settings.listed()}"
    elif folder in ("tutorials", "notebooks"):
        source[0] = COMMANDS.sub(_with_output, source[0])
    elif folder in ("networks", "evidence") and name in registry.REGISTRIES:
        entries = registry.REGISTRIES[name]
        source[0] += _sources(tuple(c for entry in entries.names() for c in entries[entry].cites))
    elif folder in FIGURES and name in getattr(registry, folder.removesuffix("s")).names():
        entry = getattr(registry, folder.removesuffix("s"))[name]
        source[0] += _example(FIGURES[folder](name)) + _sources(entry.cites)


def keep_pages(app: Any, error: Exception | None) -> None:
    """Sphinx's ``build-finished``: reports that notebooks link lie where their links lead."""
    for report in illustrate.NOTEBOOKS.rglob("*.html"):
        kept = Path(app.outdir) / "notebooks" / report.relative_to(illustrate.NOTEBOOKS)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(report, kept)


def _with_output(block: re.Match[str]) -> str:
    """A block of commands and what they print."""
    try:
        printed = illustrate.shell(block[1])
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{block[1]}{error.stderr}") from None
    lines = [line.rstrip() for line in printed.splitlines() if "━" not in line]  # no progress bars
    text = "\n".join(lines).strip("\n")
    return f"{block[0]}\n```text\n{text}\n```\n" if text else block[0]


def _example(panel: illustrate.Panel | None) -> str:
    if panel is None:
        return ""
    name = f"{panel.drawing.name}.svg"
    (illustrate.FOLDER / name).write_text(panel.drawing.svg, encoding="utf-8")
    seen = ElementTree.fromstring(panel.drawing.markup).attrib["aria-label"]
    figure = f"```{{figure}} ../generated/{name}\n:alt: {seen}\n\n{panel.caption}\n```"
    return f"\n## Example\n\n{figure}\n"


def _sources(cites: tuple[str, ...]) -> str:
    references = formatted("\n".join(resolve(cites).values()))
    lines = "".join(f"- {' '.join(text.split())}\n" for text in references.values())
    return f"\n## Sources\n\n{lines}" if lines else ""
