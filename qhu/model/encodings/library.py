"""What the feature maps of Qiskit's library share."""

from abc import abstractmethod
from collections.abc import Collection, Sequence

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qhu.errors import UserError
from qhu.model.encodings.base import Encoding, Reuploadable
from qhu.model.entanglement import Entanglement, Groups, check_entanglement


class MapOptions(Reuploadable):
    """Options of a feature map."""

    reps: int = Field(2, ge=1, le=100)
    """how often the map is repeated"""
    angle: float = Field(1.0, gt=0, le=1)
    """factor on a feature before it enters the map; features lie in [−π, π], and what they turn by
    at angle 1 is more than a full turn"""


class PauliMapOptions(MapOptions):
    """Options of a feature map of Pauli rotations."""

    alpha: float = Field(2.0, gt=0, le=100)
    """factor on the angle of every rotation"""


class EntangledMapOptions(PauliMapOptions):
    """Options of a feature map that couples qubits."""

    entanglement: Entanglement = "full"
    """which qubits are coupled: ``full``, ``linear``, ``reverse_linear``, ``circular``, ``sca``,
    ``pairwise``, or a list of groups such as ``[[0, 1], [1, 2]]``"""


class FeatureMap(Encoding):
    """A circuit of Qiskit's library with one qubit per feature."""

    @abstractmethod
    def map(self, qubits: int) -> QuantumCircuit:
        """The map, whose parameters in their order are the features."""

    def circuit(self, x: Sequence[Parameter]) -> QuantumCircuit:
        """The map at ``angle`` times the features.

        Raises:
            UserError: the options do not fit the number of features, or leave a feature out.
        """
        circuit, angle = self.map(len(x)), self.options.angle
        if circuit.num_parameters < len(x):
            raise UserError(
                f"model.encoding.entanglement: only {circuit.num_parameters} of {len(x)} features "
                "enter a gate; couple the others, too"
            )
        scaled = x if angle == 1 else [angle * feature for feature in x]
        return circuit.assign_parameters(dict(zip(circuit.parameters, scaled, strict=True)))


def coupled(
    entanglement: str | Groups, sizes: Collection[int], qubits: int
) -> str | dict[int, Groups]:
    """Entanglement as Qiskit's maps take it: groups by their size, single qubits all.

    Raises:
        UserError: it does not fit the number of qubits.
    """
    where = "model.encoding.entanglement"
    check_entanglement(where, entanglement, sizes, qubits)
    if isinstance(entanglement, str):
        return entanglement
    groups = {size: tuple(g for g in entanglement if len(g) == size) for size in set(sizes)}
    singles = {1: groups.get(1) or tuple((qubit,) for qubit in range(qubits))}
    for size in groups.keys() - {1}:
        if not groups[size]:
            raise UserError(f"{where}: add groups of {size} qubits for the Pauli strings that long")
    return groups | singles
