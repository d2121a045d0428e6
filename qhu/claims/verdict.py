"""From the tests of all claims to a verdict each: they are corrected together, after Holm."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from qhu.claims.claim import Test
from qhu.report.statistics import interval_at, judged

SUPPORTED, CONTRADICTED, CANNOT_TELL = "supported", "contradicted", "cannot tell"
SIGN = {"above": 1.0, "below": -1.0, "either": 1.0, "within": 1.0}


class Judged(NamedTuple):
    """A test and what it says of its claim.

    Attributes:
        test: the test.
        verdict: as it stands in ``claims.csv``.
        estimate: value of the part that decides: the best one that is still needed.
        low: lower end of its interval, which has the level of the test that its outcome rests on.
        high: upper end.
        parts: every part with ``estimate, ci_low, ci_high, n, p_holm, outcome, smallest``; best
            first.
    """

    test: Test
    verdict: str
    estimate: float
    low: float
    high: float
    parts: pd.DataFrame


def judge(tests: Sequence[Test]) -> list[Judged]:
    """Verdicts of all tests of a page.

    A part is supported where its difference is significant in the claimed direction, contradicted
    where it is significant in the other one, or where it is shown to be smaller than the margin.
    For ``within`` it is the other way round. All these tests are one family.

    Args:
        tests: all of the page.
    """
    family: dict[tuple[int, str], pd.DataFrame] = {}
    for number, test in enumerate(tests):
        if not test.exact:
            family[number, "difference"] = _difference(test)
            if np.isfinite(test.margin):
                family[number, "margin"] = test.parts.assign(p=_equivalence(test))
    tables = judged(family)
    return [_judged(test, _parts(test, tables, number)) for number, test in enumerate(tests)]


def _difference(test: Test) -> pd.DataFrame:
    """Whether a part differs; for a claim of equivalence, by more than the margin."""
    if test.direction != "within":
        return test.parts
    beyond = (test.parts["mean"].abs() - test.margin) / test.parts["error"]
    p = np.minimum(2 * stats.t.sf(beyond, test.parts["freedom"]), 1)
    return test.parts.assign(p=np.where(test.parts["p"].isna(), np.nan, p))


def _equivalence(test: Test) -> pd.Series:
    """p-values of "the difference is as large as the margin", in the claimed direction or both."""
    parts = test.parts
    not_above = stats.t.cdf((parts["mean"] - test.margin) / parts["error"], parts["freedom"])
    not_below = stats.t.sf((parts["mean"] + test.margin) / parts["error"], parts["freedom"])
    shown = {"above": not_above, "below": not_below}
    p = shown.get(test.direction, np.maximum(not_above, not_below))
    return pd.Series(p, parts.index).where(parts["p"].notna())


def _parts(test: Test, tables: Mapping[tuple[int, str], pd.DataFrame], number: int) -> pd.DataFrame:
    """Every part with its outcome, the best first."""
    if test.exact:
        means = test.parts["mean"].to_numpy(np.float64)
        outcomes = np.where(means * SIGN[test.direction] > 0, 1.0, -1.0)
        parts = test.parts.assign(p_holm=np.nan, smallest=np.nan, outcome=outcomes)
    else:
        parts = _with_outcomes(test, tables[number, "difference"], tables.get((number, "margin")))
    claimed = parts["mean"] * SIGN[test.direction]
    size = parts["mean"].abs()
    best = {"either": -size, "within": size}.get(test.direction, -claimed)
    shifted = {name: parts[name] + test.against for name in ("mean", "ci_low", "ci_high")}
    parts = parts.assign(**shifted).loc[best.sort_values(kind="stable").index]
    return parts.rename(columns={"mean": "estimate", "seeds": "n"}).drop(
        columns=["same", "error", "freedom", "p", "reach", "tested_at", "verdict"], errors="ignore"
    )


def _with_outcomes(
    test: Test, difference: pd.DataFrame, margin: pd.DataFrame | None
) -> pd.DataFrame:
    """The parts with ``outcome``, 1: as claimed; −1: the opposite; 0: neither is shown.

    Where one rests on the margin, the interval is that of the one-sided tests against it.
    """
    shown = difference["verdict"].map({"above": 1.0, "below": -1.0}).fillna(0.0).to_numpy()
    as_claimed = np.abs(shown) if test.direction == "either" else shown * SIGN[test.direction]
    if test.direction == "within":
        as_claimed = np.where(shown != 0, -1.0, 0.0)
    if margin is None:
        return difference.assign(outcome=as_claimed)
    small = margin["verdict"].isin(["above", "below"]).to_numpy()
    if test.direction != "within":
        small = small & (as_claimed == 0)
    one_sided = interval_at(margin, 2 * margin["tested_at"].to_numpy(np.float64))
    ends = {name: difference[name].mask(small, one_sided[name]) for name in ("ci_low", "ci_high")}
    by_margin = 1.0 if test.direction == "within" else -1.0
    return difference.assign(outcome=np.where(small, by_margin, as_claimed), **ends)


def _judged(test: Test, parts: pd.DataFrame) -> Judged:
    outcomes = parts["outcome"]
    deciding = parts.iloc[min(test.least, len(parts)) - 1]
    verdict = f"{CANNOT_TELL} (smallest effect this could see: {_size(deciding['smallest'])})"
    if (outcomes > 0).sum() >= test.least:
        verdict = SUPPORTED
    elif (outcomes >= 0).sum() < test.least:
        verdict = CONTRADICTED
    value, low, high = (float(deciding[name]) for name in ("estimate", "ci_low", "ci_high"))
    return Judged(test, verdict, value, low, high, parts)


def _size(smallest: float) -> str:
    return f"{smallest:.2g}" if np.isfinite(smallest) else "unknown"
