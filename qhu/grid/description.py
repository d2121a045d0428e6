"""What a study read and what it forgets, by name and number."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from qhu.data.partition import ChosenRows
from qhu.errors import shortened
from qhu.record.description import DataDescription, Forgotten
from qhu.settings.model import ModelSpec
from qhu.settings.parts import Scenario
from qhu.study import Study


def describe(study: Study) -> DataDescription:
    """The rows of a study, and what each of its scenarios forgets.

    Raises:
        UserError: as :func:`qhu.checks.check`.
    """
    data, scenarios = study.data, study.experiment.scenarios
    counts = np.bincount(data.y, minlength=len(data.classes)).tolist()
    return DataDescription(
        rows=len(data.y),
        shape=data.x.shape[1:],
        features=data.features,
        classes=dict(zip(data.classes, counts, strict=True)),
        remarks=(*data.remarks, *_reduced(study)),
        circuit=_circuit(study.experiment.model),
        scenarios={name: _forgotten(study, name, counts) for name in scenarios},
    )


def _circuit(model: ModelSpec) -> str:
    if not model.quantum or model.circuit is None:
        return ""
    options: Any = model.circuit.options
    return str(options.reading)


def _reduced(study: Study) -> Iterator[str]:
    """What the network sees instead of the rows and their features."""
    spec = study.experiment.data
    if spec.copies is not None:
        rows, copies = spec.copies.rows, spec.copies.copies
        yield f"{rows} training rows have {copies} {'copy' if copies == 1 else 'copies'} each"
    if spec.pca is not None:
        yield f"reduced to {spec.pca} principal components"
    if spec.width is not None:
        yield f"repeated in turn to a width of {spec.width}"
    yield from _placed(study)
    yield from _one_batch(study)


def _placed(study: Study) -> Iterator[str]:
    """What splits do to rows and classes that a reader may not expect."""
    splits = {seed: study.partition(seed).split for seed in study.experiment.seeds}
    exchanged = [len(split.exchanged) for split in splits.values()]
    if any(exchanged):
        yield (
            f"rows named in ids always train: up to {max(exchanged)} of them a seed changed places "
            "with others, for all scenarios alike"
        )
    classes = study.data.classes
    for number, name in enumerate(classes):
        without = [s for s, split in splits.items() if number not in split.labels[split.train]]
        if without:
            many = f"{len(without)} of {len(splits)} seeds" if without[1:] else f"seed {without[0]}"
            yield f"no training row of class '{shortened(name, 40)}' in {many}"


def _one_batch(study: Study) -> Iterator[str]:
    """Where a floor is no second draw: full batches have no order."""
    experiment = study.experiment
    kept = {
        name: max(len(study.partition(seed, name).retain) for seed in experiment.seeds)
        for name in experiment.scenarios
    }
    if whole := [name for name, rows in kept.items() if rows <= experiment.training.batch_size]:
        yield (
            f"all rows to retain of {', '.join(whole)} fit one batch: a floor in another data "
            "order is no second draw; for one, lower training.batch_size"
        )


def _forgotten(study: Study, name: str, counts: list[int]) -> Forgotten:
    partitions = [study.partition(seed, name) for seed in study.experiment.seeds]
    sizes = [len(partition.forget) for partition in partitions]
    asked, number = study.experiment.scenarios[name], partitions[0].forgotten
    forgotten = Forgotten(
        training=(min(sizes), max(sizes)),
        chosen=_chosen(asked, [partition.choice for partition in partitions]),
        requests=asked.requests,
    )
    if number is None:
        return forgotten
    of_class = {"label": study.data.classes[number], "rows": counts[number]}
    return forgotten.model_copy(update=of_class)


def _chosen(asked: Scenario, choices: Sequence[ChosenRows | None]) -> str:
    """What forget rows were chosen by, with the values that it has for them over the seeds."""
    if asked.kind is None:
        return ""
    values = np.concatenate([choice.values for choice in choices if choice is not None])
    if not values.size:
        return asked.kind.words
    measure = next(choice.measure for choice in choices if choice is not None)
    return f"{asked.kind.words}; {measure} {values.min():.2f} to {values.max():.2f}"
