"""Real functions of the parameters that are no polynomials, evaluated as tensor operations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from qiskit.circuit import Parameter, ParameterExpression
from torch import Tensor

from qhu.engine.constants import Constants, lasting
from qhu.engine.expressions import Steps, is_binary, operation, read
from qhu.engine.finite import finite
from qhu.engine.polynomials import bound_value
from qhu.errors import UserError

_ROUNDING = 100  # units in the last place that the imaginary part of a real number may have
_PROBES = 6  # bindings of each size at which a function is compared with the expression
_TOLERANCES = {0.3: 1e-9, 3.0: 1e-6, 30.0: np.inf}  # by their sizes; where numbers explode, none


@dataclass(frozen=True)
class Function:
    """One real function of the parameters.

    Attributes:
        steps: its operations.
        text: an expression that it is a part of, for messages.
        through_complex: whether numbers on the way to the real one may be complex.
    """

    steps: Steps
    text: str = field(compare=False)
    through_complex: bool = False

    @property
    def parameters(self) -> set[int]:
        """Numbers of the parameters in it."""
        return {item for item in self.steps if isinstance(item, int)}


def functions_of(
    expression: ParameterExpression, index: Mapping[Parameter, int]
) -> dict[Function | None, float]:
    """An expression as a linear combination of functions.

    Args:
        expression: of the parameters in ``index``.
        index: number of each parameter.

    Returns:
        Functions and their coefficients; None stands for the constant one.

    Raises:
        UserError: it cannot be evaluated as Qiskit binds it.
    """
    text, terms = str(expression), read(expression, index).terms
    if not any(isinstance(c, complex) for c in terms.values()):
        parts = {Function(steps, text) if steps else None: c.real for steps, c in terms.items()}
        if _agree(parts, expression, index):
            return parts
    return {whole_function(expression, index): 1.0}


def whole_function(expression: ParameterExpression, index: Mapping[Parameter, int]) -> Function:
    """An expression as one function, by the very operations that Qiskit binds it with.

    Raises:
        UserError: it cannot be evaluated as Qiskit binds it.
    """
    text, steps = str(expression), read(expression, index).steps
    for through_complex in (False, True):
        function = Function(steps, text, through_complex)
        if _agree({function: 1.0}, expression, index):
            return function
    raise UserError(
        f"the angle '{text}' cannot be evaluated as Qiskit binds it: write it in another way"
    )


class FunctionTable:
    """Evaluates functions of the parameters of one source; those of the same operations at once.

    Args:
        functions: what to evaluate.
        columns: numbers of the parameters in the source's value vector, in its order.
        dtype: real dtype of the values.
        checked: whether to refuse numbers that are not finite.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        columns: Iterable[int],
        dtype: torch.dtype,
        checked: bool = True,
    ) -> None:
        alike: dict[tuple[Any, ...], list[int]] = {}
        for number, function in enumerate(functions):
            shape = [item if isinstance(item, str) else type(item) for item in function.steps]
            alike.setdefault((function.through_complex, *shape), []).append(number)
        place = {number: k for k, number in enumerate(columns)}
        order = [number for numbers in alike.values() for number in numbers]
        self._order = Constants()
        with lasting():
            self._order["order"] = torch.tensor(order, dtype=torch.long).argsort()
            self._groups = [
                _Alike([functions[n] for n in numbers], place, dtype, checked)
                for numbers in alike.values()
            ]

    def __call__(self, values: Tensor) -> Tensor:
        """The functions (..., K) at the parameter values (..., P).

        Raises:
            UserError: a function, or later its derivative, is not a finite real number there.
        """
        if not self._groups:
            return values[..., :0]
        results = torch.cat([group(values) for group in self._groups], dim=-1)
        return results.index_select(-1, self._order.on(values.device)["order"])


class _Alike:
    """Functions of the same operations, evaluated side by side."""

    def __init__(
        self,
        functions: Sequence[Function],
        place: Mapping[int, int],
        dtype: torch.dtype,
        checked: bool,
    ) -> None:
        self._steps = functions[0].steps
        self._through_complex = functions[0].through_complex
        self._texts, self._checked = [function.text for function in functions], checked
        # For each operand the places of the parameters, or else the constants, of all functions.
        self._operands = Constants()
        for at, step in enumerate(self._steps):
            column: list[Any] = [function.steps[at] for function in functions]
            if isinstance(step, int):
                self._operands[f"{at}"] = torch.tensor([place[number] for number in column])
            elif not isinstance(step, str):
                kind = dtype.to_complex() if isinstance(step, complex) else dtype
                self._operands[f"{at}"] = torch.tensor(column, dtype=kind)

    def __call__(self, values: Tensor) -> Tensor:
        operands = self._operands.on(values.device)
        stack: list[Tensor] = []
        for at, step in enumerate(self._steps):
            if isinstance(step, str):
                taken = [stack.pop() for _ in range(2 if is_binary(step) else 1)]
                stack.append(operation(step)(*reversed(taken)))
                continue
            operand = operands[f"{at}"]
            if isinstance(step, int):
                operand = self._finite("derivative", values.index_select(-1, operand))
            stack.append(
                operand.to(values.dtype.to_complex()) if self._through_complex else operand
            )
        result = stack.pop()
        if result.is_complex() and self._through_complex:
            tolerance = _ROUNDING * torch.finfo(values.dtype).eps * (1 + result.abs())
            result = torch.where(result.imag.abs() <= tolerance, result.real, torch.nan)
        return self._finite("value", result)

    def _finite(self, what: str, values: Tensor) -> Tensor:
        return finite(values, partial(self._refusal, what)) if self._checked else values

    def _refusal(self, what: str, number: int) -> UserError:
        return UserError(
            f"the {what} of the angle '{self._texts[number]}' is not a finite real number at the "
            "values of its parameters: keep these where it is"
        )


def _agree(
    parts: Mapping[Function | None, float],
    expression: ParameterExpression,
    index: Mapping[Parameter, int],
) -> bool:
    """Whether functions and expression have the same values at random bindings."""
    order = sorted(expression.parameters, key=index.__getitem__)
    functions = [function for function in parts if function is not None]
    columns = [index[parameter] for parameter in order]
    table = FunctionTable(functions, columns, torch.float64, checked=False)
    coefficients = np.array([parts[function] for function in functions])
    random = np.random.default_rng(2)
    for size, tolerance in _TOLERANCES.items():
        signs = random.choice([-1, 1], (_PROBES, len(order)))
        signs[0], signs[1] = 1, -1
        points = size * signs * random.uniform(0.5, 1, signs.shape)
        values = table(torch.from_numpy(points))
        if values.is_complex():
            return False
        evaluated = values.numpy() @ coefficients + parts.get(None, 0.0)
        for point, value in zip(points, evaluated, strict=True):
            right = bound_value(expression, order, point)
            if right is None:  # nor is the function evaluated there: its values are checked
                continue
            if not np.isfinite(value) or abs(value - right) > tolerance * max(1.0, abs(right)):
                return False
    return True
