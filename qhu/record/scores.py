"""How a score is read: declared with its metric, recorded in ``run.json``, followed by reports."""

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

ROWS = {
    "retain": "retain rows",
    "forget": "forget rows",
    "test": "test rows",
    "test_kept": "test rows, kept classes",
    "test_forgotten": "test rows, forgotten class",
}
"""Subsets that scores are taken on, by the suffix of the score's name."""
Against = Literal["retrain", "floor", 0] | None
Better = Literal["lower", "higher"] | None
Span = tuple[float | None, float | None]


class _Frozen(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Score(_Frozen):
    """How the values of one score are read, as ``run.json`` holds it."""

    name: str
    """name of the score, such as ``kl_forget``"""
    metric: str
    """registered name of the metric that returns it"""
    rows: str
    """subset that it is taken on; empty where its name has no such suffix"""
    title: str
    """what it is, in words"""
    explained: str
    """first line of the metric's description"""
    against: Against
    """as in :class:`Reading`"""
    better: Better
    """as in :class:`Reading`"""
    span: Span
    """as in :class:`Reading`"""
    headline: bool
    """whether the main table and the figures show it"""
    claimed: bool
    """whether methods are tested in it, and sentences say what was found"""
    above: str
    """what is said of a method whose value is above that of the row it is read against"""
    below: str
    """what is said of one below"""
    tradeoff: bool
    """as in :class:`Reading`"""

    @property
    def stem(self) -> str:
        """Its name without the suffix of its subset."""
        return self.name.removesuffix(f"_{self.rows}")

    @property
    def relative(self) -> bool:
        """Whether it compares with the oracle, whose own row then says nothing."""
        return self.against in ("floor", 0)

    @property
    def signed(self) -> bool:
        """Whether its values are differences."""
        return self.against == 0

    @property
    def distance(self) -> bool:
        """Whether 0 is the oracle's own value and larger values are farther from it."""
        return self.against == "floor" and self.better == "lower" and self.span[0] == 0

    @property
    def share(self) -> bool:
        """Whether its values lie in [0, 1]."""
        return self.span == (0, 1)

    @property
    def reach(self) -> float:
        """Size of the largest difference that two of its values can have."""
        least, most = self.span
        return math.inf if least is None or most is None else most - least

    @property
    def reference(self) -> str | None:
        """The row that it is read against; None: no row of the run is its goal."""
        return "retrain" if self.against == 0 else self.against  # the oracle's difference is 0


class Reading(_Frozen):
    """What a metric declares of its scores: their title, their goal and where they are shown."""

    title: str
    """what the scores are, in words, with their unit"""
    against: Against
    """what the values are read against: ``retrain``, the oracle's own value is the goal; ``floor``,
    a distance or similarity to the oracle, whose goal is what a second oracle has; ``0``, the
    model's value minus the oracle's; None: nothing in the run is the goal"""
    better: Better = None
    """which values are better; None: the goal is the value itself, both sides miss it"""
    span: Span = (None, None)
    """smallest and largest value possible, which no interval passes; None: unbounded"""
    headline: tuple[str, ...] = ()
    """subsets whose scores the main table and the figures show; ``""``: the score without suffix"""
    claimed: tuple[str, ...] = ()
    """those of them that methods are tested in, and that sentences are about"""
    words: dict[str, tuple[str, str]] = {}
    """by subset, what it means to be above and to be below the oracle's value"""
    tradeoff: bool = False
    """whether its value on test rows says what utility is kept, and its value on forget rows what
    room there is to forget; for shares in [0, 1]"""

    @model_validator(mode="after")
    def _complete(self) -> "Reading":
        if self.against == "floor" and self.better is None:
            raise ValueError("read against the floor: say which values are better")
        if self.claimed and self.against is None:
            raise ValueError("claimed scores need a row to be read against")
        if not set(self.claimed) <= set(self.headline):
            raise ValueError("claimed subsets must be among those of the headline")
        if unknown := {*self.headline, *self.words} - {"", *ROWS}:
            raise ValueError(f"no such subset: {min(unknown)}; there are {', '.join(ROWS)}")
        if self.tradeoff and self.span != (0, 1):
            raise ValueError("a trade-off is one of shares: its span is (0, 1)")
        return self

    def score(self, name: str, metric: str, rows: str, explained: str) -> Score:
        """The reading of one score."""
        above, below = self._sides(rows)
        return Score(
            name=name,
            metric=metric,
            rows=rows,
            title=f"{self.title}, {ROWS[rows]}" if rows else self.title,
            explained=explained,
            against=self.against,
            better=self.better,
            span=self.span,
            headline=rows in self.headline,
            claimed=rows in self.claimed,
            above=above,
            below=below,
            tradeoff=self.tradeoff,
        )

    def _sides(self, rows: str) -> tuple[str, str]:
        if self.against == "floor":
            sides = ("farther from the oracle", "closer to the oracle")
            return sides if self.better == "lower" else sides[::-1]
        words = {None: ("", ""), "lower": ("worse", "better"), "higher": ("better", "worse")}
        above, below = self.words.get(rows, words[self.better])
        return ", ".join(filter(None, ("above", above))), ", ".join(filter(None, ("below", below)))


def score_of(name: str, metric: str, reads: Mapping[str, Reading], explained: str) -> Score | None:
    """The reading of a score of a metric, None where the metric declares none.

    Args:
        name: the score's.
        metric: the metric's.
        reads: readings by the score's name, or by its name without the suffix of its subset.
        explained: what the metric is.
    """
    if name in reads:
        return reads[name].score(name, metric, "", explained)
    for rows in ROWS:
        stem = name.removesuffix(f"_{rows}")
        if stem != name and stem in reads:
            return reads[stem].score(name, metric, rows, explained)
    return None
