"""The verdicts on methods in two runs, each judged as its own page judges it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from qhu.record.counts import count_of
from qhu.report.claims import MOST_NAMED
from qhu.report.frames import RunFiles
from qhu.report.run_tests import by_section, page_tests
from qhu.report.run_verdicts import conclusions
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.verdicts import CONCLUSIONS, chip, place

CELL = ["scenario", "method", "seed"]
FIGURES = ("depolarizing", "readout", "t1", "t2")
"""Options that give the noise of a simulator in figures."""
OUTCOMES = ("calibrated", "circuit", "expectation", "method", "notes", "placement", "versions")
"""What a backend records of itself that follows from its options, or is no option."""


class MethodVerdicts(NamedTuple):
    """The verdicts on a method in a scenario, of the reference and of the run."""

    scenario: str
    method: str
    before: str
    after: str

    @property
    def chips(self) -> tuple[Markup, Markup]:
        """Both as they are shown."""
        return chip(self.before), chip(self.after)


class VerdictPairs(NamedTuple):
    """All verdicts of two runs.

    Attributes:
        differs: in what the runs differ, in words; empty where their options are the same.
        letters: what the two runs are called in short.
        pairs: of every method that both have, the honest rows left out.
    """

    differs: list[str]
    letters: tuple[str, str]
    pairs: list[MethodVerdicts]

    @property
    def changed(self) -> list[MethodVerdicts]:
        """Those that differ, by scenario and by the verdict of the reference."""
        pairs = [pair for pair in self.pairs if pair.before != pair.after]
        scenarios = list(dict.fromkeys(pair.scenario for pair in self.pairs))
        return sorted(pairs, key=lambda pair: (scenarios.index(pair.scenario), place(pair.before)))

    @property
    def sentence(self) -> str:
        """Whether anything changes a verdict."""
        subject = " and ".join(self.differs) or "doing the same again"
        subject = subject[0].upper() + subject[1:]
        verb = "change" if len(self.differs) > 1 or self.differs == ["shots"] else "changes"
        if not self.pairs:
            return "No verdicts to compare: the runs have no score that verdicts rest on."
        if all(pair.before == pair.after == "cannot tell" for pair in self.pairs):
            return "No verdicts to compare: of no method can anything be told in either run."
        changed = len(self.changed)
        if not changed:
            return f"{subject} {verb} no method's verdict."
        unsure = all("cannot tell" in pair[2:] for pair in self.changed)
        kind = ", to or from “cannot tell”" if unsure else ""
        return f"{subject} {verb} {changed} of {count_of(len(self.pairs), 'verdict')}{kind}."

    @property
    def details(self) -> str:
        """Which verdicts change where they are few, else how many of a kind; what stays."""
        sentences = []
        if self.changed:
            first, second = self.letters
            sentences.append(f"From {first} to {second}: {'; '.join(self._moves())}.")
        same = Counter(pair.before for pair in self.pairs if pair.before == pair.after)
        if same:
            counts = [f"{same[name]} {_words(name)}" for name in CONCLUSIONS if same[name]]
            sentences.append(f"The same in both: {', '.join(counts)}.")
        return " ".join(sentences)

    def _moves(self) -> list[str]:
        if len(self.changed) <= MOST_NAMED:
            return [
                f"{pair.method} ({pair.scenario}) {_move(pair.before, pair.after)}"
                for pair in self.changed
            ]
        moves = Counter((pair.before, pair.after) for pair in self.changed)
        return [f"{count} {_move(*verdicts)}" for verdicts, count in moves.items()]


def _words(verdict: str) -> str:
    return CONCLUSIONS[verdict].words


def _move(before: str, after: str) -> str:
    return f"{_words(before)} → {_words(after)}"


def verdict_pairs(
    runs: tuple[RunFiles, RunFiles], letters: tuple[str, str], differs: list[str]
) -> VerdictPairs:
    """The verdicts of two runs, from the seeds of methods that both have.

    Args:
        runs: the reference and the run, without scores of other backends than their own.
        letters: what they are called.
        differs: in what they differ, in words.
    """
    first, second = (run.results[CELL].drop_duplicates() for run in runs)
    shared = first.merge(second, on=CELL)
    before, after = (_verdicts(run, shared) for run in runs)
    pairs = [
        MethodVerdicts(*key, before[key], after[key])
        for key in before
        if key in after and key[1] not in REFERENCE_METHODS
    ]
    return VerdictPairs(differs, letters, pairs)


def _verdicts(run: RunFiles, cells: pd.DataFrame) -> dict[tuple[str, str], str]:
    """By scenario and method, from some cells of a run."""
    results = run.results.merge(cells, on=CELL)
    tests = page_tests(results, run.scores)
    return {
        (key[1], method): verdict
        for key, rows in by_section(results).items()
        for method, verdict in conclusions(rows, tests[key]).items()
    }


def differing(reference: Mapping[str, Any], run: Mapping[str, Any]) -> list[str]:
    """In what two evaluations differ, in words, from their options as they took effect.

    The device, the noise or the shots where one of these differs; else the options that do.
    """
    devices = [options.get("device") for options in (reference, run)]
    words = []
    if all(devices) and devices[0] != devices[1]:
        words.append("the device")
    elif _noise(reference) != _noise(run):
        words.append("noise")
    if reference.get("shots") != run.get("shots"):
        words.append("shots")
    return words or _other_options(reference, run)


def _noise(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """What gives the noise: a device, or figures that are not 0."""
    if device := options.get("device"):
        return {"device": device}
    figures = {name: options.get(name) for name in FIGURES}
    return {name: value for name, value in figures.items() if value and value != [0, 0]}


def _other_options(reference: Mapping[str, Any], run: Mapping[str, Any]) -> list[str]:
    names = dict.fromkeys([*reference, *run])
    return [
        name.replace("_", " ")
        for name in names
        if name not in OUTCOMES and reference.get(name) != run.get(name)
    ]
