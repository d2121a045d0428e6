"""Backends whose circuits cost: what they offer beside values."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from qhu.backends.base import Backend
from qhu.hardware.access import Access
from qhu.hardware.meter import CostEstimate
from qhu.hardware.questions import Question


class PaidBackend(Backend):
    """A backend that spends time on a device.

    Only the rows that scores need are evaluated on it, and the exact values of the same models
    stand beside. What it is to be asked can be counted before anything is spent.

    Args:
        name: the name the user gave.
        options: the validated options.

    Attributes:
        access: how the platform is reached.
    """

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self.access = Access()
        self.run, self.stage = "", ""
        self.say: Callable[[str], None] = lambda line: None
        self.counted: dict[str, Question] | None = None
        """While it is not None, questions are gathered here and answered by nothing."""

    def __getstate__(self) -> dict[str, Any]:
        """A copy in another process opens account and ledger for itself."""
        own = {"access": self.access, "run": self.run, "stage": self.stage}
        return super().__getstate__() | own

    @property
    @abstractmethod
    def device(self) -> str:
        """Name of the device that is asked for."""

    def attach(self, run: str, stage: str, say: Callable[[str], None]) -> None:
        """Tell the backend what it works for.

        Args:
            run: fingerprint of the run; empty where nothing is to be kept, in a plan.
            stage: of the run.
            say: shows a line to the user.
        """
        self.run, self.stage, self.say = run, stage, say

    @abstractmethod
    def check(self) -> None:
        """Refuse before anything is computed.

        Raises:
            UserError: no account, or no such device.
            BudgetRefused: no budget.
        """

    @abstractmethod
    def reach(self) -> bool:
        """Whether the platform answers; a plan for a device with a twin can do without.

        Raises:
            UserError: the account cannot be used, or no such device.
        """

    @abstractmethod
    def conditions(self) -> list[Any]:
        """What values depend on that only the device can tell, once a layer was made."""

    @abstractmethod
    def fetch(self, questions: Sequence[Question]) -> None:
        """Have questions answered, several by one job; the answers are then known."""

    @abstractmethod
    def estimate(self, questions: Sequence[Question]) -> CostEstimate:
        """What it takes to answer those of the questions that have no answer yet."""

    @abstractmethod
    def means(self) -> dict[str, Any]:
        """What may be spent: ``budget`` and what is left of it, ``plan`` and its time left."""

    @abstractmethod
    def spending(self) -> dict[str, Any]:
        """What was spent for the run, for its record."""

    @abstractmethod
    def close(self, settle: bool) -> None:
        """Let go of the device.

        Args:
            settle: whether to wait until it is known what was used.
        """
