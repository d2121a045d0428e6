"""The least time that the counted operations and bytes take: how far every contender is from it.

A floor counts the work of the picture that a contender computes in, with everything fused that can
be, and nothing for launching it: floor = max(operations / measured matrix product rate, bytes /
measured copy rate at that size). A complex multiply-add is eight real operations, a real one two;
a backward pass counts as two forward passes. Symbols: n qubits, B samples, L layers, M = n outputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.circuits import qubits
from benchmarks.machine import copy_rate, product_rate

COMPLEX, REAL, PASSES = 8, 2, 3
AMPLITUDE, NUMBER = 8, 4
"""Bytes of a complex and a real number in single precision."""
EXTRA_LAYERS = {"zz-real": 3, "amplitude": 1}
"""Rows of one-qubit gates beyond those of the layers: H twice, and RY once more; and the first row,
which joins the encoding where this makes product states."""


@dataclass(frozen=True)
class Work:
    """Real operations, bytes moved, and the picture that they were counted in."""

    operations: float
    bytes: float
    picture: str

    def about(self) -> dict[str, Any]:
        """Columns of a row: the floor in milliseconds and what it is made of."""
        seconds = max(
            self.operations / (1e9 * product_rate()), self.bytes / (1e9 * copy_rate(self.bytes))
        )
        return {
            "floor_ms": float(f"{1e3 * seconds:.3g}"),
            "floor_operations": round(self.operations),
            "floor_bytes": round(self.bytes),
            "floor_picture": self.picture,
        }


def state_vector(n: int, batch: int, layers: int) -> Work:
    """States (B, 2ⁿ): product states, L-1 diagonals and rows of n one-qubit gates, measurement.

    Per amplitude 1 + (L-1)(2n + 1) + 1 complex multiply-adds; every layer is read and written once.
    The last diagonal layer cannot be seen.
    """
    amplitudes = batch * 2**n
    per_amplitude = 2 + (layers - 1) * (2 * n + 1)
    operations = PASSES * COMPLEX * per_amplitude * amplitudes
    return Work(operations, PASSES * layers * 2 * AMPLITUDE * amplitudes, "state vector")


def pauli_strings(n: int, batch: int) -> Work:
    """Two layers: 3n strings of three letters, in product states.

    Per sample 9n multiply-adds for the Bloch vectors after the first layer, 2·3n for the strings
    and 3n to sum them; inputs, outputs, cotangents and gradients are moved once.
    """
    return Work(PASSES * REAL * 18 * n * batch, 4 * NUMBER * n * batch, "Pauli strings")


def parameter_shift(n: int, batch: int, layers: int) -> Work:
    """A forward pass per observable and shift, 2(3n + 3nL) of them, and the values themselves."""
    once = state_vector(n, batch, layers)
    runs = n * (1 + 2 * (3 * n + 3 * n * layers)) / PASSES
    return Work(2 * runs * once.operations, 2 * runs * once.bytes, "state vectors, shifted")


def pulled_back(n: int, batch: int, couplings: int) -> Work:
    """M observables of 4ⁿ entries through noisy two-qubit gates, then read in product states.

    Per entry and gate 16 multiply-adds; per sample 4ⁿ(4/3 + M) to multiply out the state's Bloch
    vectors and to sum.
    """
    entries = 4**n
    madds = 16 * couplings * n * entries + batch * entries * (4 / 3 + n)
    moved = NUMBER * (2 * couplings * n * entries + 2 * batch * entries)
    return Work(PASSES * REAL * madds, PASSES * moved, "Heisenberg")


def shifted_densities(n: int, batch: int, layers: int, couplings: int) -> Work:
    """A density matrix in double precision per sample and shift; 16 multiply-adds per gate."""
    runs = batch * (1 + 2 * (3 * n + 3 * n * layers))
    entries = runs * couplings * 4**n
    return Work(COMPLEX * 16 * entries, 4 * AMPLITUDE * entries, "density matrices, shifted")


def network(n: int, batch: int, quantum: bool) -> Work:
    """The convolutional network on 28×28 images: two convolutions, three linear layers.

    Activations are written and read once per pass.
    """
    madds = 28 * 28 * 16 * 9 + 14 * 14 * 32 * 16 * 9 + 1568 * n + 32 * n + 32 * 10
    numbers = 28 * 28 * (1 + 16) + 14 * 14 * (16 + 32) + 1568
    layer = pauli_strings(n, batch) if quantum else Work(0, 0, "")
    return Work(
        PASSES * REAL * madds * batch + layer.operations,
        PASSES * 2 * NUMBER * numbers * batch + layer.bytes,
        "convolutions" + " + Pauli strings" * quantum,
    )


def works(problem: Mapping[str, Any], couplings: int = 0) -> dict[str, Work]:
    """Counted work of every contender of a problem.

    Args:
        problem: see :mod:`benchmarks.cases`; two layers.
        couplings: two-qubit gates of the native circuit, for noisy problems.
    """
    if problem["kind"] == "training":
        sizes = problem["qubits"], problem["batch"]
        return {"qhu": network(*sizes, True), "classical-twin": network(*sizes, False)}
    batch, n = len(problem["inputs"]), qubits(problem)
    layers = problem["layers"]
    if problem["kind"] == "noisy":
        return {
            "qhu": pulled_back(n, batch, couplings),
            "aer-merged": shifted_densities(n, batch, layers, couplings),
        }
    evolved = state_vector(n, batch, layers + EXTRA_LAYERS.get(problem["circuit"], 0))
    peers = dict.fromkeys(("pennylane-broadcast", "lightning", "tensorcircuit-ng"), evolved)
    # qhu takes the cheaper picture, where one is known for the depth.
    shallow = problem["circuit"] == "rotations-cz" and layers == 2
    ours = pauli_strings(n, batch) if shallow else evolved
    return {"qhu": ours, "estimator-qnn": parameter_shift(n, batch, layers), **peers}
