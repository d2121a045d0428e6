"""``TorchConnector`` without the detour: the quantum layer as differentiable tensor operations."""

import copy
from typing import Any

import torch
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.neural_networks import EstimatorQNN
from torch import Tensor

from qhu.engine.ansatz import Ansatz
from qhu.engine.estimator import EngineEstimator, EngineGradient
from qhu.engine.noise import NoiseModel
from qhu.engine.program import Program, compile_circuit
from qhu.errors import UserError


class EngineConnector(TorchConnector):
    """Trainable quantum layer evaluated by a compiled program.

    Unlike its base it makes one backward pass for the vector-Jacobian product instead of computing
    the whole Jacobian, supports second derivatives and ``torch.func``, and follows the dtype and
    device of its parameters. Parameters, ``state_dict`` and ``neural_network`` are the base's.
    Where ``ansatz`` prepares a state from the samples, the inputs of ``neural_network`` are the
    angles that ``ansatz.values`` computes from them.

    Args:
        neural_network: the network that the layer stands for, with the parameters of ``ansatz``.
        ansatz: what is compiled, at the first call of each dtype.
        initial_weights: weights (W,), by default uniform in [-1, 1].
        noise: errors of the gates and the readout of ``ansatz``, which then is in native gates.
    """

    def __init__(
        self,
        neural_network: EstimatorQNN,
        ansatz: Ansatz,
        initial_weights: Any = None,
        noise: NoiseModel | None = None,
    ) -> None:
        super().__init__(neural_network, initial_weights)
        self._ansatz, self._noise = ansatz, noise
        self._programs: dict[torch.dtype, Program] = {}

    def forward(self, input_data: Tensor | None = None) -> Tensor:
        """Expectation values (..., M) of the samples (..., F), in the dtype of the weights.

        Raises:
            UserError: the samples have another number of features, or amplitudes are to be
                prepared from zeros alone.
        """
        weights = self._weights
        inputs = weights.new_zeros(0) if input_data is None else input_data
        if inputs.shape[-1] != self._ansatz.features:
            raise UserError(
                f"the quantum layer takes {self._ansatz.features} features, got {inputs.shape[-1]}"
            )
        return self._program(weights.dtype)(inputs, weights)

    def _program(self, real: torch.dtype) -> Program:
        if real not in self._programs:
            self._programs[real] = compile_circuit(
                self._ansatz, dtype=real.to_complex(), noise=self._noise
            )
        return self._programs[real]


def engine_layer(ansatz: Ansatz, noise: NoiseModel | None = None) -> EngineConnector:
    """Quantum layer on the engine, with an ``EstimatorQNN`` that gives the same exact values.

    Args:
        ansatz: circuit, parameters and observables.
        noise: errors of the gates and the readout of the circuit, which then is in native gates.
    """
    # Copies: programs are compiled later, when a dtype is first used.
    ansatz, noise = ansatz.copy(), copy.deepcopy(noise)
    estimator = EngineEstimator(noise)
    network = EstimatorQNN(
        circuit=ansatz.circuit,
        estimator=estimator,
        observables=ansatz.observables,
        input_params=ansatz.inputs,
        weight_params=ansatz.weights,
        gradient=EngineGradient(estimator),
        input_gradients=True,
        default_precision=0.0,
    )
    return EngineConnector(network, ansatz, noise=noise)
