"""Stock Qiskit: EstimatorQNN with parameter shift, exact and on Aer with merged circuits."""

from qiskit.primitives import StatevectorEstimator
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
from qiskit_machine_learning.neural_networks import EstimatorQNN
from torch.func import functional_call

from benchmarks.serve import Problem, Step
from benchmarks.torch_step import forward_backward
from qhu.backends.aer import AerBackend, Options
from qhu.engine.ansatz import Ansatz
from qhu.model.circuit import build_ansatz
from qhu.settings.model import ModelSpec


def estimator_qnn(problem: Problem) -> Step:
    """``StatevectorEstimator``, ``ParamShiftEstimatorGradient`` and ``TorchConnector``."""
    ansatz, estimator = _ansatz(problem), StatevectorEstimator()
    network = EstimatorQNN(
        circuit=ansatz.circuit,
        estimator=estimator,
        observables=list(ansatz.observables),
        input_params=list(ansatz.inputs),
        weight_params=list(ansatz.weights),
        gradient=ParamShiftEstimatorGradient(estimator),
        input_gradients=True,
        default_precision=0.0,
    )
    return _step(TorchConnector(network), problem)


def aer_merged(problem: Problem) -> Step:
    """Aer's density matrices: all samples, shifts and observables of a pass as one circuit call."""
    backend = AerBackend("aer", Options(device=problem["device"], simulator="aer"))
    return _step(backend.layer(_ansatz(problem), seed=0), problem)


def _ansatz(problem: Problem) -> Ansatz:
    layers, _, qubits = problem["weights"].shape
    return build_ansatz(ModelSpec(layers=layers), qubits)


def _step(connector: TorchConnector, problem: Problem) -> Step:
    return forward_backward(
        lambda x, w: functional_call(connector, {"weight": w.reshape(-1)}, (x,)), problem
    )


STEPS = {("layer", "estimator-qnn"): estimator_qnn, ("noisy", "aer-merged"): aer_merged}
