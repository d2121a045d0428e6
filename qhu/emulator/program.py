"""What a program is: a job's parameters, understood, priced and run."""

import base64
import json
import zlib
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from qiskit_ibm_runtime import RuntimeDecoder

from qhu.emulator.connections import MAX_BODY
from qhu.emulator.devices import EmulatedDevice
from qhu.emulator.errors import TOO_LARGE, ProgramError
from qhu.emulator.machine import Machine
from qhu.emulator.meter import Load, quantum_seconds
from qhu.seeding import numpy_stream

_PACKED = ("QuantumCircuit", "Instruction", "ndarray")
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


class _BoundedDecoder(RuntimeDecoder):
    """The client's decoder, for what is not larger than a body may be once it is unpacked."""

    def object_hook(self, obj: Any) -> Any:
        """Decode an object.

        Raises:
            ProgramError: it is too large.
        """
        packed = obj.get("__value__")
        if obj.get("__type__") in _PACKED and isinstance(packed, str):
            stream = zlib.decompressobj()
            with suppress(ValueError, zlib.error):  # the client's decoder says what is wrong
                stream.decompress(base64.standard_b64decode(packed), MAX_BODY)
            if stream.unconsumed_tail:
                raise ProgramError(f"an argument exceeds {MAX_BODY} bytes", TOO_LARGE)
        return super().object_hook(obj)


def decode(params: str) -> Any:
    """Parameters with circuits and arrays as Python objects.

    Raises:
        ProgramError: one of them is too large.
    """
    return json.loads(params, cls=_BoundedDecoder)
