"""The data flow. READ THIS FIRST.

::

    Experiment ─► data ─► split: train = retain ∪ forget, val, test
                             │
    backends ─► model: front ─► TorchConnector(EstimatorQNN) ─► head    θ = one flat vector
                             │
       teacher = fit(train)  ├─ oracle = fit(retain)  ├─ unlearned = METHOD(θ, retain, forget)
                             │
                 evaluate(teacher, oracle, unlearned) ─► scores (value, n)

Each stage below has a key: the hash of its own settings and of what it is computed from. The store
keeps finished stages by key, so nothing is computed twice, whoever asks, and running the same
command again is the resume.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qhu.data.partition import Partition
from qhu.data.rows import Rows
from qhu.errors import QhuError
from qhu.metrics.evidence import Evidence, Measured, Outputs, diverged, measure
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.record.identity import identity
from qhu.record.stage import Stage
from qhu.seeding import torch_stream
from qhu.study import BESIDE, FLOOR, Cell, Fit, Study
from qhu.training import FitJob, FitResult, fit
from qhu.unlearn.requests import in_turn
from qhu.unlearn.task import MethodOptions
from qhu.unlearn.unlearning import Unlearning, UnlearnJob, UnlearnResult

Computed = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Scored:
    """A cell's scores, the keys of its model and of that model's outputs, and whose backend.

    ``used`` has the keys of all stages that the scores come from; ``failed`` says of metrics that
    could not be computed why, by name.
    """

    cell: Cell
    scores: dict[str, Measured]
    model: str
    outputs: str
    stage: str = "evaluate"
    used: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)


def train(
    study: Study, fits: Sequence[Fit], finished: Callable[[Fit], None] = lambda model: None
) -> list[Stage]:
    """Teachers and oracles: train what the store does not hold yet, many models at once.

    A model that has gone is trained among those that it was trained with: last bits depend on how
    many train together.
    """
    keys = {model: fit_key(study, model) for model in fits}
    kept = {model: study.store.find(key) for model, key in keys.items()}
    for model, stage in kept.items():
        if stage:
            finished(model)
    for stack in _stacks(study, keys, kept):

        def keep(index: int, result: FitResult, stack: list[Fit] = stack) -> None:
            model = stack[index]
            if model in kept and not kept[model]:
                facts = {"history": result.history, "steps": result.steps}
                together = [astuple(other) for other in stack]
                recorded = {**facts, "together": together, **_samples_of(study, model)}
                arrays = study.arrays(result.state)
                study.store.put(keys[model], arrays, recorded, result.seconds)
                finished(model)

        net = study.net("train", keys.get(stack[0], ""))
        fit(net, [_fit_job(study, model) for model in stack], study.experiment.training, keep)
    return [kept[model] or study.store.load(keys[model]) for model in fits]


def _stacks(
    study: Study, keys: Mapping[Fit, str], kept: Mapping[Fit, Stage | None]
) -> list[list[Fit]]:
    """What is to be trained together, so that nothing is missing."""
    missing, stacks = {model for model, stage in kept.items() if not stage}, list[list[Fit]]()
    for stage in filter(None, kept.values()):
        together = [Fit(*model) for model in stage.facts["together"]]
        if not missing.isdisjoint(together):
            stacks.append(together)
            missing.difference_update(together)
    nets: dict[HybridNet, list[Fit]] = {}  # one for all, unless each draws shots of its own
    for model in (model for model in kept if model in missing):
        nets.setdefault(study.net("train", keys[model]), []).append(model)
    return [*stacks, *nets.values()]


def unlearn(study: Study, cell: Cell) -> Stage:
    """The teacher after the method: θ, history and the facts that the method reports.

    A model that was unlearned elsewhere is not made here: the store holds it.
    """
    if cell.method == FLOOR:
        return train(study, [Fit(FLOOR, cell.seed, cell.scenario)])[0]
    if checkpoint := study.checkpoint(cell):
        return study.store.load(checkpoint.content)
    chosen = study.experiment.methods[cell.method]
    teacher = train(study, [Fit("teacher", cell.seed)])[0]
    key = _unlearn_key(study, cell, teacher)

    def compute() -> Computed:
        fit = Fit("oracle" if chosen.method == "retrain" else "teacher", cell.seed, cell.scenario)
        method = unlearning(study, cell.seed, cell.method, str(cell), study.net("unlearn", key))
        start = state = study.state(teacher)
        results = list[UnlearnResult]()
        for number, rows in enumerate(study.partition(cell.seed, cell.scenario).in_turn()):
            results += method([_unlearn_job(study, cell, state, rows, number)])
            state = results[-1].state
        recorded = {**in_turn(start, results), **_samples_of(study, fit)}
        return study.arrays(state), recorded

    return study.store.get(key, compute)


def predict(
    study: Study, model: Stage, seed: int, stage: str = "evaluate", scenario: str = ""
) -> Stage:
    """A model's class probabilities and quantum features, one row per sample.

    Args:
        study: the study.
        model: the model.
        seed: whose split scales the samples.
        stage: on whose backend; ``beside`` is the exact one where evaluation is on another.
        scenario: where evaluation costs, only the rows of its scores are evaluated; NaN elsewhere.
    """
    rows = study.evaluated(stage, seed, scenario)
    which = [] if rows is None else [rows.tolist(), study.conditions(stage)]
    key = study.key("outputs", stage, seed, model.key, *which)

    def compute() -> Computed:
        net, x = study.net(stage, key), study.seen_by(model, seed)
        features, probabilities = net.outputs(study.state(model), x if rows is None else x[rows])
        arrays = {"probabilities": probabilities.numpy(), "features": features.numpy()}
        if rows is not None:
            arrays = {name: _among(len(x), rows, values) for name, values in arrays.items()}
        return arrays, {"effective": study.backends[stage].effective()}

    return study.store.get(key, compute)


def models(study: Study, cell: Cell) -> tuple[Stage, Stage, Stage]:
    """What a cell's scores compare: its model, the retrained oracle and the untouched teacher.

    Raises:
        QhuError: one of them is not finite; no method begins from such, no device is asked of it.
    """
    teacher, oracle = train(
        study, [Fit("teacher", cell.seed), Fit("oracle", cell.seed, cell.scenario)]
    )
    refuse_diverged("teacher", teacher)
    refuse_diverged("oracle", oracle)
    model = unlearn(study, cell)
    refuse_diverged("model", model)
    return model, oracle, teacher


def refuse_diverged(role: str, model: Stage) -> None:
    """Refuse a model, called by its role, whose parameters are not finite.

    Raises:
        QhuError: they are not.
    """
    if not all(np.isfinite(array).all() for array in model.arrays.values()):
        raise diverged(role)


def evaluate(study: Study, cell: Cell, stage: str = "evaluate") -> Scored:
    """Scores of a cell: its model beside the untouched teacher and the retrained oracle.

    Raises:
        QhuError: a training diverged, or no metric could be computed.
    """
    compared = models(study, cell)
    outputs = [predict(study, model, cell.seed, stage, cell.scenario) for model in compared]
    seen = [
        Outputs(
            predicted.arrays["probabilities"],
            predicted.arrays["features"],
            study.state(model).theta.cpu().numpy(),
        )
        for model, predicted in zip(compared, outputs, strict=True)
    ]
    failed: dict[str, str] = {}
    scores = score(study, cell, *seen, failed=failed)
    if failed and not scores:
        raise QhuError("; ".join(f"metric {name}: {why}" for name, why in failed.items()))
    used = tuple(stage.key for stage in (*compared, *outputs))
    return Scored(cell, scores, compared[0].key, outputs[0].key, stage, used, failed)


def evaluate_beside(study: Study, cell: Cell) -> Scored:
    """Scores of the same models by exact values, where those of :func:`evaluate` are others."""
    return evaluate(study, cell, BESIDE)


def score(
    study: Study,
    cell: Cell,
    model: Outputs,
    oracle: Outputs,
    teacher: Outputs,
    *,
    failed: dict[str, str] | None = None,
) -> dict[str, Measured]:
    """Every metric of a cell, from the outputs of the three models on all rows.

    ``failed`` as for :func:`~qhu.metrics.evidence.measure`.
    """
    partition = study.partition(cell.seed, cell.scenario)
    evidence = Evidence(
        labels=partition.labels,
        subsets=partition.subsets(),
        model=model,
        oracle=oracle,
        teacher=teacher,
        angles=study.net("train").theta.mask("quantum").numpy(),
    )
    return measure(evidence, list(study.metrics), study.metrics, failed)


def _among(count: int, rows: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of some of ``count`` rows as an array over all of them, NaN elsewhere."""
    spread = np.full((count, *values.shape[1:]), np.nan)
    spread[rows] = values
    return spread


# -- what goes into the stages ---------------------------------------------------------------------


def _fit_partition(study: Study, fit: Fit) -> Partition:
    """The rows of a model trained from scratch, which trains on those it retains."""
    return study.partition(fit.seed, _without(study, fit))


def _without(study: Study, fit: Fit) -> str:
    """Scenario whose forget rows a model trained from scratch never sees; empty: it sees all."""
    if fit.kind == "teacher":
        return study.experiment.training.teacher_without or ""
    return fit.scenario


def _samples_of(study: Study, fit: Fit) -> dict[str, Any]:
    """What a model's file says of its samples: whose split, and the scaling, for ``seen_by``."""
    return {"seed": fit.seed, "scaled_without": _without(study, fit)}


def _fit_job(study: Study, fit: Fit) -> FitJob:
    """Teacher, oracle and floor share the initial state if paired, and differ in data order."""
    partition = _fit_partition(study, fit)
    judging = partition.selection(study.experiment.training.select)
    rows, val = (partition.rows(index, study.torch_device) for index in (partition.retain, judging))
    order = torch_stream(fit.seed, "order", fit.kind, fit.scenario)
    return FitJob(rows, val, _initial(study, fit), order)


def _initial(study: Study, fit: Fit) -> ModelState:
    own = () if study.experiment.training.paired else (fit.kind, fit.scenario)
    return study.net("train").initial(torch_stream(fit.seed, "init", *own)).to(study.torch_device)


def fit_key(study: Study, fit: Fit) -> str:
    """Key of a model trained from scratch."""
    training, partition = study.experiment.training, _fit_partition(study, fit)
    used = [partition.retain.tolist(), partition.selection(training.select).tolist()]
    return study.key("fit", "train", fit.seed, fit.kind, fit.scenario, identity(training), used)


def _unlearn_key(study: Study, cell: Cell, teacher: Stage) -> str:
    experiment, partition = study.experiment, study.partition(cell.seed, cell.scenario)
    chosen = experiment.methods[cell.method]
    settings = [identity(experiment.unlearning), identity(experiment.training)]
    method = [chosen.method, study.foreign.get(f"method {cell.method}"), identity(chosen.options)]
    used = [cell.scenario, method, partition.forget.tolist()]
    if len(partition.requests) > 1:
        used.append([request.tolist() for request in partition.requests])
    return study.key("unlearn", "unlearn", cell.seed, settings, used, teacher.key)


def unlearning(study: Study, seed: int, method: str, title: str, net: HybridNet) -> Unlearning:
    """A method with its options and the common ones.

    Args:
        study: the study.
        seed: whose rows are forgotten.
        method: its label.
        title: what errors call it.
        net: on whose backend.
    """
    chosen, seen = study.experiment.methods[method], _seen_by_teacher(study, seed)
    assert isinstance(chosen.options, MethodOptions)
    features = seen.samples[seen.train]
    return Unlearning(
        method=study.methods[method],
        options=chosen.options,
        spec=study.experiment.unlearning,
        net=net,
        classes=len(study.data.classes),
        span=(float(features.min()), float(features.max())),
        title=title,
        stacks=f"method {method}" not in study.foreign,
    )


def _unlearn_job(
    study: Study, cell: Cell, teacher: ModelState, partition: Partition, number: int
) -> UnlearnJob:
    """The model that is to forget, what, and the rows of the seed that a method may see.

    The oracle is that of all requests, which is what a retrained model is after the last. The
    stream is named after the method, not its label: two labels of one method start from the same
    draws, and differ by their options alone.
    """
    chosen = study.experiment.methods[cell.method].method
    seen, later = _seen_by_teacher(study, cell.seed), [number] if number else []

    def rows(index: NDArray[np.int64]) -> Rows:
        return seen.rows(index, study.torch_device)

    def retrain() -> ModelState:
        return study.state(train(study, [Fit("oracle", cell.seed, cell.scenario)])[0])

    return UnlearnJob(
        retain=rows(partition.retain),
        forget=rows(partition.forget),
        val=rows(partition.val),
        judging=rows(partition.selection(study.experiment.unlearning.select)),
        teacher=teacher,
        init=_initial(study, Fit("teacher", cell.seed)),
        order=torch_stream(cell.seed, "unlearn", cell.scenario, chosen, *later),
        retrain=retrain,
    )


def _seen_by_teacher(study: Study, seed: int) -> Partition:
    """Rows by whose scaling the teacher of a seed sees samples."""
    return _fit_partition(study, Fit("teacher", seed))
