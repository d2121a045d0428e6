"""Parameter values of PUBs as arrays."""

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterExpression
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qhu.engine.functions import FunctionTable, whole_function
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


def check_angles(circuit: QuantumCircuit, sets: NDArray[np.float64]) -> None:
    """Find out whether whoever binds a circuit by Qiskit can bind it.

    Args:
        circuit: with parameters.
        sets: parameter sets (K, P), in the order of ``circuit.parameters``.

    Raises:
        UserError: an angle is not a finite real number.
    """
    index = {parameter: number for number, parameter in enumerate(circuit.parameters)}
    values = [v for item in circuit.data for v in getattr(item.operation, "params", ())]
    angles = {
        str(value): value
        for value in [*values, circuit.global_phase]
        if isinstance(value, ParameterExpression) and not isinstance(value, Parameter)
    }
    functions = [whole_function(a, index) for a in angles.values() if a.parameters]
    FunctionTable(functions, range(len(index)), torch.float64)(torch.from_numpy(sets))
