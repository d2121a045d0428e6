"""Gate angles as tensors: polynomials of the circuit's parameters, all evaluated at once.

Where an angle is none, it is one of *variables*: the parameters, and functions of them.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from qiskit.circuit import Parameter, ParameterExpression
from torch import Tensor
from torch.nn.functional import linear

from qhu.engine.constants import Constants
from qhu.engine.functions import Function, FunctionTable, functions_of
from qhu.engine.gates import Angle
from qhu.engine.polynomials import Terms, expand
from qhu.errors import UserError


class AngleTable:
    """Evaluates ``K`` polynomials of the ``P`` variables of one source in a few tensor operations.

    Args:
        polynomials: one mapping per angle, all of variables numbered in ``columns``.
        columns: numbers of the variables in the source's value vector.
        dtype: real dtype of the result.
    """

    def __init__(
        self, polynomials: Sequence[Terms], columns: Sequence[int], dtype: torch.dtype
    ) -> None:
        products = sorted({product for terms in polynomials for product in terms if product})
        degree = max((len(product) for product in products), default=0)
        self._constants = Constants()
        if degree > 1:
            # Entry P of the padded values is the constant one, which fills up shorter products.
            place = {number: k for k, number in enumerate(columns)}
            padding = [len(columns)] * degree
            padded = [[*(place[n] for n in p), *padding[len(p) :]] for p in products]
            self._constants["factors"] = torch.tensor(padded).T
        else:
            products = [(number,) for number in columns]
        row = {product: n for n, product in enumerate(products)}
        mix = np.zeros((len(products), len(polynomials)))
        offset = np.zeros(len(polynomials))
        for k, terms in enumerate(polynomials):
            for product, coefficient in terms.items():
                if product:
                    mix[row[product], k] = coefficient
                else:
                    offset[k] = coefficient
        self._constants["mix"] = torch.tensor(mix.T, dtype=dtype)
        self._constants["offset"] = torch.tensor(offset, dtype=dtype)

    def __call__(self, values: Tensor) -> Tensor:
        """Angles in radians (..., K) at the values (..., P) of the variables."""
        constants = self._constants.on(values.device)
        products = values
        if "factors" in constants:
            ones = torch.ones_like(values[..., :1])
            padded, products = torch.cat([values, ones], dim=-1), ones
            for factor in constants["factors"]:
                products = products * padded.index_select(-1, factor)
        return linear(products, constants["mix"], constants["offset"])


class Parameters:
    """Numbers the variables of a circuit: inputs, then weights, then functions of them.

    Functions are numbered as angles with them come: all angles before any value vector.

    Args:
        inputs: parameters that take the data.
        weights: trainable parameters.

    Raises:
        UserError: a parameter is listed twice.
    """

    def __init__(self, inputs: Sequence[Parameter], weights: Sequence[Parameter]) -> None:
        self.num_inputs, self.num_weights = len(inputs), len(weights)
        self._index: dict[Parameter, int] = {}
        self._functions: dict[Function, int] = {}
        self._sources: list[str] = []  # of every variable
        self._tables: dict[tuple[str, torch.dtype], FunctionTable] = {}
        for number, parameter in enumerate((*inputs, *weights)):
            if parameter in self._index:
                raise UserError(f"parameter '{parameter.name}' is listed twice: list it once")
            self._index[parameter] = number
            self._sources.append("inputs" if number < self.num_inputs else "weights")

    def terms(self, angle: Angle) -> Terms:
        """Terms of an angle.

        Raises:
            UserError: the expression has an unknown parameter, or is none that can be compiled.
        """
        if not isinstance(angle, ParameterExpression):
            return {(): angle}
        for parameter in angle.parameters:
            if parameter not in self._index:
                raise UserError(
                    f"parameter '{parameter.name}' of the circuit is neither input nor weight: "
                    "bind it or list it; one made anew under the same name is another parameter"
                )
        if isinstance(angle, Parameter):
            return {(self._index[angle],): 1.0}
        polynomial = expand(angle, self._index)
        if polynomial is not None:
            return polynomial
        parts = functions_of(angle, self._index).items()
        return {() if part is None else (self._number(part),): c for part, c in parts}

    def columns(self, source: str) -> list[int]:
        """Numbers of the variables that make up the value vector of a source."""
        return [*self._parameters(source), *self._own_functions(source).values()]

    def values(
        self, inputs: Tensor, weights: Tensor, sources: Iterable[str], dtype: torch.dtype
    ) -> dict[str, Tensor]:
        """Value vectors (..., P) of the ``sources`` at inputs (..., I) and weights (..., W).

        Raises:
            UserError: a function is not a finite real number there.
        """
        by_source = {"inputs": inputs.to(dtype), "weights": weights.to(dtype)}
        if "both" in sources:
            lead = torch.broadcast_shapes(inputs.shape[:-1], weights.shape[:-1])
            parts = [values.expand(*lead, -1) for values in by_source.values()]
            by_source["both"] = torch.cat(parts, dim=-1)
        if not self._functions:
            return by_source
        return {source: self._extended(source, values) for source, values in by_source.items()}

    def split(self, terms: Terms) -> dict[str | None, Terms]:
        """An angle as a sum of angles, one for each source; the constant goes with the first."""
        parts: dict[str | None, Terms] = {}
        for product, coefficient in terms.items():
            if product:
                source = self.source({product: coefficient})
                parts.setdefault(source, {})[product] = coefficient
        constant = {(): terms.get((), 0.0)}
        first = next(iter(parts), None)
        parts[first] = constant | parts.get(first, {})
        return parts

    def source(self, terms: Terms) -> str | None:
        """What an angle depends on: ``inputs``, ``weights``, ``both``, or None for a number."""
        used = {self._sources[number] for product in terms for number in product}
        if len(used) > 1:
            return "both"
        return used.pop() if used else None

    def _number(self, function: Function) -> int:
        """Number of a function as a variable; a bare parameter has its own."""
        if len(function.steps) == 1:
            return next(iter(function.parameters))
        if function not in self._functions:
            self._functions[function] = len(self._sources)
            self._sources.append(str(self.source({tuple(function.parameters): 1.0})))
        return self._functions[function]

    def _parameters(self, source: str) -> range:
        total = self.num_inputs + self.num_weights
        return {
            "inputs": range(self.num_inputs),
            "weights": range(self.num_inputs, total),
            "both": range(total),
        }[source]

    def _own_functions(self, source: str) -> dict[Function, int]:
        return {
            function: number
            for function, number in self._functions.items()
            if source in ("both", self._sources[number])
        }

    def _extended(self, source: str, values: Tensor) -> Tensor:
        """A source's parameters (..., P) followed by its functions."""
        key = source, values.dtype
        if key not in self._tables:
            own = list(self._own_functions(source))
            self._tables[key] = FunctionTable(own, self._parameters(source), values.dtype)
        return torch.cat([values, self._tables[key](values)], dim=-1)


def scaled(terms: Terms, factor: float, offset: float = 0.0) -> Terms:
    """``factor * angle + offset``."""
    result = {product: factor * coefficient for product, coefficient in terms.items()}
    if offset:
        result[()] = result.get((), 0.0) + offset
    return result
