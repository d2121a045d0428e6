"""Kinds of forget sets that have settings of their own; each says in words what it asks for."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, StrictInt, model_validator

from qhu.registry import Options

Tier = Literal["easy", "medium", "hard"]
"""Thirds of the training rows, from the least to the most memorised."""
THIRDS: dict[Tier, str] = {
    "easy": "the least memorised third of the training rows",
    "medium": "the middle third of the training rows by memorisation",
    "hard": "the most memorised third of the training rows",
}


class Shorthand(Options):
    """Settings for which a bare value is that of the first of them."""

    @model_validator(mode="before")
    @classmethod
    def _first(cls, given: Any) -> Any:
        if given is None or isinstance(given, Mapping | BaseModel):
            return given
        return {next(iter(cls.model_fields)): given}


class Copies(Shorthand):
    """Training rows that are there several times."""

    rows: StrictInt = Field(ge=1)
    """so many training rows, drawn per seed, get copies"""
    copies: StrictInt = Field(1, ge=1)
    """exact copies of each, appended to the training rows"""


class Memorised(Shorthand):
    """Training rows by what networks owe to having been trained on them."""

    top: StrictInt | None = Field(None, ge=1)
    """so many most memorised training rows"""
    tier: Tier | None = None
    """a third of the training rows by memorisation; ``hard`` is the most memorised"""
    count: StrictInt | None = Field(None, ge=1)
    """so many rows of the tier, drawn per seed; null: all of them"""
    models: StrictInt = Field(512, ge=2, le=1_000_000, multiple_of=2)
    """networks trained per seed on random halves of the training rows, to tell memorisation"""

    @model_validator(mode="after")
    def _top_or_tier(self) -> "Memorised":
        if (self.top is None) == (self.tier is None):
            raise ValueError("give top, such as 10, or tier: easy, medium or hard")
        if self.tier is None and self.count is not None:
            raise ValueError("count draws from a tier: give tier, or leave out count")
        return self

    @property
    def words(self) -> str:
        """What is asked for."""
        by = f"by {self.models} models trained on random halves"
        if self.tier is None:
            return f"the {self.top} most memorised training rows, {by}"
        drawn = f"{self.count} rows, drawn anew per seed, of " if self.count else ""
        return f"{drawn}{THIRDS[self.tier]}, {by}"


class Outliers(Shorthand):
    """Training rows that are unlike the others of their class."""

    count: StrictInt = Field(ge=1)
    """so many rows, those with the largest local outlier factor among the rows of their class"""

    @property
    def words(self) -> str:
        """What is asked for."""
        return f"the {self.count} training rows that are least like their class"


class Cluster(Shorthand):
    """Training rows that lie together."""

    count: StrictInt = Field(ge=2)
    """so many rows: a random training row, drawn per seed, and its nearest neighbours"""
    within: Literal["all", "class"] = "all"
    """neighbours among all training rows, or among those of the row's class"""

    @property
    def words(self) -> str:
        """What is asked for."""
        among = "of its class" if self.within == "class" else "of any class"
        return (
            f"a random training row, drawn anew per seed, and its {self.count - 1} nearest {among}"
        )


class Duplicates(Shorthand):
    """Training rows that ``data.copies`` gave copies."""

    forget: Literal["originals", "all"]
    """``originals``: their copies are retained; ``all``: the copies are forgotten, too"""

    WORDS: ClassVar = {
        "originals": "the training rows that have copies, while the copies stay",
        "all": "the training rows that have copies, and the copies",
    }

    @property
    def words(self) -> str:
        """What is asked for."""
        return self.WORDS[self.forget]


Kind = Memorised | Outliers | Cluster | Duplicates
