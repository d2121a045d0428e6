"""The cases and their contenders: equal work first, then times in turns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.circuits import NUM_WEIGHTS, qubits, starts_from_amplitudes
from benchmarks.contender import Contender, ContenderFailed
from benchmarks.floor import works
from benchmarks.ours import ansatz
from benchmarks.rows import DifferentWork, Row, difference, failed, interleaved, row
from qhu.backends.aer import AerBackend, Options

Problem = dict[str, Any]
LAYERS, DEVICE = 2, "fake_brisbane"
TOLERANCE = 1e-4
"""Single against double precision, relative to the largest entry of each array."""
FAMILIES = {
    "zz-real": ("zz-real", 3),
    "strongly": ("strongly", 3),
    "six-layers": ("rotations-cz", 6),
    "amplitude-8q": ("amplitude", 2),
}
"""Cases of other circuits than two layers of rotations and a CZ ring: circuit and layers."""
PEERS = ("tensorcircuit-ng", "pennylane-broadcast", "lightning")
NO_DERIVATIVE = "its adjoint method has no derivatives by the state it starts from"
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
        references: whose values in double precision the others must agree with: the first of
            them that gives any.
        other_work: contenders that by their nature do other work, which is not compared.
        skipped: contenders that are left out, and why.
        most_threads: more would only slow it down.
    """

    name: str
    problem: Problem
    contenders: tuple[str, ...]
    references: tuple[str, ...] = ("dense", "qhu")
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
    for name, (circuit, layers) in FAMILIES.items():
        layer = layer_problem(8, 64, layers, circuit)
        most = 1 if starts_from_amplitudes(layer) else None  # the same
        skipped = {"estimator-qnn": TOO_LONG}
        if starts_from_amplitudes(layer):
            skipped["lightning"] = NO_DERIVATIVE
        names = tuple(name for name in ("qhu", *PEERS) if name not in skipped)
        cases.append(Case(name, layer, names, skipped=skipped, most_threads=most))
    for name, n in (("mnist-step", 8), ("fashion-step", 10)):
        names = ("qhu", "classical-twin")
        training = training_problem(n, 64)
        cases.append(Case(name, training, names, ("qhu",), other_work=("classical-twin",)))
    noisy = {**layer_problem(4, 32), "kind": "noisy", "device": DEVICE}
    return [*cases, Case("noisy-step", noisy, ("qhu", "aer-merged"), ("aer-merged", "qhu"))]


def layer_problem(
    n: int, batch: int, layers: int = LAYERS, circuit: str = "rotations-cz"
) -> Problem:
    """Random inputs (B, F), weights (W,) and cotangent (B, n) from a fixed seed."""
    random = np.random.default_rng(n)
    weights = random.uniform(-np.pi, np.pi, NUM_WEIGHTS[circuit](n, layers))
    features = 2**n if circuit == "amplitude" else n
    return {
        "kind": "layer",
        "circuit": circuit,
        "layers": layers,
        "dtype": DTYPE,
        "inputs": random.uniform(-np.pi, np.pi, (batch, features)).tolist(),
        "weights": weights.tolist(),
        "cotangent": random.normal(size=(batch, n)).tolist(),
    }


def training_problem(n: int, batch: int) -> Problem:
    """Random images (4B, 28, 28) of which the network takes B, and a label (B,) for each taken."""
    random = np.random.default_rng(n)
    return {
        "kind": "training",
        "dtype": DTYPE,
        "qubits": n,
        "layers": LAYERS,
        "batch": batch,
        "images": random.uniform(0, 1, (4 * batch, 28, 28)).round(3).tolist(),
        "labels": random.integers(0, 10, batch).tolist(),
    }


def run_case(
    case: Case, threads: int, thin: int = 1, say: Callable[[str], Any] = print
) -> tuple[list[Row], list[Row]]:
    """Rows of the contenders, and rows of those that failed. A failure costs its own row alone.

    Args:
        case: what to measure.
        threads: threads and cores of every contender.
        thin: divides the number of repetitions.
        say: told what is going on.
    """
    threads = min(threads, case.most_threads or threads)
    failures: dict[str, str] = {}
    apart: dict[str, float | None] = {}
    running: dict[str, Contender] = {}
    say(f"{case.name}: reference")
    expected = _reference(case, threads)
    try:
        for name in case.contenders:
            say(f"{case.name}: {name} prepares")
            try:
                contender = running[name] = Contender(name, threads)
                apart[name] = _checked(case, contender, expected)
            except (ContenderFailed, DifferentWork) as error:
                failures[name] = str(error)
        say(f"{case.name}: timing")
        times, late = interleaved({name: running[name].time for name in apart}, thin)
    finally:
        for contender in running.values():
            contender.close()
    rows = [_row(case, name, taken, apart[name], threads) for name, taken in times.items()]
    return rows, [failed(case.name, name, why) for name, why in (failures | late).items()]


def _reference(case: Case, threads: int) -> list[Any] | str:
    """What is to come out, in double precision from a process that is not timed; or why nobody
    could tell."""
    reasons = []
    for name in case.references:
        try:
            return _double_precision(case, name, threads)
        except ContenderFailed as error:
            reasons.append(f"{name}: {error}")
    return "nothing to check it against: " + "; ".join(reasons)


def _double_precision(case: Case, name: str, threads: int) -> list[Any]:
    process = Contender(name, threads)
    try:
        values = process.prepare({**case.problem, "dtype": "float64"})
    finally:
        process.close()
    if not all(np.isfinite(array).all() for array in values):
        raise ContenderFailed("its values are not finite")
    return values


def _checked(case: Case, contender: Contender, expected: list[Any] | str) -> float | None:
    """How far the contender is from the reference; None if it does other work by its nature."""
    values = contender.prepare(case.problem)
    if contender.name in case.other_work:
        return None
    if isinstance(expected, str):
        raise ContenderFailed(expected)
    return difference(contender.name, values, expected, TOLERANCE)


def _row(case: Case, name: str, times: list[float], apart: float | None, threads: int) -> Row:
    sizes = _sizes(case.problem)
    about = {
        **sizes,
        "dtype": DTYPES.get(name, DTYPE),
        "threads": threads,
        "differs_by": apart and float(f"{apart:.1e}"),
        "tolerance": None if apart is None else TOLERANCE,
    }
    return row(
        case.name, name, times, **about, **works(case.problem, couplings(case))[name].about()
    )


def couplings(case: Case) -> int:
    """Two-qubit gates of the native circuit; 0 in problems without noise."""
    if case.problem["kind"] != "noisy":
        return 0
    layer = ansatz({k: np.array(v) if isinstance(v, list) else v for k, v in case.problem.items()})
    return AerBackend("aer", Options(device=DEVICE)).isa(layer).ansatz.circuit.num_nonlocal_gates()


def _sizes(problem: Problem) -> dict[str, int]:
    if problem["kind"] == "training":
        return {k: problem[k] for k in ("qubits", "layers", "batch")}
    batch = len(problem["inputs"])
    return {"qubits": qubits(problem), "batch": batch, "layers": problem["layers"]}
