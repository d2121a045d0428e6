"""What the ansätze of Qiskit's library share: their options, and where a layer ends."""

from collections.abc import Callable

from pydantic import Field
from qiskit import QuantumCircuit

from qhu.errors import UserError
from qhu.model.entanglement import Entanglement, check_entanglement
from qhu.registry import Options


class Repeated(Options):
    """Options of rotation and entanglement layers in turn."""

    reps: int = Field(3, ge=0, le=1_000)
    """how often a rotation layer and an entanglement layer are repeated"""
    skip_final_rotation_layer: bool = False
    """true: the circuit ends with entanglement; false: with one more rotation layer"""


class Entangled(Repeated):
    """Options of an ansatz whose coupled qubits can be chosen."""

    entanglement: Entanglement = "reverse_linear"
    """which qubits are coupled: ``full``, ``linear``, ``reverse_linear``, ``circular``, ``sca``,
    ``pairwise``, or a list of pairs such as ``[[0, 1], [1, 2]]``"""
    skip_unentangled_qubits: bool = False
    """true: no rotations on qubits that nothing is coupled to"""


def library_layers(
    make: Callable[..., QuantumCircuit],
    qubits: int,
    options: Entangled,
    entanglers: int = 1,
) -> list[QuantumCircuit]:
    """Layers of an ansatz of ``qiskit.circuit.library``.

    Args:
        make: the library's function.
        qubits: width of the circuit.
        options: repetitions and entanglement.
        entanglers: number of two-qubit gates that one layer places on every pair.

    Raises:
        UserError: the entanglement does not fit the circuit, or nothing is left to train.
    """
    pairs, sizes = options.entanglement, (2,) if entanglers else ()
    check_entanglement("model.ansatz.entanglement", pairs, sizes, qubits)
    # Qiskit takes a list of pairs for one list per gate, where it can be read so.
    given = {
        **dict(options),
        "entanglement": pairs if isinstance(pairs, str) else [pairs] * entanglers,
    }
    return cut(make(qubits, insert_barriers=True, **given))


def cut(circuit: QuantumCircuit) -> list[QuantumCircuit]:
    """Layers of a circuit of the n-local family that was made with ``insert_barriers=True``.

    A layer is a rotation layer with the entanglement layer behind it; a final rotation layer is a
    layer of its own.

    Raises:
        UserError: the circuit has no parameter.
    """
    if not circuit.num_parameters:
        raise UserError("model.ansatz: no gate has an angle to train; add a rotation such as ry")
    layers, barriers = [circuit.copy_empty_like()], 0
    for instruction in circuit.data:
        if instruction.operation.name != "barrier":
            layers[-1].append(instruction)
            continue
        barriers += 1
        if barriers % 2 == 0:  # rotations | entanglement | rotations | ...
            layers.append(circuit.copy_empty_like())
    return [layer for layer in layers if layer.data]
