"""What claims are tested on: shipped experiments, and what is made of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """A shipped experiment, by its name."""

    experiment: str


@dataclass(frozen=True)
class Runs(Need):
    """Its ordinary run, or of a sweep one per point: rows of ``results.csv``, the point in ``at``.

    Attributes:
        overrides: settings that differ from the file's.
        scenarios: those of the file that are run; empty: all.
    """

    overrides: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()


@dataclass(frozen=True)
class Memory(Need):
    """Teachers of a pool per point of a sweep.

    Rows ``at, rows, pair, value``: how much likelier rows (``all`` training rows, those that are
    ``mislabelled``) are answered as labelled by the model of a pair that was trained on them.
    """


@dataclass(frozen=True)
class Leaks(Need):
    """A pool with its unlearned versions, seen by resamples of its pairs of halves.

    Rows ``scenario, method, resample`` with ``leakage`` (AUC of the primary attack against models
    retrained), ``confidence`` (that of the confidence attack), ``utility`` (test accuracy minus
    the oracle's) and ``pairs``; resample −1 is the pool itself.
    """


@dataclass(frozen=True)
class Costs(Need):
    """Every registered method, and training again, measured.

    Rows ``method, seed, steps, seconds, circuits``.
    """


METHODS = Runs("claims-methods")
THEIRS = Runs("paper-iris", ("seeds=0-19", "metrics=[acc, kl, agree]"), ("subset2pct",))
DEPTH = Runs("claims-depth")
ENTANGLEMENT = Runs("claims-entanglement")
TASK = Runs("claims-task")
QUANTUM_PART = Runs("claims-quantum_part")
MEMORY_DEPTH = Memory("claims-memory_depth")
MEMORY_NOISE = Memory("claims-memory_noise")
MEMORY_ENTANGLEMENT = Memory("claims-memory_entanglement")
MEMORY_NETWORK = Memory("claims-memory_network")
LEAKS = Leaks("claims-leaks")
COSTS = Costs("claims-methods")
