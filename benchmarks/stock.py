"""Stock Qiskit: EstimatorQNN with parameter shift, exact and on Aer with merged circuits."""

from qiskit.primitives import StatevectorEstimator
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN
from torch.func import functional_call

from benchmarks.ours import ansatz
from benchmarks.serve import Problem, Step
from benchmarks.torch_step import forward_backward
from qhu.backends.aer import AerBackend, Options


def estimator_qnn(problem: Problem) -> Step:
    """``StatevectorEstimator``, ``ParamShiftEstimatorGradient`` and ``TorchConnector``."""
    measured, estimator = ansatz(problem), StatevectorEstimator()
    network = EstimatorQNN(
        circuit=measured.circuit,
        estimator=estimator,
        observables=list(measured.observables),
        input_params=list(measured.inputs),
        weight_params=list(measured.weights),
        gradient=ParamShiftEstimatorGradient(estimator),
        input_gradients=True,
        default_precision=0.0,
    )
    return _step(TorchConnector(network), problem)


def aer_merged(problem: Problem) -> Step:
    """Aer's density matrices: all samples, shifts and observables of a pass as one circuit call."""
    backend = AerBackend("aer", Options(device=problem["device"], simulator="aer"))
    return _step(backend.layer(ansatz(problem), seed=0), problem)


def _step(connector: TorchConnector, problem: Problem) -> Step:
    return forward_backward(lambda x, w: functional_call(connector, {"weight": w}, (x,)), problem)


STEPS = {("layer", "estimator-qnn"): estimator_qnn, ("noisy", "aer-merged"): aer_merged}
