"""Removing run folders, and with the last run that needs them the stages of the store."""

import re
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from qhu.errors import UserError
from qhu.record.claim import claimed
from qhu.record.folder import RECORD
from qhu.record.receipt import RECEIPTS
from qhu.record.shelf import RUNS, STORE, ShelvedRun, shelf
from qhu.record.store import Store

AGES = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class Removal(NamedTuple):
    """What goes.

    Attributes:
        root: the folder of runs.
        runs: folders of runs, and all that lies in them.
        stages: files of stages that no run that stays says it needs.
    """

    root: Path
    runs: tuple[ShelvedRun, ...]
    stages: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes that it frees."""
        return sum(run.size for run in self.runs) + sum(f.stat().st_size for f in self.stages)


def removal(
    folders: Sequence[Path], older: str | None = None, keep: str | None = None, root: Path = RUNS
) -> Removal:
    """What is to be removed: nothing is, yet.

    A run in progress stays, and so does a folder around a run that stays. Stages go with the runs
    that list them, unless a run that stays lists them, too; those of runs that list none stay.
    What devices answered is no run's: it stays in ``ledger``.

    Args:
        folders: these runs.
        older: runs that ended longer ago, such as ``30d``, ``12h`` or ``2w``.
        keep: the oldest runs, until all together take no more, such as ``5GB``.
        root: the folder of runs.

    Raises:
        UserError: nothing or two things are asked for, a folder holds no run of ``root``, or a
            process works in it.
    """
    if sum((bool(folders), older is not None, keep is not None)) != 1:
        raise UserError("say what goes: run folders, --older 30d, or --keep 5GB")
    runs = shelf(root)
    if folders:
        chosen = [run for folder in folders for run in _named(folder, runs, root)]
    elif older is not None:
        before = datetime.now(UTC) - age(older)
        chosen = [run for run in runs if run.changed < before]
    else:
        chosen = _beyond(runs, amount(keep or ""))
    chosen = list(dict.fromkeys(_without_stayers(chosen, runs)))
    return Removal(root, tuple(chosen), tuple(_orphans(chosen, runs, root)))


def remove(asked: Removal, say: Callable[[str], None]) -> None:
    """Remove it, each folder as nobody else works in it.

    Args:
        asked: what goes.
        say: told of a folder that a process has begun to work in meanwhile, which stays.
    """
    stay = False
    for run in sorted(asked.runs, key=lambda run: len(run.path.parts), reverse=True):
        try:
            with claimed(run.path, RECORD):
                shutil.rmtree(run.path)
        except UserError as error:
            stay = True
            say(str(error))
        _remove_empty(run.path.parent, asked.root)
    shutil.rmtree(asked.root / RECEIPTS.name, ignore_errors=True)  # they save a second each
    for file in () if stay else asked.stages:
        file.unlink(missing_ok=True)


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder inside the root, and those around it, as far as nothing is in them."""
    while folder != root and folder.is_relative_to(root) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def age(text: str) -> timedelta:
    """A time such as ``30d``.

    Raises:
        UserError: it is none.
    """
    parsed = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if not parsed:
        raise UserError(f"--older takes a time such as 30d, 12h or 2w (got '{text}')")
    return timedelta(**{AGES[parsed[2]]: int(parsed[1])})


def amount(text: str) -> int:
    """Bytes in a size such as ``5GB`` or ``500 MB``.

    Raises:
        UserError: it is none.
    """
    parsed = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?) ?([kMGT]?)B?", text)
    if not parsed:
        raise UserError(f"--keep takes a size such as 5GB or 500MB (got '{text}')")
    return int(float(parsed[1]) * SIZES[parsed[2]])


def _named(folder: Path, runs: Sequence[ShelvedRun], root: Path) -> list[ShelvedRun]:
    """The runs in a folder that is one, or that holds nothing else."""
    place = folder.resolve()
    if not place.is_relative_to(root.resolve()) or place == root.resolve():
        raise UserError(f"{folder} is no folder inside {root}: qhu removes nothing else")
    inside = [run for run in runs if run.path.resolve().is_relative_to(place)]
    if not any(run.path.resolve() == place for run in inside):
        raise UserError(f"{folder} is no run folder: `qhu runs` lists them")
    if working := [run.path for run in inside if run.status == "running"]:
        raise UserError(f"a process works in {working[0]}: wait for it, or stop it")
    return inside


def _beyond(runs: Sequence[ShelvedRun], most: int) -> list[ShelvedRun]:
    """The oldest runs, so many that the others take no more than ``most`` bytes."""
    total, chosen = sum(run.size for run in runs), list[ShelvedRun]()
    for run in sorted(runs, key=lambda run: run.changed):
        if total <= most:
            break
        if run.status != "running":
            chosen.append(run)
            total -= run.size
    return chosen


def _without_stayers(chosen: Sequence[ShelvedRun], runs: Sequence[ShelvedRun]) -> list[ShelvedRun]:
    """Of the chosen runs those in which no process works and no run lies that stays."""
    stay = [run.path for run in runs if run not in chosen or run.status == "running"]
    return [run for run in chosen if not any(path.is_relative_to(run.path) for path in stay)]


def _orphans(chosen: Sequence[ShelvedRun], runs: Sequence[ShelvedRun], root: Path) -> list[Path]:
    """Files of the stages that go: nobody at work may be about to need one."""
    if any(run.status == "running" for run in runs):
        return []
    store = Store(root / STORE)
    needed = set().union(*(run.stages() for run in runs if run not in chosen))
    gone = set().union(*(run.stages() for run in chosen)) - needed
    return sorted(file for key in gone for file in store.files(key))
