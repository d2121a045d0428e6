"""What a dispatcher sends jobs to: what it can be asked, what jobs do there, how it refuses."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qhu.errors import QhuError
from qhu.hardware.questions import Answer


class Doubtful(Exception):
    """A submit failed, and a job may or may not exist."""


class Unsent(Exception):
    """A submit failed, no job exists, and another one may succeed.

    Args:
        why: what the platform says.
        seconds: when to come back, where it says so.
    """

    def __init__(self, why: str, seconds: float | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds


class Hanging(Doubtful):
    """A submit neither ends nor fails; what it does later cannot be known."""


class Unreadable(Exception):
    """Results that this client cannot read; the message says why, in one line."""


class Refused(QhuError):
    """The platform does not take the job."""


class JobFailed(QhuError):
    """A job ended without results."""


Doing = Literal["queued", "running", "done", "failed", "cancelled", "too long", "unknown"]


class State(NamedTuple):
    """What the platform says of a job."""

    name: Doing
    why: str = ""


class Sighting(NamedTuple):
    """A job that the platform shows for a tag.

    Attributes:
        id: its name.
        created: UTC, ISO 8601; empty where it is not told.
        owner: who submitted it; empty where it is not told.
    """

    id: str
    created: str
    owner: str


class Platform(Protocol):
    """What jobs are sent to. Everything but ``submit`` may be asked again, and is, on errors."""

    emulated: bool

    @property
    def instance(self) -> str:
        """The account's instance that jobs belong to."""

    def submit(self, pubs: Sequence[EstimatorPub], tag: str, limit: int) -> str:
        """Submit a job that may use ``limit`` seconds; its name."""

    def find(self, tag: str) -> list[Sighting]:
        """Jobs with a tag, whoever submitted them, in no order."""

    def state(self, job: str) -> State:
        """What a job is doing."""

    def result(self, job: str) -> str:
        """Results of a finished job, as they come."""

    def read(self, raw: str, shapes: Sequence[tuple[int, int]]) -> list[Answer]:
        """Answers of such shapes from results as they came; asks nobody.

        Raises:
            Unreadable: the results are damaged, answer something else, or need another client.
        """

    def metrics(self, job: str) -> tuple[float | None, Any]:
        """Seconds used, None while that is not known, and all that is told of a job."""

    def cancel(self, job: str) -> None:
        """Stop a job if it can still be stopped."""
