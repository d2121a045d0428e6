"""What jobs used, asked of the platform: again where it may be corrected, and never in the way."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from qhu.hardware.ledger import Ledger
from qhu.hardware.platform import Platform
from qhu.hardware.usage import is_idle, is_young
from qhu.hardware.waiting import Denied, Unreachable


class Usage:
    """What the jobs of a ledger used.

    Args:
        ledger: where it is written down.
        platform: who knows.
        poll: seconds between two looks, at first and at most.
        seconds: for how long to wait for it.
        say: told where it cannot be known.
    """

    def __init__(
        self,
        ledger: Ledger,
        platform: Platform,
        poll: tuple[float, float],
        seconds: float,
        say: Callable[[str], None],
    ) -> None:
        self._ledger, self._platform, self._say = ledger, platform, say
        self._poll, self._seconds = poll, seconds
        self._confirmed: set[str] = set()  # jobs of which this process heard

    def settle(self, patient: bool = False) -> bool:
        """Ask what jobs used, and once again where that may have been corrected.

        A platform that does not answer keeps nobody from results: what it does not tell is held at
        its worst.

        Args:
            patient: whether to go on asking for a while until something becomes known.

        Returns:
            Whether something became known.
        """
        until = time.monotonic() + (self._seconds if patient else 0)
        pause = self._poll[0]
        learnt = False
        try:
            while jobs := self._uncertain():
                for job in jobs:
                    learnt |= self._hear(job)
                if learnt or time.monotonic() >= until:
                    break
                time.sleep(pause)
                pause = min(2 * pause, self._poll[1])
        except (Denied, Unreachable) as error:
            self._say(f"what jobs used is not known, so their worst is held ({error})")
        return learnt

    def _uncertain(self) -> list[dict[str, Any]]:
        """Jobs of which the platform may know more than the ledger what they used."""
        return [
            job
            for job in self._ledger.jobs("state <> 'submitted'")
            if job["id"] not in self._confirmed and (job["used"] is None or is_young(job))
        ]

    def _hear(self, job: Mapping[str, Any]) -> bool:
        """Ask what a job used; True where that was not known."""
        used, metrics = self._platform.metrics(job["id"])
        if used is None or (job["state"] == "done" and not used):
            return False  # a job with results took time: the platform has not worked it out
        self._confirmed.add(job["id"])
        if not (used or is_idle(job, metrics)):
            return False
        self._ledger.settle(job["id"], used, metrics)
        return bool(job["used"] is None or used > job["used"])
