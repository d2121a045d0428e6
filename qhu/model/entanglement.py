"""Which qubits the gates of a layer couple: Qiskit's patterns by name, or groups of qubits."""

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import BeforeValidator
from qiskit.circuit.library import n_local

from qhu.errors import UnknownName, UserError

PATTERNS = ("full", "linear", "reverse_linear", "circular", "sca", "pairwise")
"""As :func:`qiskit.circuit.library.n_local` understands them."""
Groups = tuple[tuple[int, ...], ...]


def _pattern_or_groups(given: Any) -> str | Groups:
    if isinstance(given, str):
        if given not in PATTERNS:
            raise UnknownName("entanglement", given, PATTERNS)
        return given
    return read_groups(given)


def read_groups(given: Any) -> Groups:
    """Groups of qubits from lists of numbers.

    Raises:
        ValueError: they are none.
    """
    lists = (list, tuple)
    groups = (
        tuple(tuple(g) if isinstance(g, lists) else () for g in given or ())
        if (isinstance(given, lists))
        else ()
    )
    are_qubits = all(type(qubit) is int and qubit >= 0 for group in groups for qubit in group)
    if not groups or not all(groups) or not are_qubits:
        raise ValueError("give a list of groups of qubits such as [[0, 1], [1, 2]]")
    for group in groups:
        if len(set(group)) < len(group):
            raise ValueError(f"{list(group)} names a qubit twice")
    return groups


Entanglement = Annotated[str | Groups, BeforeValidator(_pattern_or_groups)]
"""A pattern, or groups of qubits, each coupled by one gate in the order of the list."""


def check_width(where: str, groups: Groups, qubits: int) -> None:
    """Refuse groups that name a qubit which the circuit lacks.

    Raises:
        UserError: one does.
    """
    for group in groups:
        if max(group) >= qubits:
            raise UserError(
                f"{where}: {list(group)} names qubit {max(group)}, and the circuit has qubits 0 "
                f"to {qubits - 1}"
            )


def check_entanglement(
    where: str, entanglement: str | Groups, sizes: Collection[int], qubits: int
) -> None:
    """Refuse couplings that a circuit cannot hold, which Qiskit answers with a panic or an error.

    Args:
        where: the setting, for the error.
        entanglement: pattern or groups.
        sizes: numbers of qubits of the gates that it places.
        qubits: width of the circuit.

    Raises:
        UserError: a gate is wider than the circuit or fits no group, a group fits no gate or names
            a qubit that the circuit lacks.
    """
    for size in sizes:
        if size > qubits:
            raise UserError(
                f"{where}: a gate on {size} qubits does not fit a circuit of {qubits}; give the "
                "circuit more features or qubits, or take another entry"
            )
        if entanglement == "pairwise" and size > 2:
            raise UserError(f"{where}: pairwise couples two qubits, and a gate has {size}")
    if isinstance(entanglement, str):
        return
    check_width(where, entanglement, qubits)
    for group in entanglement:
        if len(group) not in sizes:
            widths = " or ".join(map(str, sorted(set(sizes)))) or "none"
            raise UserError(
                f"{where}: no gate couples the {len(group)} qubits of {list(group)} (numbers of "
                f"qubits that gates couple here: {widths})"
            )


def coupled_pairs(where: str, entanglement: str | Groups, qubits: int) -> list[tuple[int, int]]:
    """Pairs that are coupled, in their order, as Qiskit's ``n_local`` places a two-qubit gate.

    Raises:
        UserError: they do not fit the circuit.
    """
    check_entanglement(where, entanglement, (2,), qubits)
    circuit = n_local(qubits, [], "cz", entanglement, reps=1)
    return [tuple(circuit.find_bit(bit).index for bit in gate.qubits) for gate in circuit.data]
