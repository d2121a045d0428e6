"""The relearning attack: the forget rows taught again, to unlearned models and to oracles."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from qhu.data.rows import stacked
from qhu.evidence.distances.anamnesis import anamnesis
from qhu.evidence.findings.rows import PoolFigure, of_estimate, of_rate
from qhu.evidence.game import Floats
from qhu.evidence.gathered import Gathered
from qhu.evidence.pool import Models
from qhu.evidence.relearning import Lesson, faster, relearn
from qhu.model.theta import ModelState

MODELS = 128
"""Models that are taught at most: every step of each is one of training."""


def relearned(gathered: Gathered) -> Iterator[PoolFigure]:
    """Anamnesis index, and how often an unlearned model is back before its oracle.

    A model is back when its loss on the forget rows is that of the teacher before unlearning.
    Models with the commonest number of forget rows are taught, as one stack.
    """
    sizes = gathered.requested.sum(axis=1)
    numbers = np.flatnonzero(sizes == np.bincount(sizes[sizes > 0]).argmax())[:MODELS]
    lesson, units = Lesson(), gathered.units[numbers]
    own, goal = (
        _steps(gathered, models, lesson, numbers)
        for models in (gathered.models, gathered.oracles())
    )
    back = anamnesis(own, goal, lesson.steps, units, gathered.pool.spec.seed)
    yield of_estimate("relearning", "forget", "ain", back.ain)
    yield of_rate("relearning", "forget", "auc", faster(own, goal, units, lesson.steps))


def _steps(
    gathered: Gathered, models: Models, lesson: Lesson, numbers: NDArray[np.integer]
) -> Floats:
    """Steps until each of the models is back, NaN where it is not within the lesson."""
    study, net = gathered.pool.study, gathered.pool.study.net("train")
    sets = [
        gathered.pool.whole.rows(np.flatnonzero(gathered.requested[i]), study.torch_device)
        for i in numbers
    ]
    teachers, learners = (_chosen(each.states, numbers) for each in (gathered.teachers, models))
    target = relearn(net, teachers, stacked(sets), Lesson(steps=0)).loss[0]
    return relearn(net, learners, stacked(sets), lesson).steps_to_loss(target)


def _chosen(states: ModelState, numbers: NDArray[np.integer]) -> ModelState:
    return ModelState(states.theta[numbers], {k: v[numbers] for k, v in states.buffers.items()})
