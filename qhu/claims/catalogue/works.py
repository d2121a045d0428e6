"""Unlearning works in variational models: methods come closer to retraining than doing nothing."""

from collections.abc import Iterator

from qhu.claims.claim import Claim, Frames, Test, of_values
from qhu.claims.needs import METHODS
from qhu.claims.values import by_method, methods_of


def tests(frames: Frames) -> Iterator[Test]:
    """Of most methods, on what is to be forgotten."""
    for scenario in ("subset", "class"):
        table = by_method(frames[METHODS], scenario, "kl_forget")
        methods = methods_of(table)
        yield Test(
            test=f"{scenario}: KL to the oracle on the forget rows, minus that of doing nothing, "
            "is below 0",
            parts=of_values({m: table[m] - table["none"] for m in methods}),
            direction="below",
            needed=len(methods) // 2 + 1,
        )


CLAIM = Claim("unlearning works in variational quantum models", (METHODS,), tests)
