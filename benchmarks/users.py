"""What the engine saves users of plain Qiskit: python -m benchmarks.users prints the table.

Stock ``StatevectorEstimator``, parameter shift and ``TorchConnector`` against what takes their
places, in turns on one thread, results compared first. Ratios are of medians.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from qiskit.circuit.library import efficient_su2, real_amplitudes, zz_feature_map
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN

from benchmarks.serve import pin
from qhu import EngineEstimator, EngineGradient, engine_layer

Step = Callable[[], list[Any]]
QUBITS, ROWS, REPEATS = 4, 16, 5
AGREEMENT = 1e-5


def network(estimator: Any, gradient: Any) -> EstimatorQNN:
    """ZZ feature map, RealAmplitudes and the parity of all qubits."""
    encoding, trained = zz_feature_map(QUBITS), real_amplitudes(QUBITS, reps=2)
    return EstimatorQNN(
        circuit=encoding.compose(trained),
        input_params=encoding.parameters,
        weight_params=trained.parameters,
        estimator=estimator,
        gradient=gradient,
        input_gradients=True,
        default_precision=0.0,
    )


def qnn_step(network: EstimatorQNN) -> Step:
    """Outputs and gradients by weights of a network, as ``NeuralNetworkClassifier`` asks."""
    random = np.random.default_rng(0)
    rows = random.uniform(-1, 1, (ROWS, QUBITS))
    weights = random.uniform(-1, 1, network.num_weights)
    return lambda: [network.forward(rows, weights), network.backward(rows, weights)[1]]


def torch_step(layer: torch.nn.Module) -> Step:
    """Outputs and gradients of a layer."""
    rows = torch.linspace(-1, 1, ROWS * QUBITS).reshape(ROWS, QUBITS)

    def step() -> list[Any]:
        layer.zero_grad()
        outputs = layer(rows)
        outputs.sum().backward()
        return [outputs.detach().numpy(), next(layer.parameters()).grad.clone().numpy()]

    return step


def vqe_step(estimator: Any, gradient: Any) -> Step:
    """Energy of a transverse-field Ising chain of 8 qubits and its gradient."""
    trained = efficient_su2(8, reps=2)
    fields = [("ZZ", [q, q + 1], -1.0) for q in range(7)] + [("X", [q], -0.5) for q in range(8)]
    energy = SparsePauliOp.from_sparse_list(fields, num_qubits=8)
    values = np.linspace(0, 1, trained.num_parameters)

    def step() -> list[Any]:
        (result,) = estimator.run([(trained, energy, values)], precision=0.0).result()
        slopes = gradient.run([trained], [energy], [values]).result().gradients[0]
        return [result.data.evs, slopes]

    return step


def pairs() -> dict[str, tuple[Step, Step]]:
    """The same work by stock Qiskit and on the engine."""
    stock, ours = StatevectorEstimator(), EngineEstimator()
    stock_gradient = ParamShiftEstimatorGradient(stock)
    plain = network(stock, stock_gradient)
    start = np.linspace(-1, 1, plain.num_weights)
    return {
        "`EstimatorQNN` forward and backward": (
            qnn_step(plain),
            qnn_step(network(ours, EngineGradient(ours))),
        ),
        "torch layer, forward and backward": (
            torch_step(TorchConnector(plain, start)),
            torch_step(engine_layer(plain, initial_weights=start)),
        ),
        "energy and gradient of a VQE": (
            vqe_step(stock, stock_gradient),
            vqe_step(ours, EngineGradient(ours)),
        ),
    }


def main() -> None:
    """Print a row per pair: milliseconds of both, and their ratio."""
    pin(1)
    for name, steps in pairs().items():
        for stock, ours in zip(*(step() for step in steps), strict=True):
            np.testing.assert_allclose(ours, stock, atol=AGREEMENT)
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(REPEATS):
            for taken, step in zip(times, steps, strict=True):
                begun = time.perf_counter()
                step()
                taken.append(1e3 * (time.perf_counter() - begun))
        before, after = map(statistics.median, times)
        print(f"| {name} | {before:.4g} ms | {after:.3g} ms | {before / after:.0f} |", flush=True)


if __name__ == "__main__":
    main()
