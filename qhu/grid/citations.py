"""What to cite for a study: its data, network, methods, metrics, backends, tests and packages."""

from qhu import registry, training
from qhu.data import forgetting
from qhu.record.references import resolve
from qhu.report import statistics
from qhu.study import Study

PACKAGES = {
    "qiskit": ("javadiabhari2024qiskit",),
    "qiskit-machine-learning": ("sahin2025qiskit",),
    "torch": ("paszke2019pytorch",),
    "numpy": ("harris2020array",),
    "scipy": ("virtanen2020scipy",),
    "scikit-learn": ("pedregosa2011scikit",),
}
"""What the authors of packages ask to cite."""


def citations(study: Study) -> dict[str, dict[str, str]]:
    """What is used, such as ``method scrub``, to the BibTeX entries to cite for it, by key.

    Raises:
        QhuError: one of them cites what is not BibTeX.
        UnknownName: it cites a key that is not shipped.
    """
    kinds = {type(backend) for backend in study.backends.values()}
    backends = [registry.backend[name] for name in registry.backend.names()]
    used: dict[str, list[registry.Entry]] = {
        "dataset": [registry.dataset[study.experiment.data.source]],
        "method": list(study.methods.values()),
        "metric": list(study.metrics.values()),
        "backend": [entry for entry in backends if entry.make in kinds],
        **{kind: [entry] for kind, entry in study.network.items()},
    }
    cites = {f"{kind} {e.name}": e.cites for kind, entries in used.items() for e in entries}
    cites |= training.CITES | statistics.CITES
    scenarios = study.experiment.scenarios.values()
    for kind, keys in forgetting.CITES.items():
        if any(getattr(scenario, kind) is not None for scenario in scenarios):
            cites[f"scenario {kind}"] = keys
    cites |= {f"package {name}": keys for name, keys in PACKAGES.items()}
    return {use: resolve(keys) for use, keys in cites.items() if keys}
