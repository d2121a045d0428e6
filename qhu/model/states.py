"""A network's state vectors before anything is measured, and what is read of them.

All of it is about the quantum slice of θ alone. A front decides the angles that rows are encoded
by, and its weights are taken as they are: two networks with different fronts have different states
of the same row, whatever their circuits do.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from qhu.engine import states as engine
from qhu.engine.connector import EngineConnector
from qhu.engine.program import Program
from qhu.errors import UserError
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState


def states(net: HybridNet, state: ModelState, x: Tensor, layers: int | None = None) -> Tensor:
    """State vectors of rows as Qiskit counts basis states, each up to a global phase; complex128.

    In evaluation mode, differentiable in θ and x.

    Args:
        net: the network.
        state: θ (d,), or (m, d) for a stack.
        x: rows (N, ...), or (m, N, ...) for a stack.
        layers: trainable layers of the circuit that are run; None: all of it.

    Returns:
        (N, 2ⁿ), or (m, N, 2ⁿ) for a stack.

    Raises:
        UserError: as :func:`check_states`.
    """
    program = _program(net, layers)
    return program(encoded(net, state, x), _weights(net, state).unsqueeze(-2))


def quantum_fisher(net: HybridNet, state: ModelState, x: Tensor) -> Tensor:
    """Quantum Fisher information of the circuit's weights, averaged over rows; float64.

    Args:
        net: the network.
        state: θ (d,), or (m, d) for a stack.
        x: rows (N, ...), or (m, N, ...) for a stack.

    Returns:
        (W, W), or (m, W, W) for a stack; see :func:`qhu.engine.states.quantum_fisher`.

    Raises:
        UserError: as :func:`check_states`.
    """
    program = _program(net, None)
    with torch.no_grad():
        inputs, weights = encoded(net, state, x), _weights(net, state)
        return engine.quantum_fisher(program, inputs, weights)


def entanglement(net: HybridNet, state: ModelState, x: Tensor) -> Tensor:
    """For every weight of the circuit, how entangled states are behind its layer: (..., W).

    The concurrence of :func:`qhu.engine.states.concurrence`, averaged over rows; float64, without
    gradient. Equal for the weights of a layer.

    Args:
        net: the network.
        state: θ (d,), or (m, d) for a stack.
        x: rows (N, ...), or (m, N, ...) for a stack.

    Raises:
        UserError: as :func:`check_states`.
    """
    check_states(net)
    sizes = [
        place.stop - place.start
        for name, place in net.theta.layers.items()
        if name.startswith("quantum.")
    ]
    with torch.no_grad():
        behind = [
            engine.concurrence(states(net, state, x, layer)).mean(-1, keepdim=True)
            for layer in range(1, len(sizes) + 1)
        ]
    return torch.cat([c.expand(*c.shape[:-1], n) for c, n in zip(behind, sizes, strict=True)], -1)


def encoded(net: HybridNet, state: ModelState, x: Tensor) -> Tensor:
    """What the circuit takes of rows, behind the front: (N, F), or (m, N, F); float64.

    In evaluation mode, differentiable in θ and x.

    Args:
        net: the network.
        state: θ (d,), or (m, d) for a stack.
        x: rows (N, ...), or (m, N, ...) for a stack.
    """
    net.eval()
    named = net.theta.split(state.theta)
    front = {
        name.removeprefix("front."): values
        for name, values in (named | state.buffers).items()
        if name.startswith("front.")
    }
    encode = partial(functional_call, net.front)
    if state.theta.ndim == 1:
        inputs = encode(front, x)
    elif net.stacked:
        inputs = torch.func.vmap(encode)(front, x)
    else:
        inputs = torch.stack(
            [encode({k: v[m] for k, v in front.items()}, x[m]) for m in range(len(x))]
        )
    return inputs.double()


def has_states(net: HybridNet) -> bool:
    """Whether a network has state vectors; see :func:`check_states`."""
    try:
        check_states(net)
    except UserError:
        return False
    return True


def check_states(net: HybridNet) -> None:
    """Refuse a network without state vectors.

    Raises:
        UserError: it has no quantum layer, or one that is sampled, noisy or too wide.
    """
    _program(net, None)


def _program(net: HybridNet, layers: int | None) -> Program:
    layer = net.quantum
    if isinstance(layer, nn.Identity):
        raise UserError("the network has no quantum layer, and so no state vectors")
    if not isinstance(layer, EngineConnector):
        raise UserError(
            "the backend of the quantum layer estimates expectation values and knows no state "
            "vectors: use the backend statevector in this stage"
        )
    return layer.states(layers)


def _weights(net: HybridNet, state: ModelState) -> Tensor:
    """The circuit's weights (..., W), float64."""
    return state.theta[..., net.theta.mask("quantum").to(state.theta.device)].double()
