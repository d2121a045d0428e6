"""The stored models of a run, evaluated again with more and more of the recorded noise."""

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from qhu.compare.twin import Twin
from qhu.metrics.evidence import Outputs
from qhu.model.hybrid import ROWS_AT_ONCE
from qhu.pipeline import score
from qhu.record.folder import RunFolder
from qhu.report.comparison.gaps import CELL, STEPS
from qhu.seeding import numpy_stream
from qhu.study import Cell, Study

DRAWS = 8
"""Times that the shots of every model are drawn; scores with shots are means over them."""
Draws = list[Outputs]


def reevaluate(
    study: Study, folder: Path, twin: Twin | None, cells: Iterable[Cell]
) -> pd.DataFrame:
    """Scores of a run's models, step by step from no noise to all that was recorded.

    Args:
        study: data, splits and networks of the run; networks are on the exact backend.
        folder: the run folder with its models.
        twin: the quantum layer with its noise; None for networks without one.
        cells: what to score, those of a seed and scenario together.

    Returns:
        The columns ``CELL`` and ``STEPS`` of :mod:`qhu.report.comparison.gaps`. A score that a step
        leaves undefined is NaN.
    """

    @functools.lru_cache(maxsize=8)  # the teacher and the oracle serve many cells in a row
    def outputs(seed: int, *name: str) -> list[Draws]:
        return _outputs(study, twin, RunFolder(folder), seed, *name)

    tables = []
    for cell in cells:
        names = ((cell.method, cell.scenario), ("oracle", cell.scenario), ("teacher", ""))
        tables.append(_scores(study, cell, [outputs(cell.seed, *name) for name in names]))
    return pd.concat(tables, ignore_index=True)


def _outputs(
    study: Study, twin: Twin | None, folder: RunFolder, seed: int, *name: str
) -> list[Draws]:
    """A model on all rows: per step, one or more draws of its outputs."""
    net = study.net("train")
    model = folder.read_model(seed, *name)
    state = study.state(model)
    net.load(state)
    net.eval()

    def seen(features: Tensor) -> Outputs:
        probabilities = net.head(features).double().softmax(dim=1)
        return Outputs(probabilities.numpy(), features.double().numpy(), state.theta.numpy())

    with torch.no_grad():
        angles = _in_parts(net.front, study.seen_by(model, seed))
        if twin is None:
            return [[seen(angles)]] * len(STEPS)
        weights = dict(net.named_parameters())["quantum.weight"].detach()
        values = {
            program: [seen(_in_parts(functools.partial(program, weights=weights), angles))]
            for program in twin.programs
        }
        steps = [values[program] for program in twin.programs]
        if twin.measurement is None:
            return [*steps, steps[-1]]
        random = numpy_stream(seed, "compare", model.key)
        drawn = twin.measurement.draw(angles, weights, DRAWS, random)
        return [*steps, [seen(features) for features in drawn]]


def _in_parts(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """A function of rows, a few at a time, so that memory does not grow with the data."""
    return torch.cat([function(part) for part in rows.split(ROWS_AT_ONCE)])


def _scores(study: Study, cell: Cell, models: Sequence[list[Draws]]) -> pd.DataFrame:
    """One row per metric, one column per step: the mean over the step's draws."""
    columns: dict[str, pd.Series] = {}
    means: dict[int, pd.Series] = {}
    for name, (model, oracle, teacher) in zip(STEPS, zip(*models, strict=True), strict=True):
        if id(model) not in means:  # a step without noise of its own changes nothing
            scores = [
                {metric: value for metric, (value, _) in score(study, cell, *three).items()}
                for three in zip(model, oracle, teacher, strict=True)
            ]
            means[id(model)] = pd.DataFrame(scores).mean()
        columns[name] = means[id(model)]
    table = pd.DataFrame(columns).rename_axis("metric").reset_index()
    table = table.assign(scenario=cell.scenario, method=cell.method, seed=cell.seed)
    return table[[*CELL, *STEPS]]
