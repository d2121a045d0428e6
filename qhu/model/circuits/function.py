"""A circuit that a function of the user's own makes."""

from qiskit import QuantumCircuit

from qhu.errors import UserError
from qhu.model.circuits.base import WholeCircuit
from qhu.registry import circuit
from qhu.registry.parts import imported


class Options(WholeCircuit):
    """Options of ``function``, for which ``module:function`` alone is short."""

    function: str
    """``module:function``, called without arguments; modules of the working folder are found"""

    @property
    def source(self) -> str:
        """The reference."""
        return self.function

    def read(self) -> QuantumCircuit:
        """What the function gives.

        Raises:
            UserError: it cannot be called, or gives no circuit.
        """
        make = imported(self.function, "model.circuit")
        try:
            made = make()
        except Exception as error:
            raise UserError(
                f"model.circuit {self.function} fails ({type(error).__name__}: {error})"
            ) from error
        if not isinstance(made, QuantumCircuit):
            raise UserError(
                f"model.circuit {self.function} gives {type(made).__name__}, no circuit"
            )
        return made


@circuit("function")
def function(options: Options) -> WholeCircuit:
    """A circuit that a function gives; short form `circuit: module:function`."""
    return options
