"""EU-k, LCA and Certified have the best balance: the Pareto front of leakage and accuracy.

A method is off the front where another has no more leakage, \\|AUC − ½\\|, and no less accuracy on
test rows, and in one of the two is better by more than does not matter: of equal methods noise
would else put one off. Which methods are on it is counted over resamples of the pairs of halves.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from qhu.claims.claim import ACCURATE, ALIKE, PAIRS, Claim, Frames, Test, of_estimates
from qhu.claims.needs import LEAKS
from qhu.claims.resamples import estimates_of, resampled
from qhu.claims.values import methods_of
from qhu.report.statistics import Floats

NAMED = ("eu_k", "lca", "noisy_finetune")
"""EU-k, LCA and Certified, by the names of their methods here."""


def tests(frames: Frames) -> Iterator[Test]:
    """Per scenario: each of the three on the front, and the three oftener than the others."""
    leaks = frames[LEAKS]
    pairs = int(leaks["pairs"].iloc[0])
    for scenario in ("subset", "class"):
        leakage = resampled(leaks, scenario, "leakage")
        methods = methods_of(leakage)
        utility = resampled(leaks, scenario, "utility")[methods]
        is_on = pd.DataFrame(
            front((leakage[methods] - 0.5).abs().to_numpy(), utility.to_numpy()), columns=methods
        )
        named = [method for method in methods if method in NAMED]
        yield Test(
            test=f"{scenario}: share of resamples with the method on the Pareto front of leakage "
            f"and test accuracy (margins {ALIKE:g} and {ACCURATE:g}) is above a half",
            parts=_shares(is_on[named], pairs),
            direction="above",
            unit=PAIRS,
            against=0.5,
        )
        lead = is_on[named].mean(axis=1) - is_on.drop(columns=named).mean(axis=1)
        yield Test(
            test=f"{scenario}: share of the three on that front, minus that of the other methods, "
            "is above 0",
            parts=of_estimates(estimates_of(pd.DataFrame({"three": lead}), pairs)),
            direction="above",
            unit=PAIRS,
        )


def front(losses: Floats, gains: Floats) -> Floats:
    """(B, K) 1 where no other method beats it, by more than the margin in one respect; else 0.

    Args:
        losses: (B, K) \\|AUC − ½\\|.
        gains: (B, K) accuracies.
    """
    less, more = losses[:, :, None] - losses[:, None], gains[:, None] - gains[:, :, None]
    beaten = (less >= 0) & (more >= 0) & ((less > ALIKE) | (more > ACCURATE))
    return np.where(beaten.any(axis=2), 0.0, 1.0)


def _shares(is_on: pd.DataFrame, pairs: int) -> pd.DataFrame:
    """Share of the resamples; p is twice the share of those on the other side of a half."""
    drawn = is_on.iloc[1:]
    count, on = len(drawn), drawn.sum()
    p = np.minimum(2 * (1 + np.minimum(on, count - on)) / (count + 1), 1)
    about = dict.fromkeys(("ci_low", "ci_high", "error", "freedom"), np.nan)
    return pd.DataFrame({"mean": on / count - 0.5, "seeds": pairs, "same": False, "p": p, **about})


CLAIM = Claim("EU-k, LCA and Certified give the best balance", (LEAKS,), tests)
