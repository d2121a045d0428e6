"""By how much a job may exceed its time limit: what is held for it beside the limit.

The platform looks now and then whether a job has reached its ``max_execution_time``, and charges
what else it spends on the job. The first exceeds a limit by seconds, the second by a share of it;
which of the two a job that exceeded its limit met is not told, so both are assumed.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Margin:
    """What is held beside a limit: seconds, or a share of the limit, whichever is more.

    Attributes:
        seconds: at least so many.
        share: at least this part of the limit.
    """

    seconds: float = 5.0
    share: float = 0.25

    def learnt(self, seconds: float, share: float) -> "Margin":
        """The margin that covers what was seen, too."""
        return Margin(max(self.seconds, seconds), max(self.share, share))

    def worst(self, limit: float) -> float:
        """Seconds that a job of a limit may be charged."""
        return limit + max(self.seconds, self.share * limit)

    def fitting(self, left: float, most: int) -> int:
        """The longest limit up to ``most``, in whole seconds, whose worst is within what is left.

        Args:
            left: seconds.
            most: seconds.
        """
        return max(0, math.floor(min(left - self.seconds, left / (1 + self.share), most)))


DEFAULT = Margin()
"""Held from the first job on; what the ledger's jobs exceeded their limits by can only add to it.
"""
