"""``EstimatorQNN`` for any circuit, whatever its parameters are called."""

from collections.abc import Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.neural_networks import EstimatorQNN

from qhu.engine.renaming import renamed_apart
from qhu.errors import UserError


class Network(EstimatorQNN):
    """Its base, which works on a copy whose parameters are ``inputs[…]`` and ``weights[…]``.

    Raises:
        UserError: a parameter of the circuit is neither input nor weight, or there is nothing to
            measure.
    """

    def __init__(self, *, observables: Sequence[SparsePauliOp], **options: Any) -> None:
        if not observables:
            raise UserError("a quantum layer needs at least one observable")
        super().__init__(observables=observables, **options)

    def _reparameterize_circuit(
        self,
        circuit: QuantumCircuit,
        input_params: Sequence[Parameter] | None = None,
        weight_params: Sequence[Parameter] | None = None,
    ) -> QuantumCircuit:
        listed = [*(input_params or ()), *(weight_params or ())]
        for parameter in circuit.parameters:
            if parameter not in listed:
                raise UserError(
                    f"parameter '{parameter.name}' of the circuit is neither input nor weight: "
                    "bind it or list it"
                )
        circuit = circuit.copy()
        for lost in [parameter for parameter in listed if parameter not in circuit.parameters]:
            circuit.global_phase += lost  # where it changes no expectation value
        circuit, apart = renamed_apart(circuit, listed)
        inputs = self.num_inputs
        return super()._reparameterize_circuit(circuit, apart[:inputs], apart[inputs:])
