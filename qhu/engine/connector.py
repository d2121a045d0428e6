"""``TorchConnector`` without the detour: the quantum layer as differentiable tensor operations."""

import copy
import math
from typing import Any

import torch
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit_machine_learning.connectors import TorchConnector
from qiskit_machine_learning.neural_networks import EstimatorQNN
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from qhu.engine.ansatz import Ansatz
from qhu.engine.estimator import EngineEstimator, EngineGradient
from qhu.engine.network import Network
from qhu.engine.noise import NoiseModel
from qhu.engine.observables import pauli_sums
from qhu.engine.program import Program, compile_circuit
from qhu.engine.states import compile_states
from qhu.errors import UserError

_COMPUTED_IN = (torch.float32, torch.float64)


class EngineConnector(TorchConnector):
    """Trainable quantum layer evaluated by a compiled program.

    Unlike its base it makes one backward pass for the vector-Jacobian product instead of computing
    the whole Jacobian, supports second derivatives and ``torch.func``, and follows the dtype and
    device of its parameters: ``torch.autocast`` does not touch it, and with weights of half
    precision it computes in float32. Parameters, ``state_dict`` and ``neural_network`` are the
    base's. Where ``ansatz`` prepares a state from the samples, the inputs of ``neural_network``
    are the angles that ``ansatz.values`` computes from them.

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
        self._states: dict[int | None, Program] = {}

    def forward(self, input_data: Tensor | None = None) -> Tensor:
        """Expectation values (..., M) of the samples (..., F), in the dtype of the weights.

        Raises:
            UserError: the samples have another number of features, amplitudes are to be prepared
                from zeros alone, or a sample or a weight is nan or infinite. The latter is looked
                for on the CPU, outside of ``torch.func`` and ``torch.compile``; a nan stays one
                elsewhere, where a look would cost more.
        """
        weights = self._weights
        inputs = weights.new_zeros(0) if input_data is None else input_data
        if inputs.shape[-1] != self._ansatz.features:
            raise UserError(
                f"the quantum layer takes {self._ansatz.features} features, got {inputs.shape[-1]}"
            )
        program = self._program(weights.dtype if weights.dtype in _COMPUTED_IN else torch.float32)
        device = weights.device.type
        if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):
                values = program(inputs, weights)
        else:
            values = program(inputs, weights)
        _check(values)
        return values.to(weights.dtype)

    def states(self, layers: int | None = None) -> Program:
        """What computes the state vectors (..., 2ⁿ) from features (..., F) and weights (..., W).

        Args:
            layers: trainable layers that are run; None: the whole circuit.

        Raises:
            UserError: the layer is under noise, or too wide to hold a state.
        """
        if self._noise is not None:
            raise UserError("a quantum layer under noise has no state vectors: use one without")
        if layers not in self._states:
            ansatz = self._ansatz if layers is None else self._ansatz.until(layers)
            self._states[layers] = compile_states(ansatz)
        return self._states[layers]

    def _program(self, real: torch.dtype) -> Program:
        if real not in self._programs:
            self._programs[real] = compile_circuit(
                self._ansatz, dtype=real.to_complex(), noise=self._noise
            )
        return self._programs[real]


def _check(values: Tensor) -> None:
    """Refuse values that came of a nan or an infinity, where looking costs next to nothing."""
    if values.device.type != "cpu" or is_functorch_wrapped_tensor(values):
        return
    if torch.compiler.is_compiling() or math.isfinite(values.detach().sum().item()):
        return
    raise UserError(
        "the quantum layer got a nan or an infinity, as a sample or a weight: look at the data, or "
        "train with a lower learning rate"
    )


def engine_layer(
    network: EstimatorQNN | Ansatz,
    noise: NoiseModel | None = None,
    initial_weights: Any = None,
) -> EngineConnector:
    """Quantum layer on the engine: what ``TorchConnector`` makes of a network, with exact values.

    Args:
        network: any ``EstimatorQNN``; its estimator, gradient and precision are not used by the
            layer. Or circuit, parameters and observables, for a network that gives the same exact
            values as the layer.
        noise: errors of the gates and the readout of the circuit, which then is in native gates.
        initial_weights: weights (W,), by default uniform in [-1, 1].
    """
    noise = copy.deepcopy(noise)
    if isinstance(network, EstimatorQNN):
        return EngineConnector(network, _measured(network), initial_weights, noise)
    # Copies: programs are compiled later, when a dtype is first used.
    ansatz = network.copy()
    estimator = EngineEstimator(noise)
    network = Network(
        circuit=ansatz.circuit,
        estimator=estimator,
        observables=ansatz.observables,
        input_params=ansatz.inputs,
        weight_params=ansatz.weights,
        gradient=EngineGradient(estimator),
        input_gradients=True,
        default_precision=0.0,
    )
    return EngineConnector(network, ansatz, initial_weights, noise)


def _measured(network: EstimatorQNN) -> Ansatz:
    """What a network evaluates."""
    observables = pauli_sums(ObservablesArray(list(network.observables)))
    inputs, weights = tuple(network.input_params), tuple(network.weight_params)
    return Ansatz(network.circuit.copy(), inputs, weights, tuple(observables))
