"""Quantum time: what a job is charged, by the formula that IBM documents for estimates.

    seconds = 2 * sub_jobs + Σ over circuits (rep_delay + circuit length) * executions

https://quantum.cloud.ibm.com/docs/guides/estimate-job-run-time. An execution is one shot of one
parameter set and randomization. A sub-job is taken to hold up to 10 million executions. This is a
rehearsal's estimate, never a bill.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
