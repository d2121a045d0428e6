"""What a program is: a job's parameters, understood, priced and run."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from qiskit_ibm_runtime import RuntimeDecoder

from qhu.emulator.devices import EmulatedDevice
from qhu.emulator.machine import Machine
from qhu.emulator.meter import Load, quantum_seconds
from qhu.seeding import numpy_stream

NOISE = "gates and readout of the calibration; idle qubits do not decay"


@dataclass(frozen=True)
class Execution:
    """Where and how a program runs.

    Attributes:
        device: the device.
        calibration: version of its calibration.
        machine: the device as a simulator, under that calibration.
        seed: root of all that is random.
    """

    device: EmulatedDevice
    calibration: int
    machine: Machine
    seed: int

    def random(self, content: object) -> np.random.Generator:
        """Generator for a request: the same for the same content, device and calibration."""
        return numpy_stream(self.seed, "shots", self.device.name, self.calibration, content)

    def note(self, **more: Any) -> dict[str, Any]:
        """What results say of their origin."""
        return {"device": self.device.name, "noise": NOISE, "calibration": self.calibration, **more}


class RuntimeProgram(ABC):
    """A job's parameters, understood.

    Args:
        params: as submitted, JSON.

    Raises:
        ProgramError: they are malformed, or ask for what is not emulated.
    """

    name: ClassVar[str]

    @abstractmethod
    def __init__(self, params: str) -> None: ...

    @abstractmethod
    def loads(self, device: EmulatedDevice) -> list[Load]:
        """Circuits and their executions."""

    @abstractmethod
    def run(self, run: Execution) -> str:
        """Results as the client reads them."""

    def rep_delay(self, device: EmulatedDevice) -> float:
        """Pause after each execution, seconds."""
        return device.default_rep_delay

    def seconds(self, device: EmulatedDevice) -> float:
        """Quantum time."""
        return quantum_seconds(self.loads(device), self.rep_delay(device))


def decode(params: str) -> Any:
    """Parameters with circuits and arrays as Python objects."""
    return json.loads(params, cls=RuntimeDecoder)
