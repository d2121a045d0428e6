"""Expressions of circuit parameters, read from the replay by which Qiskit itself pickles them.

A replay lists operations, operands before them. Each operation is called as a tensor operation is,
so there is no table of them.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from qiskit.circuit import Parameter, ParameterExpression
from qiskit.circuit.parameterexpression import op_code_to_method
from torch import Tensor

from qhu.errors import UserError

Steps = tuple[str | int | float | complex, ...]
"""Operands before operations: a parameter is its number (int), an operation its name (str)."""
_TENSOR_NAMES = {"conjugate": "conj", "sign": "sgn"}
"""Operations that torch calls by another name, for complex numbers, too."""


@dataclass(frozen=True)
class Expression:
    """An expression, and the same as a linear combination of simpler ones.

    Attributes:
        steps: its operations.
        terms: steps to their coefficients; no steps at all are the constant one.
    """

    steps: Steps
    terms: dict[Steps, complex]

    @property
    def constant(self) -> complex | None:
        """The number, where it is one."""
        return self.terms.get((), 0.0) if self.terms.keys() <= {()} else None


def read(expression: ParameterExpression, index: Mapping[Parameter, int]) -> Expression:
    """The operations of an expression.

    Args:
        expression: of the parameters in ``index``.
        index: number of each parameter.

    Raises:
        UserError: tensors have no such operation.
    """
    stack: list[Expression] = []
    for step in expression._qpy_replay:
        name = op_code_to_method(step.op)
        given = (step.lhs, step.rhs) if is_binary(name) else (step.lhs,)
        # What is not given is what was computed last, the right operand after the left one.
        operands = [stack.pop() if x is None else _leaf(x, index) for x in reversed(given)]
        if not name.startswith("__r"):
            operands.reverse()
        name = name.replace("__r", "__")
        try:
            operation(name)
        except AttributeError:
            raise UserError(
                f"the engine knows no operation '{name}', which is part of the angle "
                f"'{expression}': write it in another way"
            ) from None
        steps = (*(item for operand in operands for item in operand.steps), name)
        terms = _linear(name, *operands) if is_binary(name) else None
        stack.append(Expression(steps, {steps: 1.0} if terms is None else terms))
    return stack.pop()


def is_binary(name: str) -> bool:
    """Whether an operation takes two operands."""
    return name.startswith("__")


def operation(name: str) -> Callable[..., Tensor]:
    """The tensor operation of a name.

    Raises:
        AttributeError: there is none.
    """
    module, name = (operator, name) if is_binary(name) else (torch, _TENSOR_NAMES.get(name, name))
    function: Callable[..., Tensor] = getattr(module, name)
    return function


def _leaf(value: Any, index: Mapping[Parameter, int]) -> Expression:
    if isinstance(value, ParameterExpression):
        (parameter,) = value.parameters
        return Expression((index[parameter],), {(index[parameter],): 1.0})
    number = value if isinstance(value, complex) and value.imag else float(value.real)
    return Expression((number,), {(): number})


def _linear(name: str, left: Expression, right: Expression) -> dict[Steps, complex] | None:
    """Terms of a sum, or of a multiple of one; None for everything else."""
    if name in ("__add__", "__sub__"):
        sign = 1.0 if name == "__add__" else -1.0
        terms = dict(left.terms)
        for steps, coefficient in right.terms.items():
            terms[steps] = terms.get(steps, 0.0) + sign * coefficient
        return terms
    if name == "__mul__" and left.constant is not None:
        left, right = right, left
    factor = right.constant
    if factor is not None and name == "__mul__":
        return {steps: c * factor for steps, c in left.terms.items()}
    if factor and name == "__truediv__":
        return {steps: c / factor for steps, c in left.terms.items()}
    return None
