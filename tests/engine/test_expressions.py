"""Angles that are no polynomials, against Qiskit's own binding and finite differences."""

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from elsewhere import ELSEWHERE, Elsewhere
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from qiskit import qpy
from qiskit.circuit import Parameter, ParameterExpression, ParameterVector, QuantumCircuit
from qiskit.circuit.parameterexpression import OpCode, op_code_to_method
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer.noise import NoiseModel
from torch.func import grad, hessian, jvp, vmap

from qhu.engine.angles import AngleTable, Parameters
from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.estimator import EngineEstimator, EngineGradient
from qhu.engine.heisenberg import HeisenbergProgram
from qhu.engine.program import compile_circuit
from qhu.engine.statevector import StatevectorProgram
from qhu.engine.unitary import UnitaryProgram
from qhu.errors import UserError

A, B = Parameter("a"), Parameter("b")
INNER = 0.4 * A + 0.1  # within the domain of every operation
NEVER_REPLAYED = {"gradient", "subs"}


def angle(expression: ParameterExpression, at: Any, dtype: torch.dtype = torch.float64) -> float:
    """What an expression of a and b compiles to, at their values."""
    parameters = Parameters((A,), (B,))
    terms = parameters.terms(expression)
    source = parameters.source(terms) or "both"
    table = AngleTable([terms], parameters.columns(source), dtype)
    a, b = (torch.tensor([value], dtype=dtype) for value in at)
    return float(table(parameters.values(a, b, {source}, dtype)[source]))


def bound(expression: ParameterExpression, at: Any) -> float:
    values = dict(zip((A, B), at, strict=True))
    return float(expression.bind({p: values[p] for p in expression.parameters}))


def by(name: str) -> ParameterExpression:
    """An expression made by an operation of Qiskit's."""
    if name == "gradient":
        return (INNER.sin() * B.exp()).gradient(A)
    if name == "subs":
        return (A.sin() * B.exp()).subs({A: INNER})
    operands = [2.5 if name.startswith("__r") else B] if name.startswith("__") else []
    return getattr(INNER, name)(*operands)


CODES = [item for item in vars(OpCode).values() if isinstance(item, OpCode)]


@pytest.mark.parametrize("name", [op_code_to_method(code) for code in CODES])
def test_every_operation_of_a_replay(name: str) -> None:
    expression = by(name).cos() * B  # no polynomial, whatever the operation is
    for at in ((0.3, 0.8), (0.7, -0.4)):
        assert angle(expression, at) == pytest.approx(bound(expression, at), abs=1e-12)
    replayed = {op_code_to_method(step.op) for step in expression._qpy_replay}
    # A derivative and a substitution are written out.
    assert (name in replayed) == (name not in {"gradient", "subs"})


def test_every_method_that_makes_an_expression() -> None:
    """What Qiskit offers beside the replay's list would be seen here."""
    calls = {"gradient": (A,), "assign": (A, 0.3), "bind": ({A: 0.3},), "subs": ({A: B},)}
    calls |= {"bind_all": ({A: 0.3, B: 0.2},)}
    for name in dir(ParameterExpression):
        method = getattr(INNER * B, name)
        if not callable(method) or name in {"__class__", "_reconstruct"}:
            continue
        for operands in [calls[name]] if name in calls else [(), (B,), (2.5,)]:
            try:
                made = method(*operands)
            except TypeError:
                continue  # another number of operands
            if isinstance(made, ParameterExpression) and made.parameters:
                assert angle(made, (0.3, 0.8)) == pytest.approx(bound(made, (0.3, 0.8)), abs=1e-12)


HARD = [
    A.sin(),
    (1e-3 * A).sin(),
    A.sin() ** 2 * B,
    (A * B).exp(),
    abs(A) ** 2,
    A.sign() * B,
    (A**0.5) ** 2,
    abs(A**0.5),
    abs((A - 5) ** 0.5),
    abs(1j * A) - B.sin(),
    (1j * A.sin()).conjugate() * (1j * B),
    A.conjugate() + B.sin(),
    A**-1,
    2**A,
    A / B,
    1 / (3 + A * B),
    B / (2 + A.cos()),
    A**9,
    (A + B) ** 11 * 1e-3,
    3 * (0.3 * A).arccos() - 2 * B + 0.4,
    0 * A + B.sin(),
    (A.cos() ** 2).gradient(A),
    A.exp().log(),
    -(2 - (B - A.tan())) / 4,
    sum((A * k).sin() for k in range(60)),
    np.prod([(B * k).cos() for k in range(1, 60)]),
]


@pytest.mark.parametrize("expression", HARD, ids=lambda expression: str(expression)[:40])
@pytest.mark.parametrize("at", [(0.3, -0.8), (-0.7, 0.4), (1.9, 1.3)])
def test_what_compiles_is_the_bound_angle(expression: ParameterExpression, at: Any) -> None:
    right = bound(expression, at)
    assert angle(expression, at) == pytest.approx(right, rel=1e-10, abs=1e-12)
    assert angle(expression, at, torch.float32) == pytest.approx(right, rel=2e-4, abs=2e-4)


def expressions() -> st.SearchStrategy[Any]:
    unary = st.sampled_from(["sin", "cos", "tan", "arctan", "exp", "abs", "sign", "conjugate"])
    binary = st.sampled_from(["__add__", "__sub__", "__mul__", "__truediv__", "__pow__"])
    numbers = st.sampled_from([1.0, -2.0, 0.3, 2, 3.7])
    leaves = st.sampled_from([A, B])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, unary).map(lambda x: getattr(x[0], x[1])()),
            st.tuples(inner, st.one_of(inner, numbers), binary).map(
                lambda x: getattr(x[0], x[2])(x[1])
            ),
            st.tuples(numbers, inner, st.sampled_from("+-*/")).map(
                lambda x: {"+": x[0] + x[1], "-": x[0] - x[1], "*": x[0] * x[1]}.get(
                    x[2], x[0] / (x[1] ** 2 + 1)
                )
            ),
        ),
        max_leaves=6,
    )


@settings(deadline=None, max_examples=150)
@given(expressions(), st.integers(0, 99))
def test_random_expressions(expression: ParameterExpression, seed: int) -> None:
    at = np.random.default_rng(seed).uniform(-1.5, 1.5, 2)
    try:
        right = bound(expression, at)
    except (ArithmeticError, RuntimeError, TypeError):
        with pytest.raises(UserError, match="not a finite real number"):
            angle(expression, at)
        return
    assume(is_smooth(expression, at, right))
    assert angle(expression, at) == pytest.approx(right, rel=1e-6, abs=1e-6)


def is_smooth(expression: ParameterExpression, at: Any, right: float) -> bool:
    """Whether rounding decides nothing: not so the sign of tan(arctan(a)) - a."""
    try:
        near = [bound(expression, at * (1 + k * 1e-9)) for k in (-3, -2, -1, 1, 2, 3)]
    except (ArithmeticError, RuntimeError, TypeError):
        return False
    return near == pytest.approx([right] * len(near), rel=1e-6, abs=1e-6)


X, W = ParameterVector("x", 3), ParameterVector("w", 6)


def tower(kind: str) -> Ansatz:
    """Chebyshev encodings and other angles, of inputs, of weights, and of both in one."""
    circuit = QuantumCircuit(3)
    for qubit in range(3):
        circuit.ry(2 * (qubit + 1) * X[qubit].arccos(), qubit)
        circuit.rz(X[qubit].exp() - 0.3, qubit)
    for qubit in range(3):
        circuit.ry(W[qubit].sin() + 0.2 * W[qubit + 3], qubit)
    circuit.cz(0, 1)
    for layer in range({"heisenberg": 0, "unitary": 6, "mixed": 2}[kind]):
        circuit.rzz(2 ** W[3], 0, 1)
        circuit.cx(1, 2)
        circuit.rx(abs(W[4]) / (2 + layer) + W[5] ** 3, 1)
        circuit.ry(0.3 * W[5].arctan(), 0)
        circuit.cx(2, 0)
    if kind == "mixed":
        circuit.ry((X[0] * W[0]).exp() + X[1].arcsin() + W[2] * W[1].cos(), 2)
        circuit.crz(X[2] / (2 + W[3] ** 2), 0, 2)
        circuit.ry(W[5], 2)
    observables = (SparsePauliOp("ZII"), SparsePauliOp(["XIZ", "IYI"], [0.5, -1.0]))
    return Ansatz(circuit, tuple(X), tuple(W), observables)


PROGRAMS = {"heisenberg": HeisenbergProgram, "unitary": UnitaryProgram, "mixed": StatevectorProgram}
INPUTS = torch.tensor([[0.3, -0.5, 0.7], [-0.2, 0.9, 0.1]], dtype=torch.float64)
WEIGHTS = torch.tensor([0.4, -0.8, 1.1, 0.6, -0.9, 0.5], dtype=torch.float64)


def exact(ansatz: Ansatz, inputs: Any, weights: Any) -> np.ndarray:
    rows = [dict(zip((*X, *W), [*x.tolist(), *weights.tolist()], strict=True)) for x in inputs]
    states = [Statevector(ansatz.circuit.assign_parameters(row)) for row in rows]
    return np.array([[s.expectation_value(o).real for o in ansatz.observables] for s in states])


@pytest.mark.parametrize("noise", [None, NoiseModel()], ids=["exact", "noisy"])
@pytest.mark.parametrize("kind", PROGRAMS)
class TestEveryProgram:
    def test_values(self, kind: str, noise: Any) -> None:
        ansatz = tower(kind)
        right = exact(ansatz, INPUTS, WEIGHTS)
        program = compile_circuit(ansatz, dtype=torch.complex128, noise=noise)
        assert noise or isinstance(program, PROGRAMS[kind])
        np.testing.assert_allclose(program(INPUTS, WEIGHTS), right, atol=1e-12)
        single = compile_circuit(ansatz, noise=noise)
        np.testing.assert_allclose(single(INPUTS.float(), WEIGHTS.float()), right, atol=2e-5)
        stacked = torch.stack([WEIGHTS, 0.5 * WEIGHTS])
        many = program(INPUTS.expand(2, -1, -1), stacked[:, None])
        rights = [exact(ansatz, INPUTS, weights) for weights in stacked]
        np.testing.assert_allclose(many, rights, atol=1e-12)
        for again in (pickle.loads(pickle.dumps(program)), copy.deepcopy(program)):
            np.testing.assert_array_equal(again(INPUTS, WEIGHTS), program(INPUTS, WEIGHTS))

    def test_derivatives(self, kind: str, noise: Any) -> None:
        program = compile_circuit(tower(kind), dtype=torch.complex128, noise=noise)
        arguments = (INPUTS.clone().requires_grad_(), WEIGHTS.clone().requires_grad_())
        assert torch.autograd.gradcheck(program, arguments, fast_mode=True)
        assert torch.autograd.gradgradcheck(program, arguments, fast_mode=True)

        def loss(weights: torch.Tensor, inputs: torch.Tensor = INPUTS) -> torch.Tensor:
            return program(inputs, weights).square().sum()

        slope = grad(loss)(WEIGHTS)
        step = 1e-5 * torch.ones_like(WEIGHTS)
        along = (grad(loss)(WEIGHTS + step) - grad(loss)(WEIGHTS - step)) / 2e-5
        torch.testing.assert_close(hessian(loss)(WEIGHTS).sum(1), along, atol=1e-6, rtol=1e-6)
        forward = jvp(loss, (WEIGHTS,), (step,))[1]
        torch.testing.assert_close(forward, slope @ step)
        samples = vmap(grad(loss), in_dims=(None, 0))(WEIGHTS, INPUTS)
        torch.testing.assert_close(samples.sum(0), slope)


def one(expression: ParameterExpression) -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.ry(expression, 0)
    return circuit


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        (A.arccos(), 1.5),
        (A.arcsin(), -1.1),
        (A.log(), -1.0),
        (A.log(), 0.0),
        (A**0.5, -2.0),
        (A**-1, 0.0),
        (A.sin() / A, 0.0),
        (A.exp(), 1000.0),
        (1j * A, 0.3),
        (A.sin() + 1e-3j, 0.3),
    ],
    ids=str,
)
def test_no_finite_real_number_is_refused_as_by_qiskit(
    expression: ParameterExpression, at: float
) -> None:
    circuit = one(expression)
    with pytest.raises(Exception, match=r"Binding|infinite|bad type"):
        StatevectorEstimator().run([(circuit, "Z", [at])]).result()
    for noise in (None, NoiseModel()):
        with pytest.raises(UserError, match="not a finite real number"):
            EngineEstimator(noise).run([(circuit, "Z", [at])]).result()
        layer = engine_layer(Ansatz(circuit, (A,), (), (SparsePauliOp("Z"),)), noise)
        for call in (layer, vmap(layer)):
            with pytest.raises(UserError, match="not a finite real number"):
                call(torch.tensor([[at], [0.2]]))


def test_what_qiskit_alone_can_evaluate_is_refused_by_name() -> None:
    expression = abs((1j * A).sign()) + B  # Qiskit's sign of a complex number is no unit
    assert bound(expression, (0.3, 0.0)) == pytest.approx(0.3)
    with pytest.raises(UserError, match="cannot be evaluated as Qiskit binds it"):
        Parameters((A,), (B,)).terms(expression)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_functions_are_computed_where_the_arguments_are(kind: str) -> None:
    program = compile_circuit(tower(kind))

    def gradients(inputs: torch.Tensor, weights: torch.Tensor) -> tuple[torch.Tensor, ...]:
        at = inputs.clone().requires_grad_(), weights.clone().requires_grad_()
        values = program(*at)
        return values, *torch.autograd.grad(values.square().sum(), at)

    inputs, weights = INPUTS.float(), WEIGHTS.float()
    here = gradients(inputs, weights)
    with Elsewhere():
        there = gradients(inputs.to(ELSEWHERE), weights.to(ELSEWHERE))
        assert all(torch.equal(a.cpu(), b) for a, b in zip(there, here, strict=True))


@pytest.mark.parametrize("noise", [None, NoiseModel()], ids=["exact", "noisy"])
def test_a_layer_seen_first_in_inference_mode_trains(noise: Any) -> None:
    layer = engine_layer(tower("mixed"), noise)
    layer._program(torch.float32)
    with torch.inference_mode():
        before = layer(INPUTS.float())
    after = layer(INPUTS.float())
    torch.testing.assert_close(after, before)
    after.sum().backward()
    assert layer.weight.grad.abs().min() > 0


def test_no_gradient_is_a_silent_nan() -> None:
    layer = engine_layer(Ansatz(one(A.arccos()), (A,), (), (SparsePauliOp("Z"),)))
    edge = torch.tensor([[0.2], [1.0]], requires_grad=True)
    values = layer(edge)
    torch.testing.assert_close(values, edge)  # the first Chebyshev polynomial
    with pytest.raises(UserError, match=r"derivative of the angle 'acos\(a\)'"):
        values.sum().backward()
    with pytest.raises(UserError, match=r"derivative of the angle 'acos\(a\)'"):
        vmap(grad(lambda row: layer(row).sum()))(edge.detach())
    circuit = one(A.arccos() + B)
    call = [circuit], [SparsePauliOp("Z")], [[1.0, 0.3]]
    with pytest.raises(UserError, match="derivative"):
        EngineGradient().run(*call).result()
    (gradient,) = EngineGradient().run(*call, [[B]]).result().gradients  # of what is finite
    assert gradient == pytest.approx([-np.sin(0.3)])


def test_an_angle_survives_qiskits_files() -> None:
    circuit = QuantumCircuit(1)
    for expression in HARD:
        circuit.ry(0.1 * expression, 0)
    file = io.BytesIO()
    qpy.dump(circuit, file)
    file.seek(0)
    at = [0.3, -0.8]
    values = [
        EngineEstimator().run([(c, "Z", at)]).result()[0].data.evs
        for c in (circuit, qpy.load(file)[0])
    ]
    np.testing.assert_allclose(values[0], values[1], atol=1e-9)
    stock = StatevectorEstimator().run([(circuit, "Z", at)]).result()[0].data.evs
    np.testing.assert_allclose(values[0], stock, atol=1e-9)
