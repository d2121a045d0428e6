"""Models on random halves, trained before anything else where a scenario's rows depend on them."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from qhu.grid.execute import Step, one_thread
from qhu.study import HalfModels, Study


def grading_steps(study: Study) -> list[Step]:
    """Training of the models that tell memorisation, as far as they are not kept yet.

    Raises:
        UserError: a scenario asks for more rows than there are, or training costs.
    """
    missing = [part for part in study.halves() if not study.is_graded(part)]
    return [Step(study, "halves", f"train {part}", _grade, part) for part in missing]


def grading_line(study: Study, parts: Sequence[HalfModels]) -> str:
    """What these models take, in words; the time by a few epochs of some of them, measured."""
    count, stacked = sum(part.count for part in parts), study.net("train").stacked
    tried = replace(parts[0], count=parts[0].count if stacked else 1)
    with one_thread():
        seconds = _seconds(study, tried) * count / tried.count
    together, less = "many at once", ""
    if not stacked:
        together, less = "one at a time", "; a lower memorised.models takes less"
    return (
        f"memorisation: trains {count:,} models on random halves of the training rows, {together}: "
        f"about {_duration(seconds)} in one process{less}"
    )


def _seconds(study: Study, part: HalfModels) -> float:
    """Time that models take: what is done once, and as many epochs as they are trained."""
    training = study.experiment.training

    def measured(epochs: int) -> float:
        began = time.perf_counter()
        study.fit_halves(part, training.model_copy(update={"epochs": epochs}))
        return time.perf_counter() - began

    measured(1)  # the first time anything is trained takes longer
    short, longer = measured(1), measured(3)
    return short + max(0.0, longer - short) / 2 * (training.epochs - 1)


def _grade(study: Study, part: HalfModels) -> None:
    study.graded(part)


def _duration(seconds: float) -> str:
    """Time to one digit, which is as much as is known."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{math.ceil(seconds / size)} {unit}"
    return f"{max(1, round(seconds))} s"
