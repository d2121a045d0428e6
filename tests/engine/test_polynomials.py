"""Angles: what they compile to against Qiskit's own binding."""

from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit import Parameter, ParameterExpression, ParameterVector, QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qhu.engine.angles import Parameters
from qhu.engine.ansatz import Ansatz
from qhu.engine.polynomials import expand
from qhu.engine.program import compile_circuit
from qhu.errors import UserError

A, B, C = (Parameter(name) for name in "abc")
V = ParameterVector("v", 12)
INDEX = {parameter: n for n, parameter in enumerate([A, B, C, *V])}


@pytest.mark.parametrize(
    ("expression", "terms"),
    [
        (0 * A + B, {(1,): 1.0}),
        (B + A - A, {(1,): 1.0}),
        (A - A, {}),
        (0 * (A * B) + 0 * C, {}),
        (A**0 + B, {(): 1.0, (1,): 1.0}),
        ((A + B) ** 2, {(0, 0): 1.0, (0, 1): 2.0, (1, 1): 1.0}),
        (2 * (pi - A) * (1.0 - B), {(): 2 * pi, (0,): -2.0, (1,): -2 * pi, (0, 1): 2.0}),
        (V[0] * V[11] - 0.3 * V[2], {(3, 14): 1.0, (5,): -0.3}),
        (A / 4 - B / -2, {(0,): 0.25, (1,): 0.5}),
        (1e12 * A + 1e-3 * B, {(0,): 1e12, (1,): 1e-3}),
        ((1j * A) * 1j, {(0,): -1.0}),
        ((0 * A).sin() + B, {(1,): 1.0}),
        (A**8, {(0,) * 8: 1.0}),
    ],
)
def test_terms(expression: ParameterExpression, terms: dict[tuple[int, ...], float]) -> None:
    found = expand(expression, INDEX)
    assert found is not None
    assert found.pop((), 0.0) == pytest.approx(terms.pop((), 0.0), abs=1e-12)
    assert found.keys() == terms.keys()
    assert list(found.values()) == pytest.approx([terms[key] for key in found])


@pytest.mark.parametrize(
    "expression",
    [
        A.sin(),
        (1e-3 * A).sin(),
        A.sin() ** 2 * B,
        (A * B).exp(),
        abs(A),
        abs(A) ** 2,
        A.sign() * B,
        A**0.5,
        A**-1,
        2**A,
        A**B,
        A / B,
        1 / (1 + A * B),
        B / (2 + A),
        A.arccos(),
        A.log(),
        1j * A,
        A + 1j,
        A**9,
    ],
    ids=str,
)
def test_what_is_no_real_polynomial_is_known(expression: ParameterExpression) -> None:
    assert expand(expression, INDEX) is None


def _expressions() -> st.SearchStrategy[Any]:
    numbers = st.sampled_from([0.0, 1.0, -2.0, 0.3, pi])
    return st.recursive(
        st.one_of(st.sampled_from([A, B, V[10]]), numbers),
        lambda inner: st.one_of(
            st.tuples(inner, inner, st.sampled_from("+-*")).map(_combined),
            inner.map(lambda x: -x),
        ),
        max_leaves=7,
    ).filter(lambda x: isinstance(x, ParameterExpression))


def _combined(parts: tuple[Any, Any, str]) -> Any:
    left, right, sign = parts
    operations: dict[str, Callable[[Any, Any], Any]] = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
    }
    return operations[sign](left, right)


@settings(deadline=None, max_examples=100)
@given(_expressions(), st.integers(0, 99))
def test_what_compiles_is_the_bound_angle(expression: ParameterExpression, seed: int) -> None:
    circuit = QuantumCircuit(1)
    circuit.ry(expression, 0)
    row = np.random.default_rng(seed).uniform(-2, 2, 3)
    ansatz = Ansatz(circuit, (A, B, V[10]), (), (SparsePauliOp("Z"),))
    program = compile_circuit(ansatz, dtype=torch.complex128)
    found = program(torch.from_numpy(row), torch.zeros(0, dtype=torch.float64)).item()
    values = dict(zip((A, B, V[10]), row.tolist(), strict=True))
    angle = float(expression.bind({p: values[p] for p in expression.parameters}))
    assert found == pytest.approx(np.cos(angle), abs=1e-9 * max(1, abs(angle)))


def test_a_parameter_is_known_by_identity_and_listed_once() -> None:
    with pytest.raises(UserError, match="'a' is listed twice"):
        Parameters((A,), (B, A))
    with pytest.raises(UserError, match=r"'a' .* another parameter"):
        Parameters((Parameter("a"),), ()).terms(A)
