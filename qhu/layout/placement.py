"""Where a circuit lies on a device: chosen once per run, the same for every model compared."""

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit, qpy
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target

from qhu.engine.ansatz import Ansatz
from qhu.engine.lowering import lowered
from qhu.errors import UserError
from qhu.layout import calibration
from qhu.layout.calibration import Clock
from qhu.layout.figures import Pace, pace
from qhu.layout.isa import compile_ansatz, reduce_ansatz
from qhu.layout.snapshots import fake_name, snapshot
from qhu.layout.text import circuit_text

TRIALS = 4
"""Seeds of the transpiler that are tried; the most promising circuit is taken."""


@dataclass(frozen=True)
class Device:
    """What has to be known of a device to place a circuit on it.

    Attributes:
        name: as the platform calls it.
        target: gates, couplings and calibration of all qubits.
        pace: seconds between executions.
        calibration: short name of the calibration.
        date: when it was calibrated, ISO 8601.
        source: where these figures are from, in words.
    """

    name: str
    target: Target
    pace: Pace
    calibration: str
    date: str
    source: str

    @classmethod
    def twin(cls, name: str) -> "Device":
        """The shipped snapshot of a device, to estimate by where there is no account."""
        device = snapshot(fake_name(name))
        date = device.properties().last_update_date.isoformat()
        source = f"snapshot {device.name}, for want of an account"
        its_pace = pace(device.configuration())
        return cls(name, device.target, its_pace, "snapshot", date, source)


@dataclass(frozen=True)
class Placement:
    """A circuit in a device's gates on its qubits, with what was known of them at that time.

    Attributes:
        ansatz: circuit and observables on all physical qubits.
        qubits: physical qubits that the circuit uses.
        success: probability that no gate and no readout errs, by the calibration.
        length: seconds of the circuit without measurement.
        clock: timing of the device.
        figures: calibration of ``qubits``, as :func:`qhu.layout.calibration.freeze` gives it.
        about: device, calibration and date, for the record.
    """

    ansatz: Ansatz
    qubits: tuple[int, ...]
    success: float
    length: float
    clock: Clock
    figures: Mapping[str, Any]
    about: Mapping[str, str]

    def dump(self) -> bytes:
        """Everything but the identity of the parameters."""
        file = io.BytesIO()
        qpy.dump(self.ansatz.circuit, file)
        observables = [item.to_sparse_list() for item in self.ansatz.observables]
        fields = {
            "circuit": base64.b64encode(file.getvalue()).decode(),
            "width": self.ansatz.circuit.num_qubits,
            "observables": [[[p, q, c.real] for p, q, c in item] for item in observables],
            "qubits": self.qubits,
            "success": self.success,
            "length": self.length,
            "clock": [self.clock.delay, self.clock.readout],
            "figures": self.figures,
            "about": self.about,
        }
        return json.dumps(fields).encode()

    def record(self) -> dict[str, Any]:
        """What the record of a run says of it; ``placement`` is what :func:`load` reads."""
        small, qubits = reduce_ansatz(self.ansatz)
        counts = small.circuit.count_ops().items()
        return {
            **self.about,
            "expected_success": self.success,
            "repetition_delay": self.clock.delay,
            "circuit": {
                "qubits": list(qubits),
                "gates": {name: int(count) for name, count in counts},
                "depth": small.circuit.depth(),
                "seconds": self.length,
            },
            "placement": json.loads(self.dump()),
        }


def load(body: bytes, ansatz: Ansatz) -> Placement:
    """The placement that :meth:`Placement.dump` wrote, for an ansatz of the same parameters."""
    fields = json.loads(body)
    circuit: QuantumCircuit = qpy.load(io.BytesIO(base64.b64decode(fields.pop("circuit"))))[0]
    named = {parameter.name: parameter for parameter in circuit.parameters}
    # A parameter that no gate keeps is not in the circuit: the asker's own stands for it.
    inputs, weights = (
        tuple(named.get(p.name, p) for p in given) for given in (ansatz.inputs, ansatz.weights)
    )
    width = fields.pop("width")
    observables = tuple(
        SparsePauliOp.from_sparse_list([(p, q, c) for p, q, c in item], num_qubits=width)
        for item in fields.pop("observables")
    )
    placed = Ansatz(circuit, inputs, weights, observables, preparation=ansatz.preparation)
    clock, qubits = Clock(*fields.pop("clock")), tuple(fields.pop("qubits"))
    return Placement(placed, clock=clock, qubits=qubits, **fields)


def place(
    ansatz: Ansatz,
    device: Device,
    *,
    optimization_level: int,
    seed: int,
    layout: Sequence[int] | None = None,
    delay: float | None = None,
) -> Placement:
    """Place a circuit where gates and readout err least, by the device's calibration.

    Args:
        ansatz: circuit on virtual qubits.
        device: where to.
        optimization_level: of Qiskit's preset pass manager.
        seed: first of the seeds that are tried.
        layout: physical qubits to start from, one per virtual qubit; None: they are searched.
        delay: seconds between executions; None: the device's default.

    Raises:
        UserError: the circuit does not fit the device, the layout does not fit either, or the
            device does not allow the delay or does not tell how long its gates take.
    """
    delay = device.pace.of(delay, device.name)
    tried = []
    for trial in range(TRIALS):
        isa = compile_ansatz(
            ansatz,
            device.target,
            optimization_level=optimization_level,
            seed=seed + trial,
            layout=layout,
        )
        read = measured(isa)
        tried.append((calibration.success(isa.circuit, read, device.target), -trial, isa, read))
    success, _, isa, read = max(tried, key=lambda trial: trial[:2])
    qubits = reduce_ansatz(isa)[1]
    try:
        length = calibration.length(isa.circuit, device.target)
    except QiskitError as error:
        raise UserError(
            f"{device.name} does not tell how long its gates take ({error.message}), so that "
            "nothing can be priced: take another device"
        ) from None
    return Placement(
        ansatz=isa,
        qubits=qubits,
        success=success,
        length=length,
        clock=calibration.clock(device.target, read, delay),
        figures=calibration.freeze(device.target, qubits),
        about={
            "device": device.name,
            "calibration": device.calibration,
            "calibrated": device.date,
            "source": device.source,
        },
    )


def measured(ansatz: Ansatz) -> list[int]:
    """Qubits that the observables touch."""
    touched = {q for item in ansatz.observables for _, qs, _ in item.to_sparse_list() for q in qs}
    return sorted(touched)


def ansatz_name(ansatz: Ansatz, *settings: Any) -> str:
    """Short hash of a circuit with its observables and of how it is to be placed."""
    observables = [item.to_list() for item in ansatz.observables]
    text = json.dumps([circuit_text(lowered(ansatz.circuit)), observables, settings], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
