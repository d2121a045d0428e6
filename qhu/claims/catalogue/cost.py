"""Unlearning costs less than training again: in steps, in seconds and in circuits on a device."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from qhu.claims.claim import Claim, Frames, Test, of_values
from qhu.claims.costs import RETRAIN
from qhu.claims.needs import COSTS


def tests(frames: Frames) -> Iterator[Test]:
    """Every method's share of what training again takes."""
    for measure in ("steps", "circuits", "seconds"):
        table = frames[COSTS].pivot(index="seed", columns="method", values=measure).dropna()
        shares = table.drop(columns=RETRAIN).div(table[RETRAIN], axis=0)
        timed = measure == "seconds"
        values = {str(method): shares[method] for method in shares}
        yield Test(
            test=f"{measure} of a method, as a share of those of training again, are below 1",
            parts=of_values(values, 1) if timed else _counts(shares),
            direction="below",
            against=1,
            exact=not timed,
        )


def _counts(shares: pd.DataFrame) -> pd.DataFrame:
    """Counts repeat: their interval is from the smallest to the largest."""
    values = shares - 1
    about = dict.fromkeys(("error", "freedom", "p"), np.nan)
    ends = {"ci_low": values.min(), "ci_high": values.max(), "seeds": len(values)}
    return pd.DataFrame({"mean": values.mean(), **ends, "same": False, **about})


CLAIM = Claim("unlearning costs less than training again", (COSTS,), tests)
