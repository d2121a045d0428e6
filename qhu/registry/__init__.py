"""One decorator registers a method, metric, dataset, backend or part; one object finds it again.

The options of an entry are the pydantic model that annotates its ``options`` parameter, so a
plugin is one file: a class of options and a decorated function (or class).
"""

from typing import Any

from qhu.registry.kinds import (
    AnsatzFunction,
    AttackFunction,
    BackendClass,
    CircuitFunction,
    DatasetFunction,
    EncodingClass,
    FrontFunction,
    HeadFunction,
    MethodFunction,
    ObservablesFunction,
)
from qhu.registry.names import Entry, MetricEntry, MetricRegistry, Names, Registry
from qhu.registry.options import Options, parse
from qhu.registry.parts import Chosen, PartRegistry

__all__ = [
    "REGISTRIES",
    "Chosen",
    "Entry",
    "MetricEntry",
    "MetricRegistry",
    "Options",
    "PartRegistry",
    "Registry",
    "ansatz",
    "attack",
    "backend",
    "circuit",
    "dataset",
    "encoding",
    "front",
    "head",
    "method",
    "metric",
    "observables",
    "parse",
]

method: Registry[MethodFunction] = Registry("method", "qhu.unlearn", taken="oracle|teacher|floor")
"""Unlearning methods by name, and the decorator ``@method(name)`` that adds one."""
metric = MetricRegistry("metric", "qhu.metrics")
"""Metrics by name, and the decorator ``@metric(name)`` that adds one."""
attack: Registry[AttackFunction] = Registry("attack", "qhu.evidence.attacks")
"""Attacks by name, and the decorator ``@attack(name)`` that adds one."""
dataset: Registry[DatasetFunction] = Registry("dataset", "qhu.data")
"""Datasets by name, and the decorator ``@dataset(name)`` that adds one."""
backend: Registry[BackendClass] = Registry("backend", "qhu.backends", taken="auto|(fake|ibm)_.*")
"""Kinds of backends by name, and the decorator ``@backend(kind)`` that adds one."""
front: PartRegistry[FrontFunction] = PartRegistry("front", "qhu.model.fronts")
"""Fronts by name, and the decorator ``@front(name)`` that adds one."""
encoding: Registry[EncodingClass] = Registry("encoding", "qhu.model.encodings")
"""Encodings by name, and the decorator ``@encoding(name)`` that adds one."""
ansatz: Registry[AnsatzFunction] = Registry("ansatz", "qhu.model.ansatze", "ansatze")
"""Ansätze by name, and the decorator ``@ansatz(name)`` that adds one."""
circuit: Registry[CircuitFunction] = Registry("circuit", "qhu.model.circuits")
"""Kinds of whole circuits by name, and the decorator ``@circuit(name)`` that adds one."""
observables: Registry[ObservablesFunction] = Registry(
    "observables", "qhu.model.observables", "observables"
)
"""Sets of observables by name, and the decorator ``@observables(name)`` that adds one."""
head: PartRegistry[HeadFunction] = PartRegistry("head", "qhu.model.heads")
"""Heads by name, and the decorator ``@head(name)`` that adds one."""

REGISTRIES: dict[str, Names[Any, Any]] = {
    names.plural: names
    for names in (
        *(method, metric, attack, dataset, backend),
        *(front, encoding, ansatz, circuit, observables, head),
    )
}
"""All of them by their plural, as ``qhu list`` and entry points call them."""
