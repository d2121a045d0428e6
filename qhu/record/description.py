"""What a run read and what it forgets, in numbers and names: recorded, and said at its start."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, Field

from qhu.errors import shortened
from qhu.record.counts import count_of

LISTED = 12
"""Names that a line gives one by one."""


class Forgotten(BaseModel):
    """What a scenario forgets."""

    label: str | None = None
    """name of the class, where it is one"""
    rows: int | None = None
    """rows of that class in the data"""
    training: tuple[int, int]
    """fewest and most training rows to be forgotten, over the seeds"""
    chosen: str = Field("", exclude_if=lambda words: not words)
    """what they were chosen by, in words; empty: they were drawn or named"""
    requests: int | None = Field(None, exclude_if=lambda count: count is None)
    """requests that are met one after another; None: one"""

    @property
    def size(self) -> str:
        """How many rows, in words."""
        least, most = self.training
        training = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        if self.rows is None:
            return f"{training} training {'row' if most == 1 else 'rows'}"
        return f"{count_of(self.rows, 'row')}; {training} of training"


class DataDescription(BaseModel):
    """What the rows of a run are."""

    rows: int
    shape: tuple[int, ...]
    """of a row"""
    features: tuple[str, ...] = ()
    """names of the features, where they have any"""
    classes: dict[str, int]
    """rows by class, in the order of the network's outputs"""
    remarks: tuple[str, ...] = ()
    """how they were read"""
    circuit: str = ""
    """how a circuit of the user's own was read"""
    scenarios: dict[str, Forgotten] = {}
    """what is forgotten, by scenario"""

    @property
    def size(self) -> str:
        """Rows and features, in words."""
        if len(self.shape) == 1:
            return f"{self.rows:,} rows × {self.shape[0]:,} features"
        return f"{self.rows:,} images × {' × '.join(map(str, self.shape))} pixels"

    @property
    def counted(self) -> str:
        """Classes with their rows."""
        counts = [f"{_quoted(name)} {rows:,}" for name, rows in self.classes.items()]
        return _listed(counts, "classes")

    @property
    def named(self) -> str:
        """Names of the features."""
        return _listed([shortened(name, 40) for name in self.features], "features")

    def lines(self) -> Iterator[str]:
        """What a run says at its start."""
        features = f" ({self.named})" if self.features else ""
        yield "; ".join([f"data: {self.size}{features}", f"classes {self.counted}", *self.remarks])
        if self.circuit:
            yield f"circuit: {self.circuit}"
        for name, forgotten in self.scenarios.items():
            what = f"'{forgotten.label}' ({forgotten.size})" if forgotten.label else forgotten.size
            chosen = f": {forgotten.chosen}" if forgotten.chosen else ""
            yield f"scenario {name}: forgets {what}{chosen}{in_requests(forgotten.requests)}"


def in_requests(count: int | None) -> str:
    """How many requests, in words that follow others; empty for one."""
    return f", in {count} requests, each with a whole budget of steps" if count else ""


def _quoted(name: str) -> str:
    """A class, in quotes where it could be taken for a number of rows."""
    return shortened(name, 40) if name[:1].isalpha() else f"'{shortened(name, 40)}'"


def _listed(names: Sequence[str], kind: str) -> str:
    if len(names) <= LISTED:
        return ", ".join(names)
    return f"{', '.join(names[: LISTED - 1])}, …, {names[-1]}: {len(names):,} {kind}"
