"""What can be registered: the shape of methods, metrics, datasets and backends."""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # these rooms look names up here
    from qhu.backends.base import Backend
    from qhu.data.base import Dataset
    from qhu.evaluate.evidence import Evidence, Scores
    from qhu.unlearn.learner import Learner
    from qhu.unlearn.task import Task


class MethodFunction(Protocol):
    """An unlearning method: moves the student, and returns facts worth reporting, if any."""

    def __call__(
        self, student: "Learner", task: "Task", options: Any, /
    ) -> dict[str, float] | None:
        """Run the method.

        Args:
            student: the teacher, about to be moved.
            task: retain, forget and validation rows.
            options: the method's own model of options, validated.
        """


class MetricFunction(Protocol):
    """A metric: scores by name from the outputs of a model, its oracle and its teacher."""

    def __call__(self, evidence: "Evidence", /) -> "Scores":
        """Compute the scores; one that is undefined on these rows is left out."""


class DatasetFunction(Protocol):
    """A dataset: all its rows and labels."""

    def __call__(self, options: Any, /) -> "Dataset":
        """Load the rows.

        Args:
            options: the dataset's own model of options, validated.
        """


class BackendClass(Protocol):
    """A kind of backend: a class that makes one."""

    def __call__(self, name: str, options: Any, /) -> "Backend":
        """Make a backend.

        Args:
            name: the name that the user gave.
            options: its own model of options, validated.
        """
