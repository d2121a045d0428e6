"""How time grows with qubits, samples, layers and models."""

import time
from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.rows import Row, row
from qhu.engine.program import Program, compile_circuit
from qhu.model.circuit import build_ansatz
from qhu.settings.model import ModelSpec

DEEP = 6
"""Layers too deep for Pauli strings."""
AXES: dict[str, tuple[tuple[int, ...], list[dict[str, int]]]] = {
    "qubits": (tuple(range(2, 15)), [{"batch": 64, "layers": 2}, {"batch": 64, "layers": DEEP}]),
    "batch": (
        tuple(4**k for k in range(7)),
        [{"qubits": 8, "layers": 2}, {"qubits": 8, "layers": DEEP}],
    ),
    "layers": ((1, 2, 4, 8, 16, 32), [{"qubits": 4, "batch": 64}, {"qubits": 8, "batch": 64}]),
    "models": (
        tuple(4**k for k in range(5)),
        [{"qubits": 4, "batch": 32, "layers": 2}, {"qubits": 4, "batch": 32, "layers": DEEP}],
    ),
}
"""Per axis: its values, and the sizes that stay as they are, one line each."""
SECONDS, MOST, LEAST = 1.0, 20, 3
"""A point is timed for so long, but so many times at most and at least."""


def points() -> Iterator[tuple[str, dict[str, int]]]:
    """Axis and sizes of every point of every line."""
    for axis, (values, lines) in AXES.items():
        for fixed in lines:
            for value in values:
                yield axis, {"models": 1, **fixed, axis: value}


def measure(axis: str, sizes: dict[str, int]) -> Row:
    """Row of one point."""
    ansatz = build_ansatz(ModelSpec(layers=sizes["layers"]), sizes["qubits"])
    program = compile_circuit(ansatz)
    times = _times(program, sizes, len(ansatz.weights))
    return row(axis, "qhu", times, **sizes, program=type(program).__name__)


def _times(program: Program, sizes: dict[str, int], num_weights: int) -> list[float]:
    generator = torch.Generator().manual_seed(0)
    models = (sizes["models"],) if sizes["models"] > 1 else ()
    per_model = (*models, 1) if models else ()
    inputs = torch.rand(*models, sizes["batch"], sizes["qubits"], generator=generator)
    weights = torch.rand(*per_model, num_weights, generator=generator)
    inputs.requires_grad_(), weights.requires_grad_()

    def step() -> float:
        inputs.grad = weights.grad = None
        begun = time.perf_counter()
        program(inputs, weights).sum().backward()
        return 1e3 * (time.perf_counter() - begun)

    warm = min(step() for _ in range(3))
    return [step() for _ in range(int(np.clip(1e3 * SECONDS / warm, LEAST, MOST)))]
