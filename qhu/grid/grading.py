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
    """What these models take, in words; the time by one epoch of some of them, measured."""
    count, training = sum(part.count for part in parts), study.experiment.training
    stacked = study.net("train").stacked
    tried = replace(parts[0], count=parts[0].count if stacked else 1)
    with one_thread():
        began = time.perf_counter()
        study.fit_halves(tried, training.model_copy(update={"epochs": 1}))
        seconds = (time.perf_counter() - began) * training.epochs * count / tried.count
    together, less = "many at once", ""
    if not stacked:
        together, less = "one at a time", "; a lower memorised.models takes less"
    return (
        f"memorisation: trains {count:,} models on random halves of the training rows, {together}: "
        f"about {_duration(seconds)} in one process{less}"
    )


def _grade(study: Study, part: HalfModels) -> None:
    study.graded(part)


def _duration(seconds: float) -> str:
    """Time to one digit, which is as much as is known."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{math.ceil(seconds / size)} {unit}"
    return f"{max(1, round(seconds))} s"
