"""What a study read and what it forgets, by name and number."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from qhu.record.description import DataDescription, Forgotten
from qhu.settings.model import ModelSpec
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
    """What the network sees instead of the features."""
    spec = study.experiment.data
    if spec.pca is not None:
        yield f"reduced to {spec.pca} principal components"
    if spec.width is not None:
        yield f"repeated in turn to a width of {spec.width}"


def _forgotten(study: Study, name: str, counts: list[int]) -> Forgotten:
    partitions = [study.partition(seed, name) for seed in study.experiment.seeds]
    sizes = [len(partition.forget) for partition in partitions]
    training, number = (min(sizes), max(sizes)), partitions[0].forgotten
    if number is None:
        return Forgotten(training=training)
    return Forgotten(label=study.data.classes[number], rows=counts[number], training=training)
