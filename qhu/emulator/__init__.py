"""The IBM Quantum platform on loopback, for the unmodified client; see docs/emulator.md."""

from qhu.emulator.emulator import Emulator
from qhu.emulator.faults import Fault

__all__ = ["Emulator", "Fault"]
