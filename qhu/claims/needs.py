"""What claims are tested on: shipped experiments, and what is made of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """A shipped experiment, by its name."""

    experiment: str


@dataclass(frozen=True)
class RunNeed(Need):
    """Its ordinary run, or of a sweep one per point: rows of ``results.csv``, the point in ``at``.

    Attributes:
        overrides: settings that differ from the file's.
        scenarios: those of the file that are run; empty: all.
    """

    overrides: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()


@dataclass(frozen=True)
class MemoryNeed(Need):
    """Teachers of a pool per point of a sweep.

    Rows ``at, rows, pair, value``: how much likelier rows (``all`` training rows, those that are
    ``mislabelled``) are answered as labelled by the model of a pair that was trained on them.
    """


@dataclass(frozen=True)
class LeakNeed(Need):
    """A pool with its unlearned versions, seen by resamples of its pairs of halves.

    Rows ``scenario, method, resample`` with ``leakage`` (AUC of the primary attack against models
    retrained), ``confidence`` (that of the confidence attack), ``utility`` (test accuracy minus
    the oracle's) and ``pairs``; resample −1 is the pool itself.
    """


@dataclass(frozen=True)
class CostNeed(Need):
    """Every registered method, and training again, measured.

    Rows ``method, seed, steps, seconds, circuits``.
    """


METHODS = RunNeed("claims-methods")
THEIRS = RunNeed("paper-iris", ("seeds=0-19", "metrics=[acc, kl, agree]"), ("subset2pct",))
DEPTH = RunNeed("claims-depth")
ENTANGLEMENT = RunNeed("claims-entanglement")
TASK = RunNeed("claims-task")
QUANTUM_PART = RunNeed("claims-quantum_part")
MEMORY_DEPTH = MemoryNeed("claims-memory_depth")
MEMORY_NOISE = MemoryNeed("claims-memory_noise")
MEMORY_ENTANGLEMENT = MemoryNeed("claims-memory_entanglement")
MEMORY_NETWORK = MemoryNeed("claims-memory_network")
LEAKS = LeakNeed("claims-leaks")
COSTS = CostNeed("claims-methods")
