"""What circuits cost on a device: seconds of its time, and money."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from qhu.layout.calibration import Clock

OVERHEAD = 2.0
"""Seconds that every job takes beside its executions."""
FORMULA = "2 s per job + (repetition delay + circuit length) × executions"
SOURCE = "IBM Quantum documentation on workload usage, September 2026"
NOISE_FACTORS = (1.0, 3.0, 5.0)
"""By how much level 2 stretches a circuit, one execution of each."""
READOUT_LEVEL, EXTRAPOLATION_LEVEL = 1, 2
"""Resilience levels from which readout error, and gate noise, is mitigated."""


@dataclass(frozen=True)
class Sampling:
    """How the shots of one parameter set are spent.

    Attributes:
        randomizations: copies of the circuit, twirled each in its own way.
        shots: shots of each copy.
        factors: noise factors, each of which runs all copies.
        calibrated: whether a job measures its readout error, by as many copies and shots.
    """

    randomizations: int
    shots: int
    factors: tuple[float, ...]
    calibrated: bool

    @property
    def executions(self) -> int:
        """Shots of one parameter set in one measured basis, and of the readout calibration."""
        return self.randomizations * self.shots


def sampling(
    shots: int, resilience_level: int, twirl_gates: bool | None, twirl_readout: bool | None
) -> Sampling:
    """The rules by which the client-side Estimator spends its shots.

    Args:
        shots: asked for; twirling rounds them up to whole copies.
        resilience_level: 0, 1 (readout error mitigated) or 2 (and gate noise extrapolated).
        twirl_gates: None: at level 2.
        twirl_readout: None: from level 1 on, where it cannot be left out.
    """
    mitigated = resilience_level >= READOUT_LEVEL
    extrapolated = resilience_level >= EXTRAPOLATION_LEVEL
    copies = 1
    if mitigated or twirl_readout or (extrapolated if twirl_gates is None else twirl_gates):
        each = max(64, math.ceil(shots / 32))
        copies, shots = math.ceil(shots / each), each
    return Sampling(copies, shots, NOISE_FACTORS if extrapolated else (1.0,), mitigated)


@dataclass(frozen=True)
class Cost:
    """What one PUB takes, without its share of the job's own overhead.

    Attributes:
        sets: parameter sets.
        bases: settings of the measurement; commuting observables share one.
        executions: runs of a circuit, each with one shot.
        seconds: time on the device.
    """

    sets: int
    bases: int
    executions: int
    seconds: float


def pub_cost(sets: int, bases: int, length: float, clock: Clock, spent: Sampling) -> Cost:
    """Cost of one circuit with all its parameter sets.

    Args:
        sets: parameter sets.
        bases: settings of the measurement.
        length: duration of the circuit without measurement, in seconds.
        clock: timing of the device.
        spent: how shots are spent.
    """
    each = sets * bases * spent.executions
    lengths = [clock.delay + length * factor + clock.readout for factor in spent.factors]
    return Cost(sets, bases, each * len(spent.factors), each * math.fsum(lengths))


def job_cost(parts: Iterable[Cost], clock: Clock, spent: Sampling) -> Cost:
    """Cost of a job of several PUBs, the readout calibration and the overhead included."""
    parts = list(parts)
    extra = spent.executions if spent.calibrated else 0
    return Cost(
        sum(part.sets for part in parts),
        max(part.bases for part in parts),
        sum(part.executions for part in parts) + extra,
        OVERHEAD
        + math.fsum(part.seconds for part in parts)
        + extra * (clock.delay + clock.readout),
    )


def payload(resilience_level: int, values: int) -> int:
    """Bytes that a PUB takes in a job, about.

    Args:
        resilience_level: 0, 1 or 2; measured on a circuit of 127 qubits.
        values: parameter values, eight bytes each, in base 64.
    """
    return (33_000, 69_000, 184_000)[resilience_level] + values * 8 * 4 // 3


def price(seconds: float, per_second: float, currency: str) -> str:
    """What some seconds cost, in words."""
    return f"{seconds * per_second:.2f} {currency}"
