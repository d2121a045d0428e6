"""The index of run folders: a page, a document and lines on screen."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.text import Text

from qhu.record.folder import RunFolder
from qhu.record.shelf import RUNS, ShelvedRun, shelf
from qhu.report.index.differences import differences
from qhu.report.templates import fill

PAGE = "index.html"
MOST = 6
"""Differences that a line names."""


def write_index(root: Path = RUNS) -> Path:
    """Write the page of all runs below a folder; its path.

    Raises:
        UserError: it cannot be written.
    """
    runs = shelf(root)
    lines = [
        {
            "run": run,
            "link": _link(run, root),
            "apart": in_words(apart),
            "when": run.changed.isoformat(" ", "minutes")[:16],
            "size": size(run.size),
        }
        for run, apart in zip(runs, _apart(runs), strict=True)
    ]
    RunFolder(root).write_text(PAGE, fill("index/index.html.jinja", lines=lines))
    return root / PAGE


def index_runs(folders: Iterable[Path]) -> None:
    """Write the page of ``runs/`` again, where one of the folders lies in it."""
    if any(folder.resolve().is_relative_to(RUNS.resolve()) for folder in folders):
        write_index()


def index_document(root: Path = RUNS) -> list[dict[str, Any]]:
    """The same, JSON-serialisable."""
    runs = shelf(root)
    return [
        {
            "folder": str(run.path),
            "kind": run.kind,
            "name": run.name,
            "backend": run.backend or None,
            "differs": apart,
            "status": run.status,
            "changed": run.changed.isoformat(timespec="seconds"),
            "seconds": run.seconds,
            "bytes": run.size,
            "page": str(run.page) if run.page else None,
        }
        for run, apart in zip(runs, _apart(runs), strict=True)
    ]


def print_index(console: Console, root: Path = RUNS) -> None:
    """Print every run in two or three lines: the newest first."""
    runs = shelf(root)
    for run, apart in zip(runs, _apart(runs), strict=True):
        words = (run.kind, run.backend and f"on {run.backend}", run.status)
        facts = ", ".join([*filter(None, words), f"{age(run.changed)} old", size(run.size)])
        style = "" if run.status == "finished" else "yellow"
        console.print(Text.assemble((run.name, "bold"), "  ", (facts, style)))
        if apart:
            console.print(Text(f"  {in_words(apart)}"))
        console.print(Text(f"  {run.path}"), soft_wrap=True)
    if not runs:
        console.print(f"no run below {root}", highlight=False, soft_wrap=True)


def in_words(apart: dict[str, str]) -> str:
    """What sets a run apart, such as ``seeds=0-4, model.ansatz.layers=3``."""
    named = [f"{key}={value}" for key, value in apart.items()]
    more = [f"{len(named) - MOST} more"] if len(named) > MOST else []
    return ", ".join([*named[:MOST], *more])


def age(moment: datetime) -> str:
    """Time since a moment in its largest unit."""
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def size(count: int) -> str:
    """Bytes in words."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"


def _apart(runs: Sequence[ShelvedRun]) -> list[dict[str, str]]:
    by_folder = differences(runs)
    return [by_folder[run.path] for run in runs]


def _link(run: ShelvedRun, root: Path) -> str:
    return quote(run.page.relative_to(root).as_posix()) if run.page else ""
