"""Gate angles as tensors: polynomials of the circuit's parameters, all evaluated at once."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from qiskit.circuit import Parameter, ParameterExpression
from torch import Tensor
from torch.nn.functional import linear

from qhu.engine.constants import Constants
from qhu.engine.gates import Angle
from qhu.engine.polynomials import Terms, expand
from qhu.errors import UserError


class AngleTable:
    """Evaluates ``K`` polynomials of the ``P`` parameters of one source in a few tensor operations.

    Args:
        polynomials: one mapping per angle, all of parameters numbered in ``columns``.
        columns: numbers of the parameters in the source's value vector.
        dtype: real dtype of the result.
    """

    def __init__(self, polynomials: Sequence[Terms], columns: range, dtype: torch.dtype) -> None:
        products = sorted({product for terms in polynomials for product in terms if product})
        degree = max((len(product) for product in products), default=0)
        self._constants = Constants()
        if degree > 1:
            # Entry P of the padded values is the constant one, which fills up shorter products.
            padded = [(*p, *[columns.stop] * (degree - len(p))) for p in products]
            self._constants["factors"] = torch.tensor(padded).T - columns.start
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
        """Angles in radians (..., K) at the parameter values (..., P)."""
        constants = self._constants.on(values.device)
        products = values
        if "factors" in constants:
            ones = torch.ones_like(values[..., :1])
            padded, products = torch.cat([values, ones], dim=-1), ones
            for factor in constants["factors"]:
                products = products * padded.index_select(-1, factor)
        return linear(products, constants["mix"], constants["offset"])


class Parameters:
    """Numbers the parameters of a circuit: inputs first, then weights.

    Args:
        inputs: parameters that take the data.
        weights: trainable parameters.

    Raises:
        UserError: a parameter is listed twice.
    """

    def __init__(self, inputs: Sequence[Parameter], weights: Sequence[Parameter]) -> None:
        self.num_inputs, self.num_weights = len(inputs), len(weights)
        self._index: dict[Parameter, int] = {}
        for number, parameter in enumerate((*inputs, *weights)):
            if parameter in self._index:
                raise UserError(f"parameter '{parameter.name}' is listed twice: list it once")
            self._index[parameter] = number

    def terms(self, angle: Angle) -> Terms:
        """Terms of an angle.

        Raises:
            UserError: the expression is not a real polynomial, or has an unknown parameter.
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
        return expand(angle, self._index)

    def columns(self, source: str) -> range:
        """Numbers of the parameters that make up the value vector of a source."""
        total = self.num_inputs + self.num_weights
        return {
            "inputs": range(self.num_inputs),
            "weights": range(self.num_inputs, total),
            "both": range(total),
        }[source]

    def values(
        self, inputs: Tensor, weights: Tensor, sources: Iterable[str], dtype: torch.dtype
    ) -> dict[str, Tensor]:
        """Value vectors (..., P) of the ``sources`` at inputs (..., I) and weights (..., W)."""
        by_source = {"inputs": inputs.to(dtype), "weights": weights.to(dtype)}
        if "both" in sources:
            lead = torch.broadcast_shapes(inputs.shape[:-1], weights.shape[:-1])
            parts = [values.expand(*lead, -1) for values in by_source.values()]
            by_source["both"] = torch.cat(parts, dim=-1)
        return by_source

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
        used = {index < self.num_inputs for product in terms for index in product}
        if len(used) == 2:
            return "both"
        return None if not used else "inputs" if used.pop() else "weights"


def scaled(terms: Terms, factor: float, offset: float = 0.0) -> Terms:
    """``factor * angle + offset``."""
    result = {product: factor * coefficient for product, coefficient in terms.items()}
    if offset:
        result[()] = result.get((), 0.0) + offset
    return result
