"""The quantum layer over any V2 estimator: stock EstimatorQNN and TorchConnector."""

import torch
from qiskit.primitives import BaseEstimatorV2
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.neural_networks import EstimatorQNN
from torch import Tensor

from qhu.engine.ansatz import Ansatz
from qhu.estimators.param_shift import MergedParamShift


class EstimatorConnector(TorchConnector):
    """The stock connector, for an ansatz whose inputs are computed from the samples, too.

    Args:
        neural_network: the network of the circuit.
        ansatz: computes the network's inputs.
    """

    def __init__(self, neural_network: EstimatorQNN, ansatz: Ansatz) -> None:
        super().__init__(neural_network)
        self._ansatz = ansatz

    def forward(self, input_data: Tensor | None = None) -> Tensor:
        """Expectation values (..., M) of the samples (..., F)."""
        if input_data is None or self._ansatz.preparation is None:
            return super().forward(input_data)
        return super().forward(self._ansatz.values(input_data.to(torch.float64)))


def estimator_layer(ansatz: Ansatz, estimator: BaseEstimatorV2, precision: float) -> TorchConnector:
    """Trainable layer whose forward pass and gradient ask for the same precision.

    Args:
        ansatz: circuit and observables on the same qubits, ready to run as they are.
        estimator: sees every circuit of the layer.
        precision: standard error aimed at, 1/√shots; 0 for exact values.
    """
    ansatz = ansatz.copy()
    network = EstimatorQNN(
        circuit=ansatz.circuit,
        observables=list(ansatz.observables),
        input_params=list(ansatz.inputs),
        weight_params=list(ansatz.weights),
        estimator=estimator,
        gradient=MergedParamShift(estimator, precision),
        # Stock default False leaves the gradient of a trainable front silently out.
        input_gradients=True,
        default_precision=precision,
    )
    return EstimatorConnector(network, ansatz)
