"""By how much a job may exceed its time limit: what is held for it beside the limit.

The platform looks now and then whether a job has reached its ``max_execution_time``, and charges
what else it spends on the job: the first exceeds a limit by seconds, the second by a share of it.
Where a job exceeded its limit by more than is held from the start, which of the two it met is not
told, so that a later job is held for by whichever is worse for it.
"""

import math
from dataclasses import dataclass

SECONDS, SHARE = 5.0, 0.25
"""Held from the first job on: so many seconds, and this part of the limit."""


@dataclass(frozen=True)
class Margin:
    """What is held beside a limit.

    Attributes:
        seconds: beside the usual share, at least the usual seconds.
        share: of the limit, beside the usual seconds, at least the usual share.
    """

    seconds: float = SECONDS
    share: float = SHARE

    def worst(self, limit: float) -> float:
        """Seconds that a job of a limit may be charged."""
        return limit + max(self.seconds + SHARE * limit, SECONDS + self.share * limit)

    def fitting(self, left: float, most: int) -> int:
        """The longest limit up to ``most``, in whole seconds, whose worst is within what is left.

        Args:
            left: seconds.
            most: seconds.
        """
        by_seconds, by_share = (
            (left - self.seconds) / (1 + SHARE),
            (left - SECONDS) / (1 + self.share),
        )
        return max(0, math.floor(min(by_seconds, by_share, most)))
