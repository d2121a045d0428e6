"""Holes in grids: what failed where everything else was computed, said when all is done."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from qhu.errors import Incomplete, QhuError
from qhu.record.counts import count_of
from qhu.record.folder import FailedCell, RunFolder
from qhu.terminal import say

MOST = 20
"""Lines about cells; ``run.json`` has all of them."""


class RunOutcome(NamedTuple):
    """What came of a run: its folder, and what failed in it."""

    folder: Path
    failed: list[FailedCell]

    @property
    def is_usable(self) -> bool:
        """Whether the folder has results, with holes or without."""
        record = RunFolder(self.folder).record()
        return record is not None and record.status in ("finished", "incomplete")


def usable(outcomes: Mapping[str, RunOutcome]) -> dict[str, Path]:
    """Folders of the runs that have results.

    Raises:
        QhuError: none has.
    """
    folders = {name: outcome.folder for name, outcome in outcomes.items() if outcome.is_usable}
    failed = [hole for outcome in outcomes.values() for hole in outcome.failed]
    if failed and not folders:
        raise QhuError(f"every cell failed: {failed[0]}")
    return folders


def refuse_holes(
    holes: Mapping[str, Sequence[object]], made: Path, console: Console, unit: str = "cell"
) -> None:
    """Say what failed, a line each.

    Args:
        holes: by the name of the run, empty where there is only one; cells, or what they are.
        made: what is written but for them.
        console: where it is said.
        unit: what failed.

    Raises:
        Incomplete: anything failed.
    """
    lines = [
        f"failed: {' '.join(filter(None, (title, str(hole))))}"
        for title, failed in holes.items()
        for hole in failed
    ]
    if not lines:
        return
    more = [f"… and {len(lines) - MOST} more: run.json has them"] if len(lines) > MOST else []
    for line in [*lines[:MOST], *more]:
        say(line, console)
    count = count_of(len(lines), unit)
    raise Incomplete(f"{count} failed, all else is done; the same command tries again", made)
