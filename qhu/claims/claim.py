"""What a claim is, and what tests it: declared before anything is computed.

A claim names what it needs, and from the frames of that makes its tests. A test has parts, mostly
one, each a mean difference from what it is tested against; it asks how many of them go the way
that the claim says.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from qhu.claims.needs import Need
from qhu.evidence.units import UnitEstimate
from qhu.report.statistics import Floats, tested
from qhu.report.verdicts import MARGIN, UTILITY_MARGIN

Frames = Mapping[Need, pd.DataFrame]
Direction = Literal["above", "below", "either", "within"]
"""Where a claim says that a value lies: above or below what it is tested against, to either side
of it, or within the margin around it."""
SEEDS = "seeds"
PAIRS = "pairs of halves"
ALIKE = MARGIN
"""Of agreements, shares of rows memorised and attacks' AUCs."""
ACCURATE = UTILITY_MARGIN
"""Of accuracies."""


@dataclass(frozen=True, eq=False)
class Test:
    """A test of a claim.

    Attributes:
        test: what is tested, in words.
        parts: by name, a row each with the columns of :func:`~qhu.report.statistics.tested`:
            differences from ``against``.
        direction: what the claim says of each part.
        unit: what ``seeds`` in the parts counts.
        against: what the values are tested against.
        margin: size of difference that does not matter; a claim of a difference is contradicted,
            too, where all of it is shown to lie within; NaN: none.
        needed: how many parts have to go the claimed way; 0: all.
        exact: whether values are counts that repeat: nothing is left to test.
    """

    __test__: ClassVar[bool] = False  # pytest takes classes of this name for its own

    test: str
    parts: pd.DataFrame
    direction: Direction
    unit: str = SEEDS
    against: float = 0.0
    margin: float = float("nan")
    needed: int = 0
    exact: bool = False

    def __post_init__(self) -> None:
        if self.parts.empty:
            raise ValueError(f"nothing to test: {self.test}")

    @property
    def least(self) -> int:
        """How many parts have to go the claimed way."""
        return self.needed or len(self.parts)

    @property
    def design(self) -> str:
        """Size, number of parts and margin, in words."""
        counts = sorted({int(count) for count in self.parts["seeds"]})
        sizes = "–".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
        words = ["counted" if self.exact else f"{sizes} {self.unit}"]
        if len(self.parts) > 1:
            words.append(
                f"{'all' if self.least == len(self.parts) else self.least} of "
                f"{len(self.parts)} needed"
            )
        if np.isfinite(self.margin):
            words.append(f"margin {self.margin:g}")
        return ", ".join(words)


@dataclass(frozen=True, eq=False)
class Claim:
    """A claim of the paper, or a question that it leaves open, put as a claim.

    Attributes:
        claim: in words.
        needs: what is computed for it.
        tests: from the frames of that, by need.
    """

    claim: str
    needs: Sequence[Need]
    tests: Callable[[Frames], Iterator[Test]] = field(repr=False)


def of_values(values: Mapping[str, Floats | pd.Series], against: float = 0.0) -> pd.DataFrame:
    """Parts of a value per independent unit, NaN where a unit has none.

    Args:
        values: by part, (n,) values.
        against: what they are tested against.
    """
    return tested(pd.DataFrame({k: pd.Series(v) for k, v in values.items()}).T - against)


def of_estimates(estimates: Mapping[str, UnitEstimate], against: float = 0.0) -> pd.DataFrame:
    """Parts of estimates with standard errors.

    Args:
        estimates: by part.
        against: what they are tested against.
    """
    rows = {}
    for part, (value, error, units) in estimates.items():
        moved = UnitEstimate(value - against, error, units)
        low, high = moved.interval()
        same = not error > 0
        rows[part] = (moved.value, low, high, units, same, error, units - 1, moved.p_value(0))
    columns = ["mean", "ci_low", "ci_high", "seeds", "same", "error", "freedom", "p"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
