"""Derivatives of every kind of program, of first and second order, in float64."""

from collections.abc import Callable

import pytest
import torch
from engine_circuits import ring, values
from torch import Tensor
from torch.func import functional_call, grad, hessian, jacrev, vmap

from qhu.engine.connector import engine_layer
from qhu.engine.program import Program, compile_circuit

Case = tuple[Program, Tensor, Tensor]
CASES = {"heisenberg": ring(3, 2), "unitary": ring(3, 4), "statevector": ring(6, 4)}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    ansatz = CASES[request.param]
    inputs, weights = (torch.from_numpy(v) for v in values(ansatz, 2, 0))
    return compile_circuit(ansatz, dtype=torch.complex128), inputs, weights


def loss_of(program: Program) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda inputs, weights: program(inputs, weights).square().sum()


def test_first_and_second_order_by_finite_differences(case: Case) -> None:
    program, inputs, weights = case
    arguments = (inputs.requires_grad_(), weights.requires_grad_())
    assert torch.autograd.gradcheck(program, arguments, fast_mode=True)
    assert torch.autograd.gradgradcheck(program, arguments, fast_mode=True)


def test_hessian_vector_product(case: Case) -> None:
    program, inputs, weights = case
    loss = loss_of(program)
    direction, step = torch.ones_like(weights), 1e-5
    gradient = grad(loss, argnums=1)
    found = torch.autograd.functional.vhp(lambda w: loss(inputs, w), weights, direction)[1]
    plus, minus = (gradient(inputs, weights + s * step * direction) for s in (1, -1))
    torch.testing.assert_close(found, (plus - minus) / (2 * step), atol=1e-7, rtol=1e-6)


def test_per_sample_gradients(case: Case) -> None:
    program, inputs, weights = case
    gradient = grad(loss_of(program), argnums=1)
    found = vmap(gradient, in_dims=(0, None))(inputs, weights)
    expected = torch.stack([gradient(sample, weights) for sample in inputs])
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)


def test_vmap_over_weights(case: Case) -> None:
    program, inputs, weights = case
    many = torch.stack([weights, 2 * weights, -weights])
    found = vmap(program, in_dims=(None, 0))(inputs, many)
    expected = torch.stack([program(inputs, w) for w in many])
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    both = vmap(program)(inputs, many[:2])
    torch.testing.assert_close(both[1], program(inputs[1], many[1]), atol=1e-12, rtol=0)


def test_jacobian_and_hessian(case: Case) -> None:
    program, inputs, weights = case
    jacobian = jacrev(program, argnums=1)(inputs, weights)
    assert jacobian.shape == (*program(inputs, weights).shape, len(weights))
    found = hessian(loss_of(program), argnums=1)(inputs, weights)
    torch.testing.assert_close(found, found.T, atol=1e-12, rtol=0)


def test_what_is_frozen_costs_nothing(case: Case) -> None:
    program, inputs, weights = case
    assert not program(inputs, weights).requires_grad
    trained = program(inputs.requires_grad_(), weights)
    assert torch.autograd.grad(trained.sum(), inputs)[0].shape == inputs.shape
    nodes = _leaves(program(inputs, weights.requires_grad_()))
    assert _leaves(trained) == {inputs} and nodes == {inputs, weights}


def _leaves(output: Tensor) -> set[Tensor]:
    """Tensors that the graph behind ``output`` accumulates gradients into."""
    found, queue, seen = set(), [output.grad_fn], set()
    while queue:
        node = queue.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.add(node.variable)
        queue += [parent for parent, _ in node.next_functions]
    return found


def test_layer_under_functional_call() -> None:
    layer = engine_layer(ring(3, 4)).double()
    inputs = torch.rand(4, 3, dtype=torch.float64)
    many = torch.rand(5, layer.weight.numel(), dtype=torch.float64)

    def loss(weights: Tensor, samples: Tensor) -> Tensor:
        return functional_call(layer, {"weight": weights}, samples).square().sum()

    found = vmap(grad(loss), in_dims=(0, None))(many, inputs)
    expected = torch.stack([grad(loss)(weights, inputs) for weights in many])
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
