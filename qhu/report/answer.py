"""The answer first: what the verdicts of a scenario come to, and the table of them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from qhu.record.counts import count_of
from qhu.report.claims import MOST_NAMED, least_seen
from qhu.report.forest import ForestRow
from qhu.report.statistics import MIN_SEEDS, Estimate
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.tables import TableCell, number
from qhu.report.verdicts import CONCLUSIONS, chip, mark, place


class UnlearningCost(NamedTuple):
    """Optimiser steps of a method and the seconds that it took on one thread, NaN if not known."""

    steps: float = math.nan
    seconds: float = math.nan

    def over(self, other: "UnlearningCost") -> "UnlearningCost":
        """Shares of another cost, NaN where that is 0."""
        pairs = zip(self, other, strict=True)
        return UnlearningCost(*(own / its if its > 0 else math.nan for own, its in pairs))


class MethodVerdict(NamedTuple):
    """A method's verdict, and what it rests on.

    Attributes:
        method: its name.
        verdict: one of :data:`~qhu.report.verdicts.CONCLUSIONS`.
        leaks: what the verdict rests on, one value or more, with the intervals of the tests of
            difference.
        utility: test accuracy minus the oracle's, with the interval that ``kept`` rests on.
        kept: what follows from that, in a word; empty where nothing is claimed.
        cost: optimiser steps, NaN where that is not known.
        share: the same in those of training from scratch.
        smallest: smallest difference that the design sees with 80 % power.
        seconds: that it took on one thread, NaN where that is not known.
        seconds_share: the same in those of training from scratch.
        inner: per value of ``leaks`` the interval that has to lie in the margin of a method that
            forgot; none where they are not known.
    """

    method: str
    verdict: str
    leaks: tuple[Estimate, ...]
    utility: Estimate
    kept: str
    cost: float
    share: float
    smallest: float
    seconds: float = math.nan
    seconds_share: float = math.nan
    inner: tuple[tuple[float, float], ...] = ()

    @property
    def decisive(self) -> tuple[Estimate, ...]:
        """The values that the verdict rests on, each with the interval that it rests on."""
        if self.verdict != "indistinguishable" or not self.inner:
            return self.leaks
        pairs = zip(self.leaks, self.inner, strict=True)
        return tuple(leak._replace(low=ends[0], high=ends[1]) for leak, ends in pairs)

    @property
    def honest(self) -> bool:
        """Whether it is a row that others are read against."""
        return self.method in REFERENCE_METHODS

    @property
    def chip(self) -> Markup:
        """The verdict as it is shown."""
        return chip(self.verdict)

    @property
    def steps(self) -> str:
        """UnlearningCost in words."""
        return "–" if math.isnan(self.cost) else f"{self.cost:,.0f}"

    @property
    def share_in_words(self) -> str:
        """UnlearningCost beside that of training from scratch; empty where one is not known."""
        return _share(self.share)

    @property
    def seconds_in_words(self) -> str:
        """Seconds; a dash where they are not known."""
        return in_seconds(self.seconds) or "–"

    @property
    def seconds_share_in_words(self) -> str:
        """Seconds beside those of training from scratch; empty where one is not known."""
        return _share(self.seconds_share)

    @property
    def smallest_in_words(self) -> str:
        """The smallest difference seen."""
        return number(self.smallest) if math.isfinite(self.smallest) else "–"

    def forest_row(self, which: int = 0) -> ForestRow:
        """The method in the forest plot of one of the values that its verdict rests on."""
        inner = self.inner[which] if self.inner else None
        return ForestRow(self.method, self.leaks[which], self.verdict, inner)


class VerdictTable(NamedTuple):
    """Verdicts of a scenario, in the order in which they are shown.

    ``heads`` names the values that they rest on; ``signed`` ones are differences to the oracle;
    ``retraining`` is what training from scratch takes.
    """

    heads: tuple[str, ...]
    signed: bool
    rows: list[MethodVerdict]
    retraining: UnlearningCost = UnlearningCost()

    @property
    def again(self) -> tuple[str, str]:
        """Steps and seconds of training from scratch; empty where they are not known."""
        steps, seconds = self.retraining
        return "" if math.isnan(steps) else f"{steps:,.0f}", in_seconds(seconds)

    def leaks(self, row: MethodVerdict) -> list[TableCell]:
        """What the verdict of a row rests on, as it is shown."""
        return [shown(value, self.signed) for value in row.decisive]

    def utility(self, row: MethodVerdict) -> TableCell:
        """Its utility, as it is shown."""
        return shown(row.utility, signed=True)._replace(note=row.kept)


def in_seconds(value: float) -> str:
    """Seconds to two digits; empty where they are not known."""
    if math.isnan(value):
        return ""
    return f"{value:,.0f} s" if value >= 10 else f"{value:.2g} s"


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2g} × retrain"


def ordered(rows: Sequence[MethodVerdict]) -> list[MethodVerdict]:
    """Honest rows first; then by conclusion, the most useful method first."""

    def key(row: MethodVerdict) -> tuple[bool, int, float]:
        if row.honest:
            return False, REFERENCE_METHODS.index(row.method), 0
        mean = row.utility.mean
        return True, place(row.verdict), math.inf if math.isnan(mean) else -mean

    return sorted(rows, key=key)


def shown(value: Estimate, signed: bool = False) -> TableCell:
    """A value with its interval; a dash where it was not measured."""
    return TableCell() if math.isnan(value.mean) else TableCell(value, signed)


class VerdictCount(NamedTuple):
    """How many methods have a verdict, what it says, and which; empty where too many to name.

    ``verdict`` is empty where no method has the one that was asked for.
    """

    verdict: str
    text: str
    note: str
    names: str

    @property
    def marker(self) -> Markup:
        """The verdict's marker."""
        return mark(self.verdict) if self.verdict else Markup()


class ScenarioAnswer(NamedTuple):
    """What the verdicts of a scenario come to."""

    opening: str
    parts: list[VerdictCount]
    caveats: list[str]
    table: VerdictTable

    @property
    def sentence(self) -> str:
        """All of it but the caveats in one sentence."""
        parts = (f"{part.text}{part.note}{part.names and f': {part.names}'}" for part in self.parts)
        return f"{self.opening}, {'; '.join(parts)}."


def answer(table: VerdictTable, equivalent: str, control: str) -> ScenarioAnswer:
    """How many methods forgot, which, and what is to be said of the others.

    Args:
        table: the verdicts.
        equivalent: what was shown of a method that forgot.
        control: the row of a method that is perfect.
    """
    tried = [row for row in table.rows if not row.honest]
    texts = {
        "indistinguishable": ("forgot", f", {equivalent}"),
        "forgot": ("forgot the rows", ", and differ from retraining on all rows alike"),
        "cannot tell": ("cannot be told", f" ({_smallest(tried)})"),
    }
    parts = []
    for verdict, look in CONCLUSIONS.items():
        text, note = texts.get(verdict, (look.words, ""))
        methods = [row.method for row in tried if row.verdict == verdict]
        if methods:
            names = ", ".join(methods)
            if verdict != "indistinguishable" and len(methods) > MOST_NAMED:
                names = ""  # the table names them; those that forgot are what was asked for
            parts.append(VerdictCount(verdict, f"{len(methods)} {text}", note, names))
        elif verdict == "indistinguishable" and tried:
            parts.append(VerdictCount("", "none is shown to have forgotten", "", ""))
    if not tried:
        parts.append(VerdictCount("", "none was tried", "", ""))
    opening = f"Of {count_of(len(tried), 'method')}"
    return ScenarioAnswer(opening, parts, _caveats(table, control), table)


def _few_seeds(rows: Sequence[MethodVerdict]) -> int:
    """How many seeds there are where they are too few to claim anything, else 0."""
    seeds = max((value.seeds for row in rows for value in row.leaks), default=0)
    return seeds if seeds < MIN_SEEDS else 0


def _smallest(rows: Sequence[MethodVerdict]) -> str:
    """How small a difference could have been seen, over the methods that cannot be told."""
    if seeds := _few_seeds(rows):
        return f"of {seeds} seed{'s' * (seeds != 1)} nothing is claimed, it takes {MIN_SEEDS}"
    values = [row.smallest for row in rows if row.verdict == "cannot tell"]
    return least_seen(values) or "nor how small a difference this could see"


def _caveats(table: VerdictTable, control: str) -> list[str]:
    """What keeps the verdicts of a scenario from meaning what they say."""
    by_method = {row.method: row for row in table.rows}
    sentences = []
    untouched, second = by_method.get("none"), by_method.get(control)
    if _few_seeds(table.rows):
        return []  # so few catch nothing: the answer says it
    if untouched and untouched.verdict != "did not forget":
        sentences.append(
            f"Doing nothing is not caught here ({_measured(table, untouched)}: "
            f"{CONCLUSIONS[untouched.verdict].words}). Where there is so little to see "
            "forgotten, a method that forgot is not shown to have done anything."
        )
    if second and second.verdict in ("did not forget", "over-forgot"):
        sentences.append(
            f"Retraining once more is set apart from retraining ({_measured(table, second)}): "
            "differences are found here that there are not; read no verdict of this scenario."
        )
    return sentences


def _measured(table: VerdictTable, row: MethodVerdict) -> str:
    values = [
        f"{head} {cell.value} {cell.interval}".strip()
        for head, cell in zip(table.heads, table.leaks(row), strict=True)
    ]
    return ", ".join(values)
