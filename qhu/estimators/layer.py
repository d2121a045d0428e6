"""The quantum layer over any V2 estimator: stock EstimatorQNN and TorchConnector."""

from qiskit.primitives import BaseEstimatorV2
from qiskit_machine_learning.connectors import TorchConnector

from qhu.engine.ansatz import Ansatz
from qhu.engine.network import Network
from qhu.estimators.param_shift import MergedParamShift


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
    return TorchConnector(network)
