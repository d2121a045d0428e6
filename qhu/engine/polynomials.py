"""Expressions of circuit parameters as polynomials, proved by numbers.

An expression is a black box that can be evaluated and differentiated: Qiskit's symbolic form of
``0*a + b`` names the wrong parameter, and its derivative of ``cos(a)**2`` has the wrong sign. So
the coefficients are derivatives at zero, and they count only if the polynomial equals the
expression at random bindings.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from qiskit.circuit import Parameter, ParameterExpression

Terms = dict[tuple[int, ...], float]
"""A polynomial: products of parameters, by their indices, to coefficients."""

MAX_DEGREE = 8
_NO_NUMBER = (ArithmeticError, RuntimeError, TypeError, ValueError)
"""Qiskit's ways to say: no number, no derivative, a complex number."""
_TOLERANCE = 1e-10
_SPAN = 30.0  # the degree is measured over this distance from a random point, in both directions
_SCALES = (1.0, 30.0, 1000.0)  # sizes of the bindings at which a polynomial is compared


def expand(expression: ParameterExpression, index: Mapping[Parameter, int]) -> Terms | None:
    """The expression as a polynomial, or None where it is no real one up to ``MAX_DEGREE``.

    Args:
        expression: of the parameters in ``index``.
        index: number of each parameter.
    """
    order = sorted(expression.parameters, key=index.__getitem__)
    try:
        terms = _taylor(expression, order, index, _degree(expression, order))
        proved = all(_agrees(expression, order, index, terms, scale) for scale in _SCALES)
    except _NO_NUMBER:
        return None
    return {product: c for product, c in terms.items() if c or not product} if proved else None


def bound_value(
    expression: ParameterExpression, order: Sequence[Parameter], values: NDArray[np.float64]
) -> float | None:
    """The expression at a binding, or None where that is not a finite real number."""
    try:
        return _value(expression, order, values)
    except _NO_NUMBER:
        return None


def _degree(expression: ParameterExpression, order: Sequence[Parameter]) -> int:
    """Degree along a random line, which is that of the polynomial.

    Raises:
        ValueError: it is more than ``MAX_DEGREE``.
    """
    random = np.random.default_rng(0)
    point, direction = random.uniform(0.5, 1.5, (2, len(order)))
    nodes = chebyshev.chebpts1(2 * MAX_DEGREE)
    values = [_value(expression, order, point + _SPAN * t * direction) for t in nodes]
    coefficients = np.abs(chebyshev.chebfit(nodes, values, len(nodes) - 1))
    seen = np.flatnonzero(coefficients > _TOLERANCE * coefficients.max())
    degree = int(seen.max(initial=0))
    if degree > MAX_DEGREE:
        raise ValueError(degree)
    return degree


def _taylor(
    value: ParameterExpression | complex,
    order: Sequence[Parameter],
    index: Mapping[Parameter, int],
    degree: int,
) -> Terms:
    """Coefficients up to a degree from the derivatives at zero, one parameter after the other."""
    if not isinstance(value, ParameterExpression):
        return {(): _real(value)}
    order = [parameter for parameter in order if parameter in value.parameters]
    if not order:
        return {(): _real(value)}
    first, *others = order
    terms = _taylor(value.bind({first: 0.0}), others, index, degree)
    if degree:
        # The Taylor series of f is f(0) plus the integral of that of its derivative.
        for product, c in _taylor(value.gradient(first), order, index, degree - 1).items():
            terms[(index[first], *product)] = c / (product.count(index[first]) + 1)
    return terms


def _agrees(
    expression: ParameterExpression,
    order: Sequence[Parameter],
    index: Mapping[Parameter, int],
    terms: Terms,
    scale: float,
) -> bool:
    """Whether polynomial and expression have the same value at a random binding."""
    random = np.random.default_rng(1)
    values = scale * random.uniform(0.5, 1, len(order)) * random.choice([-1, 1], len(order))
    at = {index[parameter]: value for parameter, value in zip(order, values, strict=True)}
    parts = [c * np.prod([at[n] for n in product]) for product, c in terms.items()]
    error = abs(sum(parts) - _value(expression, order, values))
    return bool(error <= _TOLERANCE * max(map(abs, parts)))


def _value(
    expression: ParameterExpression, order: Sequence[Parameter], values: NDArray[np.float64]
) -> float:
    return _real(expression.bind(dict(zip(order, values.tolist(), strict=True))))


def _real(value: ParameterExpression | complex) -> float:
    """The number.

    Raises:
        ValueError: it is complex or not finite.
    """
    number = complex(value.numeric() if isinstance(value, ParameterExpression) else value)
    if number.imag or not np.isfinite(number.real):
        raise ValueError(number)
    return number.real
