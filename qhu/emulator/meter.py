"""Quantum time: what a job is charged, by the formula that IBM documents for estimates.

    seconds = 2 * sub_jobs + Σ over circuits (rep_delay + circuit length) * executions

https://quantum.cloud.ibm.com/docs/guides/estimate-job-run-time. An execution is one shot of one
parameter set and randomization. A sub-job is taken to hold up to 10 million executions. This is a
rehearsal's estimate, never a bill.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qiskit import QuantumCircuit
from qiskit.circuit import Barrier
from qiskit.transpiler import Target

from qhu.emulator.errors import NOT_NATIVE, ProgramError
from qhu.emulator.parts import check
from qhu.engine.lowering import standard_types

SUB_JOB_SECONDS = 2.0
SUB_JOB_EXECUTIONS = 10_000_000


@dataclass(frozen=True)
class Load:
    """Executions of one circuit.

    Attributes:
        seconds: length of the circuit, measurement included.
        executions: how often it runs.
    """

    seconds: float
    executions: int

    @classmethod
    def of(cls, circuit: QuantumCircuit, target: Target, executions: int) -> "Load":
        """Load of a circuit on a device.

        Raises:
            ProgramError: the circuit is not in the device's gates, or cannot be emulated.
        """
        check(circuit)
        for item in circuit.data:
            name = item.operation.name
            qubits = tuple(circuit.find_bit(bit).index for bit in item.qubits)
            own = standard_types().get(name) is not item.operation.base_class
            native = not own and target.instruction_supported(name, qubits)
            if not native and not isinstance(item.operation, Barrier):
                raise ProgramError(f"instruction {name} on {qubits} is not native", NOT_NATIVE)
        return cls(circuit.estimate_duration(target, "s"), executions)


def quantum_seconds(loads: Sequence[Load], rep_delay: float) -> float:
    """Seconds that a device is locked for a job.

    Args:
        loads: its circuits.
        rep_delay: pause after each execution, seconds.
    """
    executions = sum(load.executions for load in loads)
    sub_jobs = max(1, math.ceil(executions / SUB_JOB_EXECUTIONS))
    running = sum((rep_delay + load.seconds) * load.executions for load in loads)
    return SUB_JOB_SECONDS * sub_jobs + running
