"""Parameter values of PUBs as arrays."""

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qhu.errors import UserError


def parameter_sets(pub: EstimatorPub) -> NDArray[np.float64]:
    """Parameter sets (K, P) of a PUB, flattened, in the order of ``circuit.parameters``.

    Raises:
        UserError: a value is not finite.
    """
    circuit, bindings = pub.circuit, pub.parameter_values
    sets = np.asarray(bindings.as_array(circuit.parameters), dtype=np.float64)
    return finite(sets.reshape(bindings.size, circuit.num_parameters))


def finite(sets: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same parameter values.

    Raises:
        UserError: a value is not finite.
    """
    if not np.isfinite(sets).all():
        raise UserError("parameter values must be finite: a nan or an infinity was given")
    return sets
