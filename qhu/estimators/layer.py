"""The quantum layer over any V2 estimator: stock EstimatorQNN and TorchConnector."""

import torch
from qiskit.primitives import BaseEstimatorV2
from qiskit_machine_learning.connectors import TorchConnector
from torch import Tensor

from qhu.engine.ansatz import Ansatz
from qhu.engine.network import Network
from qhu.errors import UserError
from qhu.estimators.param_shift import MergedParamShift


class EstimatorConnector(TorchConnector):
    """The stock connector for samples of any precision and any number, 0 included.

    Args:
        neural_network: the network of the circuit.
        ansatz: computes the network's inputs from the samples.
    """

    def __init__(self, neural_network: Network, ansatz: Ansatz) -> None:
        super().__init__(neural_network)
        self._ansatz = ansatz

    def forward(self, input_data: Tensor | None = None) -> Tensor:
        """Expectation values (..., M), float32, of the samples (..., F).

        Raises:
            UserError: the weights are of half precision, or amplitudes are to be prepared from
                zeros alone.
        """
        if self.weight.dtype not in (torch.float32, torch.float64):
            raise UserError(
                f"a layer over an estimator cannot have weights in {self.weight.dtype}: keep them "
                "in float32, as torch.autocast does"
            )
        if input_data is None:
            return super().forward(None)
        if input_data.numel() or not input_data.shape[-1]:
            # numpy lacks bfloat16, which torch.autocast makes.
            return super().forward(self._ansatz.values(input_data.to(torch.float64)))
        shape = *input_data.shape[:-1], *self.neural_network.output_shape
        nothing = 0.0 * (input_data.sum() + self.weight.sum())  # whose gradients are zeros
        return torch.zeros(shape, device=input_data.device) + nothing


def estimator_layer(ansatz: Ansatz, estimator: BaseEstimatorV2, precision: float) -> TorchConnector:
    """Trainable layer whose forward pass and gradient ask for the same precision.

    Args:
        ansatz: circuit and observables on the same qubits, ready to run as they are.
        estimator: sees every circuit of the layer.
        precision: standard error aimed at, 1/√shots; 0 for exact values.
    """
    ansatz = ansatz.copy()
    network = Network(
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
