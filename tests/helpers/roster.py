"""An account whose devices are described by hand."""

from qiskit.circuit import Parameter
from qiskit.circuit.library import CZGate, Measure, RZGate, SXGate, XGate
from qiskit.transpiler import InstructionProperties, QubitProperties, Target

from qhu.hardware.account import Listed, UnknownDevice
from qhu.hardware.credentials import NoAccount
from qhu.layout.figures import Pace
from qhu.layout.placement import Device


class Roster:
    """Devices by name, each with its target, queue and what else is said of it."""

    def __init__(self, signed_in=True):
        self.signed_in, self.found = signed_in, {}

    def add(self, name, target, queue=0, operational=True, delay=250e-6, calibration="first"):
        device = Device(name, target, Pace(delay, 0, 1), calibration, "2026-01-01", "by hand")
        self.found[name] = device, Listed(name, operational, "maintenance", queue)

    def devices(self):
        if not self.signed_in:
            raise NoAccount("no IBM account: save one")
        return [listed for _, listed in self.found.values()]

    def backend(self, name):
        if name not in [listed.name for listed in self.devices()]:
            raise UnknownDevice(name)

    def calibrated(self, name):
        return self.found[name][0], {"calibration": self.found[name][0].calibration}


def line(errors, readout=0.01):
    """A device whose qubits lie in a line; ``errors`` are those of its two-qubit gates."""
    count = len(errors) + 1
    target = Target(
        num_qubits=count, dt=1e-9, qubit_properties=[QubitProperties(1e-4, 8e-5)] * count
    )
    each = lambda error, seconds: {  # noqa: E731
        (q,): InstructionProperties(error=error, duration=seconds) for q in range(count)
    }
    target.add_instruction(RZGate(Parameter("angle")), each(0.0, 0.0))
    target.add_instruction(SXGate(), each(1e-4, 4e-8))
    target.add_instruction(XGate(), each(1e-4, 4e-8))
    target.add_instruction(Measure(), each(readout, 1e-6))
    pairs = {(q, q + 1): error for q, error in enumerate(errors)}
    target.add_instruction(
        CZGate(),
        {pair: InstructionProperties(error=error, duration=7e-8) for pair, error in pairs.items()},
    )
    return target
