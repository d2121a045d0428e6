"""Noisy twin of a device on Aer: a calibration snapshot, or a few figures."""

import copy
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PositiveFloat, field_validator, model_validator
from qiskit.transpiler import Target
from qiskit_aer.noise import NoiseModel
from qiskit_machine_learning.connectors import TorchConnector

from qhu import registry
from qhu.backends.base import Backend
from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.outcomes import MAX_OUTCOME_QUBITS, Outcomes
from qhu.errors import UserError
from qhu.estimators.aer_outcomes import AerOutcomes
from qhu.estimators.layer import estimator_layer
from qhu.estimators.noise import device_noise, figures_noise, figures_target
from qhu.estimators.noisy import NoisyEstimator
from qhu.layout.isa import IsaAnsatz, compile_ansatz, reduce_ansatz, reduce_target
from qhu.layout.snapshots import fake_name, snapshot
from qhu.registry import backend
from qhu.seeding import numpy_stream

FIGURES = ("depolarizing", "readout", "t1", "t2")
SIMULATORS = {"qhu": Outcomes, "aer": AerOutcomes}

Probability = Annotated[float, Field(ge=0, le=1)]


class Options(registry.Options):
    """Noise of a device snapshot, or noise by figures; one of the two."""

    device: str | None = None
    """Snapshot of an IBM device: ``fake_brisbane``, or ``ibm_brisbane`` for the same."""
    depolarizing: tuple[Probability, Probability] | None = None
    """λ after each one-qubit (``sx``, ``x``) and two-qubit (``cz``) native gate, by Qiskit's
    convention ρ → (1 - λ)ρ + λ·1/2ⁿ. PennyLane's p for one qubit is 3λ/4."""
    readout: tuple[Probability, Probability] | None = None
    """P(read 1 | state 0) and P(read 0 | state 1) of every qubit."""
    t1: PositiveFloat | None = None
    """Energy relaxation time in microseconds; acts while a gate does, not on idle qubits."""
    t2: PositiveFloat | None = None
    """Dephasing time in microseconds, at most 2·t1."""
    gate_times: tuple[PositiveFloat, PositiveFloat] = (60.0, 660.0)
    """Duration of one- and two-qubit gates in nanoseconds, for t1 and t2."""
    shots: Annotated[int, Field(gt=0, le=1_000_000_000)] | None = None
    """Shots per circuit and measured basis; none for the exact expectation of the noisy circuit."""
    simulator: Literal["qhu", "aer"] = "qhu"
    """Who computes: qhu's engine, or Aer's density matrices, a thousand times slower: the check."""
    optimization_level: Annotated[int, Field(ge=0, le=3)] = 3
    """Of Qiskit's preset pass manager."""
    transpile_seed: Annotated[int, Field(ge=0)] = 0
    """Seed of layout and routing."""
    layout: tuple[int, ...] | None = None
    """Physical qubit to start from for each virtual one; none: those of low error are found."""

    @field_validator("device")
    @classmethod
    def _of_snapshot(cls, device: str | None) -> str | None:
        return device and fake_name(device)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        figures = [name for name in FIGURES if getattr(self, name) is not None]
        if self.device and figures:
            raise ValueError(f"give device or figures, not both: drop device or {figures[0]}")
        if not self.device and not figures:
            raise ValueError("give device (such as fake_brisbane) or depolarizing, readout, t1, t2")
        if (self.t1 is None) != (self.t2 is None):
            raise ValueError("t1 and t2 come together: give both, in microseconds")
        if self.t1 and self.t2 and self.t2 > 2 * self.t1:
            raise ValueError(f"t2 can be at most 2·t1 = {2 * self.t1:g} microseconds")
        if not self.t1 and self.gate_times != type(self).model_fields["gate_times"].default:
            raise ValueError("gate_times are for t1 and t2: give both, or drop gate_times")
        if self.layout is not None and not self.device:
            raise ValueError("layout names a device's qubits: give device, or drop layout")
        return self


@backend("aer", cites=["schuld2019evaluating"])
class AerBackend(Backend):
    """Noisy simulation: a device's calibration snapshot, or noise by a few figures."""

    stages: ClassVar[tuple[str, ...]] = ("evaluate",)

    def __init__(self, name: str, options: Options) -> None:
        super().__init__(name, options)
        self._isa: IsaAnsatz | None = None

    @property
    def figures(self) -> str:
        """Its noise and its shots, in words."""
        options: Options = self.options
        parts = [_gate_noise(options), _readout_noise(options), _relaxation(options)]
        if options.device:
            parts = [f"{options.device}, {snapshot(options.device).num_qubits} qubits"]
        shots = f"{options.shots:,} shots" if options.shots else "exact expectation values"
        by = "by Aer" if options.simulator == "aer" else ""
        return ", ".join(filter(None, [*parts, shots, by]))

    @property
    def differentiable(self) -> bool:
        """Whether values are exact and the engine's."""
        return self.options.simulator == "qhu" and not self.sampled

    @property
    def sampled(self) -> bool:
        """Whether shots were asked for."""
        return self.options.shots is not None

    def layer(self, ansatz: Ansatz, seed: int) -> TorchConnector:
        """Quantum layer under noise, readout error included.

        Args:
            ansatz: circuit, parameters and observables.
            seed: root of the layer's shot noise.

        Raises:
            UserError: the circuit does not fit the device or the simulator.
        """
        isa = self.isa(ansatz)
        if self.differentiable:
            return engine_layer(isa.ansatz, isa.noise)
        shots = self.options.shots
        precision = shots**-0.5 if shots else 0.0
        estimator = NoisyEstimator(
            isa.noise,
            precision,
            numpy_stream(seed, "shots"),
            SIMULATORS[self.options.simulator],
        )
        return estimator_layer(isa.ansatz, estimator, precision)

    def isa(self, ansatz: Ansatz) -> IsaAnsatz:
        """The ansatz in native gates on active qubits, with their noise.

        Raises:
            UserError: the circuit does not fit the device or the simulator.
        """
        compiled = compile_ansatz(
            ansatz,
            self._target(ansatz.circuit.num_qubits),
            optimization_level=self.options.optimization_level,
            seed=self.options.transpile_seed,
            layout=self.options.layout,
        )
        small, qubits = reduce_ansatz(compiled)
        if len(qubits) > MAX_OUTCOME_QUBITS:
            raise UserError(
                f"backend '{self.name}' simulates up to {MAX_OUTCOME_QUBITS} qubits and the "
                f"circuit takes {len(qubits)}: use fewer features"
            )
        self._isa = IsaAnsatz(small, qubits, self._noise(qubits))
        return self._isa

    @classmethod
    def recorded(cls, effective: Mapping[str, Any], ansatz: Ansatz) -> IsaAnsatz:
        """The ansatz as it ran: compiled again, which must give what was recorded.

        Raises:
            UserError: the versions installed here know another calibration, or compile the circuit
                in another way.
        """
        options = {key: effective[key] for key in Options.model_fields if key in effective}
        backend = cls("", Options.model_validate(options))
        isa = backend.isa(ansatz)
        here = backend.effective()
        for what in ("calibrated", "circuit"):
            if here[what] != effective[what]:
                raise UserError(
                    f"the noise of the run cannot be rebuilt: another '{what}' here; install "
                    f"qiskit {effective['versions']['qiskit']} and what else its run.json names"
                )
        return isa

    def effective(self) -> dict[str, Any]:
        """Options as they took effect; ``circuit`` is null until a layer was made."""
        options: Options = self.options
        device = options.device and snapshot(options.device)
        unused = set() if options.t1 else {"gate_times"}
        isa = self._isa
        return {
            **options.model_dump(mode="json", exclude_none=True, exclude=unused),
            "kind": "aer",
            "noise": "device snapshot" if device else "figures",
            "calibrated": device.properties().last_update_date.isoformat() if device else None,
            "readout_included": bool(device) or options.readout is not None,
            "idle_noise": False,
            "simulator": options.simulator,
            "method": "Heisenberg picture" if self.differentiable else "density matrix",
            "expectation": "shots" if options.shots else "exact",
            "circuit": isa
            and {
                "qubits": list(isa.qubits),
                "gates": isa.gate_counts,
                "depth": isa.ansatz.circuit.depth(),
                "basis_gates": sorted(isa.noise.basis_gates),
            },
            "versions": {name: version(name) for name in ("qiskit", "qiskit-aer")},
        }

    def _target(self, qubits: int) -> Target:
        if self.options.device:
            return snapshot(self.options.device).target
        return figures_target(qubits)

    def _noise(self, qubits: tuple[int, ...]) -> NoiseModel:
        options: Options = self.options
        if options.device:
            return copy.deepcopy(_snapshot_noise(options.device, qubits))
        times = options.t1 and options.t2 and (options.t1 * 1e-6, options.t2 * 1e-6)
        single, double = options.gate_times
        return figures_noise(
            options.depolarizing, options.readout, times or None, (single * 1e-9, double * 1e-9)
        )


@lru_cache
def _snapshot_noise(device: str, qubits: tuple[int, ...]) -> NoiseModel:
    return device_noise(reduce_target(snapshot(device).target, qubits))


def _gate_noise(options: Options) -> str:
    single, double = (100 * share for share in options.depolarizing or (0, 0))
    if single != double:
        return f"depolarizing {single:g} % after 1-qubit and {double:g} % after 2-qubit gates"
    if single:
        return f"depolarizing {single:g} % after each gate"
    return "" if any(getattr(options, name) for name in FIGURES[1:]) else "no noise"


def _readout_noise(options: Options) -> str:
    if options.readout is None:
        return ""
    ones, zeros = options.readout
    return f"reads 1 for 0 in {100 * ones:g} % and 0 for 1 in {100 * zeros:g} %"


def _relaxation(options: Options) -> str:
    if options.t1 is None:
        return ""
    single, double = options.gate_times
    return f"T1 {options.t1:g} µs, T2 {options.t2:g} µs, gates of {single:g} and {double:g} ns"
