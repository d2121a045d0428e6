"""The index of run folders: a page, a document and lines on screen."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from rich.console import Console
from rich.text import Text

from qhu.record.folder import RunFolder
from qhu.record.shelf import RUNS, ShelvedRun, shelf
from qhu.report.index.differences import Flat, differences
from qhu.report.templates import fill
from qhu.terminal import say

PAGE = "index.html"
MOST = 6
"""Differences that a line names."""


class RunIndex(NamedTuple):
    """The run folders below a folder, the newest first, each with what sets it apart."""

    root: Path
    entries: list[tuple[ShelvedRun, Flat]]


def indexed(root: Path = RUNS) -> RunIndex:
    """The index of a folder."""
    runs = shelf(root)
    by_folder = differences(runs)
    return RunIndex(root, [(run, by_folder[run.path]) for run in runs])


def write_index(index: RunIndex) -> Path:
    """Write the page of an index into its folder; its path.

    Raises:
        UserError: it cannot be written.
    """
    lines = [
        {
            "run": run,
            "link": _link(run, index.root),
            "apart": in_words(apart),
            "when": run.changed.isoformat(" ", "minutes")[:16],
            "size": size(run.size),
        }
        for run, apart in index.entries
    ]
    RunFolder(index.root).write_text(PAGE, fill("index/index.html.jinja", lines=lines))
    return index.root / PAGE


def index_runs(folders: Iterable[Path]) -> None:
    """Write the page of ``runs/`` again, where one of the folders lies in it."""
    if any(folder.resolve().is_relative_to(RUNS.resolve()) for folder in folders):
        write_index(indexed())


def index_document(index: RunIndex) -> list[dict[str, Any]]:
    """The same, JSON-serialisable."""
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
        for run, apart in index.entries
    ]


def print_index(index: RunIndex, console: Console) -> None:
    """Print every run in two or three lines: the newest first."""
    for run, apart in index.entries:
        words = (run.kind, run.backend and f"on {run.backend}", run.status)
        facts = ", ".join([*filter(None, words), f"{age(run.changed)} old", size(run.size)])
        style = "" if run.status == "finished" else "yellow"
        console.print(Text.assemble((run.name, "bold"), "  ", (facts, style)))
        if apart:
            console.print(Text(f"  {in_words(apart)}"))
        console.print(Text(f"  {run.path}"), soft_wrap=True)
    if not index.entries:
        say(f"no run below {index.root}", console)


def in_words(apart: Flat) -> str:
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


def _link(run: ShelvedRun, root: Path) -> str:
    return quote(run.page.relative_to(root).as_posix()) if run.page else ""
