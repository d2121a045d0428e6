"""From a circuit on virtual qubits to a device's own gates and qubits, and back to few qubits.

Two steps: :func:`compile_ansatz` gives what a job to a device carries, circuit and observables
on all its qubits; :func:`reduce_ansatz` keeps the qubits that matter, for a simulator.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from qiskit import QuantumCircuit, generate_preset_pass_manager
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target, TranspilerError
from qiskit_aer.noise import NoiseModel

from qhu.engine.ansatz import Ansatz
from qhu.engine.lowering import lowered
from qhu.errors import UserError


@dataclass(frozen=True)
class IsaAnsatz:
    """An ansatz in native gates on its active qubits, with their noise.

    Attributes:
        ansatz: circuit, parameters and observables on qubits 0 … k-1; no layout left to apply.
        qubits: physical qubit behind each of the k qubits, ascending.
        noise: noise model on qubits 0 … k-1.
    """

    ansatz: Ansatz
    qubits: tuple[int, ...]
    noise: NoiseModel

    @property
    def gate_counts(self) -> dict[str, int]:
        """Native gates by name."""
        return {name: int(count) for name, count in self.ansatz.circuit.count_ops().items()}


def compile_ansatz(
    ansatz: Ansatz,
    target: Target,
    *,
    optimization_level: int,
    seed: int,
    layout: Sequence[int] | None = None,
) -> Ansatz:
    """Transpile once, with parameters unbound, and lay the observables out with the circuit.

    Without ``layout`` Qiskit's preset pass manager prefers qubits and couplers of low error. It
    weighs readout only if the circuit measures: so it does, until the layout is found.

    Args:
        ansatz: circuit on virtual qubits.
        target: the device's gates, couplings and their errors.
        optimization_level: 0 to 3, of the preset pass manager.
        seed: makes layout and routing reproducible.
        layout: physical qubit to start from for each virtual qubit.

    Raises:
        UserError: the circuit does not fit the device or holds what the engine cannot take apart,
            or the layout does not fit.
    """
    needed = ansatz.circuit.num_qubits
    if needed > target.num_qubits:
        raise UserError(
            f"the circuit needs {needed} qubits and the device has {target.num_qubits}: "
            "choose a larger device or fewer features"
        )
    if layout is not None:
        _check_layout(layout, needed, target.num_qubits)
    passes = generate_preset_pass_manager(
        optimization_level=optimization_level,
        target=target,
        seed_transpiler=seed,
        initial_layout=None if layout is None else list(layout),
    )
    try:
        circuit = passes.run(lowered(ansatz.circuit).measure_all(inplace=False))
    except TranspilerError as error:
        reason = error.message.split(". ")[0]
        raise UserError(f"the circuit cannot be written in the device's gates: {reason}") from None
    circuit.remove_final_measurements()
    observables = tuple(item.apply_layout(circuit.layout) for item in ansatz.observables)
    return replace(ansatz, circuit=circuit, observables=observables, rest=None)


def reduce_ansatz(isa: Ansatz) -> tuple[Ansatz, tuple[int, ...]]:
    """Drop idle physical qubits that nothing is measured on.

    Returns:
        The ansatz on k active qubits, and the physical qubit of each, ascending.
    """
    circuit = isa.circuit
    touched = {circuit.find_bit(q).index for item in circuit.data for q in item.qubits}
    measured = {q for item in isa.observables for _, qs, _ in item.to_sparse_list() for q in qs}
    qubits = tuple(sorted(touched | measured))
    at = {physical: k for k, physical in enumerate(qubits)}
    small = QuantumCircuit(len(qubits), global_phase=circuit.global_phase)
    for item in circuit.data:
        small.append(item.operation, [at[circuit.find_bit(q).index] for q in item.qubits])
    observables = tuple(
        SparsePauliOp.from_sparse_list(
            [(pauli, [at[q] for q in qs], c) for pauli, qs, c in item.to_sparse_list()],
            num_qubits=len(qubits),
        )
        for item in isa.observables
    )
    return replace(isa, circuit=small, observables=observables), qubits


def reduce_target(
    target: Target, qubits: Sequence[int], names: Collection[str] | None = None
) -> Target:
    """The gates, couplings and calibration of some qubits, renumbered 0 … k-1 in their order.

    Args:
        target: the whole device.
        qubits: qubits to keep.
        names: gates to keep; all by default.
    """
    at = {physical: k for k, physical in enumerate(qubits)}
    properties = target.qubit_properties
    small = Target(
        num_qubits=len(qubits),
        dt=target.dt,
        qubit_properties=properties and [properties[q] for q in qubits],
    )
    for name in target.operation_names if names is None else names:
        here = {
            tuple(at[q] for q in where): figures
            for where, figures in target[name].items()
            # Control flow sits on no qubits in particular (None) and carries no noise.
            if where is not None and at.keys() >= set(where)
        }
        if here:
            small.add_instruction(target.operation_from_name(name), here, name=name)
    return small


def _check_layout(layout: Sequence[int], needed: int, available: int) -> None:
    if len(layout) != needed or len(set(layout)) != needed:
        raise UserError(f"layout must name {needed} different qubits (got {list(layout)})")
    if not all(0 <= qubit < available for qubit in layout):
        raise UserError(f"layout qubits must lie in 0 … {available - 1} (got {list(layout)})")
