"""One decorator registers a method, metric, dataset or backend; one object finds it again.

The options of an entry are the pydantic model that annotates its ``options`` parameter, so a
plugin is one file: a class of options and a decorated function (or class).
"""

from qhu.registry.kinds import BackendClass, DatasetFunction, MethodFunction
from qhu.registry.names import Entry, MetricEntry, MetricRegistry, Registry
from qhu.registry.options import Options, parse

__all__ = [
    "Entry",
    "MetricEntry",
    "MetricRegistry",
    "Options",
    "Registry",
    "backend",
    "dataset",
    "method",
    "metric",
    "parse",
]

method: Registry[MethodFunction] = Registry("method", "qhu.unlearn")
"""Unlearning methods by name, and the decorator ``@method(name)`` that adds one."""
metric = MetricRegistry("metric", "qhu.evaluate")
"""Metrics by name, and the decorator ``@metric(name)`` that adds one."""
dataset: Registry[DatasetFunction] = Registry("dataset", "qhu.data")
"""Datasets by name, and the decorator ``@dataset(name)`` that adds one."""
backend: Registry[BackendClass] = Registry("backend", "qhu.backends")
"""Kinds of backends by name, and the decorator ``@backend(kind)`` that adds one."""
