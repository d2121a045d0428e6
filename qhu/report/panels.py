"""A figure with its caption, and the words that captions and names of figures share."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from qhu.record.counts import count_of
from qhu.report.svg import Drawing


class Panel(NamedTuple):
    """A figure and its caption."""

    drawing: Drawing
    caption: str


def slug(text: str) -> str:
    """Text as part of a file name and of an id."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")


def numbered(names: Iterable[str]) -> list[str]:
    """Names, with a number where some file system would take one for an earlier one."""
    taken: dict[str, str] = {}
    for name in names:
        free = name
        while free.lower() in taken:
            free = f"{name}-{len(taken)}"
            name = free
        taken[free.lower()] = free
    return list(taken.values())


def seed_count(results: pd.DataFrame) -> str:
    """How many seeds the methods have, in words."""
    counts = results.groupby("method")["seed"].nunique()
    low, high = counts.min(), counts.max()
    if low != high:
        return f"{low}–{high} seeds"
    return count_of(high, "seed")
