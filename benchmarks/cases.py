"""The cases and their contenders: equal work first, then times in turns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.contender import Contender, ContenderFailed
from benchmarks.floor import works
from benchmarks.rows import DifferentWork, difference, interleaved, row
from qhu.backends.aer import AerBackend, Options
from qhu.model.circuit import build_ansatz
from qhu.settings import ModelSpec

Problem = dict[str, Any]
LAYERS, DEVICE = 2, "fake_brisbane"
LAYER_TOLERANCE, TRAINING_TOLERANCE = 1e-4, 1e-3
"""Single against double precision, relative to the largest entry of each array."""
PEERS = ("tensorcircuit-ng", "pennylane-broadcast", "lightning")
TOO_LONG = "parameter shift sample by sample would take minutes per step"
DTYPES = {
    "estimator-qnn": "float32 outside, complex128 inside",
    "aer-merged": "float32 outside, complex128 inside",
    "lightning": "float32 outside, complex128 inside",
}
DTYPE = "float32"


@dataclass(frozen=True)
class Case:
    """One problem for several contenders.

    Attributes:
        name: as in ``results.json``.
        problem: what a contender prepares.
        contenders: ``qhu`` first.
        tolerance: of the check against qhu in double precision.
        other_work: contenders that by their nature do other work, which is not compared.
        skipped: contenders that are left out, and why.
        most_threads: more would only slow it down.
    """

    name: str
    problem: Problem
    contenders: tuple[str, ...]
    tolerance: float = LAYER_TOLERANCE
    other_work: tuple[str, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    most_threads: int | None = None


def all_cases() -> list[Case]:
    """Exact layers, training steps, the noisy layer."""
    cases = []
    for n, batch in ((4, 32), (8, 64), (10, 64), (12, 64)):
        stock = ("estimator-qnn",) if n == 4 else ()
        skipped = {} if stock else {"estimator-qnn": TOO_LONG}
        names = ("qhu", *PEERS, *stock)
        most = 1 if n == 4 else None  # so small that a second thread costs more than it brings
        layer = layer_problem(n, batch)
        cases.append(Case(f"{n}x{batch}", layer, names, skipped=skipped, most_threads=most))
    for name, n in (("mnist-step", 8), ("fashion-step", 10)):
        twins = ("qhu", "classical-twin")
        problem = training_problem(n, 64)
        cases.append(Case(name, problem, twins, TRAINING_TOLERANCE, ("classical-twin",)))
    noisy = {**layer_problem(4, 32), "kind": "noisy", "device": DEVICE}
    return [*cases, Case("noisy-step", noisy, ("qhu", "aer-merged"))]


def layer_problem(n: int, batch: int, layers: int = LAYERS) -> Problem:
    """Random inputs (B, n), weights (L, 3, n) and cotangent (B, n) from a fixed seed."""
    random = np.random.default_rng(n)
    return {
        "kind": "layer",
        "dtype": DTYPE,
        "inputs": random.uniform(-np.pi, np.pi, (batch, n)).tolist(),
        "weights": random.uniform(-np.pi, np.pi, (layers, 3, n)).tolist(),
        "cotangent": random.normal(size=(batch, n)).tolist(),
    }


def training_problem(n: int, batch: int) -> Problem:
    """Random images (B, 28, 28) and labels (B,)."""
    random = np.random.default_rng(n)
    return {
        "kind": "training",
        "dtype": DTYPE,
        "qubits": n,
        "layers": LAYERS,
        "images": random.uniform(0, 1, (batch, 28, 28)).round(3).tolist(),
        "labels": random.integers(0, 10, batch).tolist(),
    }


def run_case(
    case: Case, threads: int, thin: int = 1, say: Callable[[str], Any] = print
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Rows of the contenders, and which were left out and why.

    Args:
        case: what to measure.
        threads: threads and cores of every contender.
        thin: divides the number of repetitions.
        say: told what is going on.

    Raises:
        DifferentWork: qhu in single precision does not agree with qhu in double precision.
        ContenderFailed: qhu fails.
    """
    threads = min(threads, case.most_threads or threads)
    left_out = dict(case.skipped)
    apart: dict[str, float | None] = {}
    running: dict[str, Contender] = {}
    try:
        expected = _reference(case.problem, threads)
        for name in case.contenders:
            say(f"{case.name}: {name} prepares")
            try:
                peer = running[name] = Contender(name, threads)
                apart[name] = _checked(case, peer, expected)
            except (ContenderFailed, DifferentWork) as error:
                if name == "qhu":
                    raise
                left_out[name] = str(error)
        say(f"{case.name}: timing")
        times = interleaved({name: running[name].time for name in apart}, thin)
    finally:
        for peer in running.values():
            peer.close()
    rows = [_row(case, name, taken, apart[name], threads) for name, taken in times.items()]
    return rows, [{"case": case.name, "contender": n, "why": w} for n, w in left_out.items()]


def _reference(problem: Problem, threads: int) -> list[Any]:
    """What qhu computes in double precision, in a process that is not timed."""
    process = Contender("qhu", threads)
    try:
        return process.prepare({**problem, "dtype": "float64"})
    finally:
        process.close()


def _checked(case: Case, peer: Contender, expected: list[Any]) -> float | None:
    found = peer.prepare(case.problem)
    if peer.name in case.other_work:
        return None
    return difference(peer.name, found, expected, case.tolerance)


def _row(
    case: Case, name: str, times: list[float], apart: float | None, threads: int
) -> dict[str, Any]:
    sizes = _sizes(case.problem)
    about = {
        **sizes,
        "dtype": DTYPES.get(name, DTYPE),
        "threads": threads,
        "differs_by": apart and float(f"{apart:.1e}"),
        "tolerance": None if apart is None else case.tolerance,
    }
    return row(
        case.name, name, times, **about, **works(case.problem, couplings(case))[name].about()
    )


def couplings(case: Case) -> int:
    """Two-qubit gates of the native circuit; 0 in problems without noise."""
    if case.problem["kind"] != "noisy":
        return 0
    ansatz = build_ansatz(ModelSpec(layers=LAYERS), _sizes(case.problem)["qubits"])
    return AerBackend("aer", Options(device=DEVICE)).isa(ansatz).ansatz.circuit.num_nonlocal_gates()


def _sizes(problem: Problem) -> dict[str, int]:
    if problem["kind"] == "training":
        return {k: problem[k] for k in ("qubits", "layers")} | {"batch": len(problem["images"])}
    batch, qubits = np.shape(problem["inputs"])
    return {"qubits": qubits, "batch": batch, "layers": len(problem["weights"])}
