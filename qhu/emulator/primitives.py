"""The older programs ``estimator`` and ``sampler``, without error mitigation."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import BitArray, DataBin, PrimitiveResult, PubResult, SamplerPubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_ibm_runtime import RuntimeEncoder
from qiskit_ibm_runtime.execution_span import DoubleSliceSpan, ExecutionSpans

from qhu.emulator.devices import EmulatedDevice
from qhu.emulator.errors import ProgramError
from qhu.emulator.meter import Load
from qhu.emulator.parts import canonical
from qhu.emulator.program import Execution, RuntimeProgram, decode
from qhu.emulator.readings import Term, fits, measured, settings, terms
from qhu.estimators.noisy import shots_of

_PRECISION = 1 / 64
_SHOTS = 4096


class Estimator(RuntimeProgram):
    """Expectation values of a PUB's observables, from shots in as few bases as were found."""

    name = "estimator"

    def __init__(self, params: str) -> None:
        raw = decode(params)
        self._options = {k: raw[k] for k in ("options", "resilience_level") if raw.get(k)}
        default = raw.get("options", {}).get("default_precision") or _PRECISION
        self._pubs = [
            EstimatorPub.coerce(tuple(item[:3]), item[3] if len(item) > 3 and item[3] else default)
            for item in raw["pubs"]
        ]

    def loads(self, device: EmulatedDevice) -> list[Load]:
        """One load per PUB: its shots for each parameter set and basis."""
        target = device.target(0)
        return [
            Load.of(
                pub.circuit.measure_all(inplace=False),
                target,
                shots_of(pub.precision)
                * pub.parameter_values.size
                * len(settings(term for item in _observables(pub) for term in item)),
            )
            for pub in self._pubs
        ]

    def run(self, run: Execution) -> str:
        """Run every PUB, each from its own random stream."""
        results = [self._run_pub(k, pub, run) for k, pub in enumerate(self._pubs)]
        metadata = {"version": 2, "emulator": run.note(mitigation="none", ignored=self._options)}
        return json.dumps(PrimitiveResult(results, metadata=metadata), cls=RuntimeEncoder)

    def _run_pub(self, number: int, pub: EstimatorPub, run: Execution) -> PubResult:
        observables, shots = _observables(pub), shots_of(pub.precision)
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        content = (number, pub.precision, str(pub.observables.tolist()), values.tobytes().hex())
        random = run.random((*content, *canonical(pub.circuit)))
        sets = values.reshape(pub.parameter_values.size, -1)
        means = np.zeros((len(observables), len(sets)))
        for row, item in zip(means, observables, strict=True):
            row += sum(term.weight for term in item if not term.letters)
        variances, target = np.zeros_like(means), run.device.target(run.calibration)
        left = [[term for term in item if term.letters] for item in observables]
        for basis in settings(term for item in left for term in item):
            circuit, qubits = measured(pub.circuit, basis, target)
            read = run.machine.run(circuit, sets, shots, random)[circuit.cregs[-1].name]
            bits = {qubit: read[..., place] for place, qubit in enumerate(qubits)}
            here = [[term for term in item if fits(term.axes, basis)] for item in left]
            # Each term is read once, in the first basis that holds it.
            left = [[term for term in item if not fits(term.axes, basis)] for item in left]
            for place, item in enumerate(here):
                if item:
                    mean, variance = _moments(item, bits)
                    means[place] += mean
                    variances[place] += variance / shots
        return _estimates(pub, means, np.sqrt(variances), shots)


class Sampler(RuntimeProgram):
    """Bits of a PUB's classical registers."""

    name = "sampler"

    def __init__(self, params: str) -> None:
        raw = decode(params)
        self._options = raw.get("options") or {}
        self._execution = self._options.get("execution") or {}
        kind = self._execution.get("meas_type", "classified")
        if kind != "classified":
            raise ProgramError(f"meas_type '{kind}' is not emulated")
        shots = raw.get("shots") or self._options.get("default_shots") or _SHOTS
        self._pubs = [
            SamplerPub.coerce(tuple(item[:2]), item[2] if len(item) > 2 and item[2] else shots)
            for item in raw["pubs"]
        ]

    def loads(self, device: EmulatedDevice) -> list[Load]:
        """One load per PUB."""
        target = device.target(0)
        return [
            Load.of(pub.circuit, target, pub.shots * pub.parameter_values.size)
            for pub in self._pubs
        ]

    def rep_delay(self, device: EmulatedDevice) -> float:
        """The program's own pause, or the device's."""
        own = self._execution.get("rep_delay")
        return device.default_rep_delay if own is None else float(own)

    def run(self, run: Execution) -> str:
        """Run every PUB, each from its own random stream and in a span of time of its own."""
        results, spans = [], []
        for number, pub in enumerate(self._pubs):
            begun = datetime.now(UTC)
            results.append(self._run_pub(number, pub, run))
            shape = (*pub.shape, pub.shots)
            every = slice(0, pub.parameter_values.size), slice(0, pub.shots)
            spans.append(DoubleSliceSpan(begun, datetime.now(UTC), {number: (shape, *every)}))
        metadata = {
            "version": 2,
            "execution": {"execution_spans": ExecutionSpans(spans)},
            "emulator": run.note(mitigation="none", ignored=self._options),
        }
        return json.dumps(PrimitiveResult(results, metadata=metadata), cls=RuntimeEncoder)

    def _run_pub(self, number: int, pub: SamplerPub, run: Execution) -> SamplerPubResult:
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        content = (number, pub.shots, values.tobytes().hex(), *canonical(pub.circuit))
        sets = values.reshape(pub.parameter_values.size, -1)
        bits = run.machine.run(pub.circuit, sets, pub.shots, run.random(content))
        arrays = {
            name: BitArray.from_bool_array(values, order="little").reshape(pub.shape)
            for name, values in bits.items()
        }
        metadata = {"circuit_metadata": pub.circuit.metadata}
        return SamplerPubResult(DataBin(shape=pub.shape, **arrays), metadata=metadata)


def _observables(pub: EstimatorPub) -> list[list[Term]]:
    return [terms(item) for item in pub.observables.sparse_observables_array().ravel()]


def _moments(
    item: Sequence[Term], bits: Mapping[int, NDArray[np.bool_]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance over the shots of a sum of terms, both (K,)."""
    value = sum((term.values(bits) for term in item), start=np.zeros(()))
    return value.mean(axis=1), value.var(axis=1)


def _estimates(
    pub: EstimatorPub, means: NDArray[np.float64], errors: NDArray[np.float64], shots: int
) -> PubResult:
    """The result of a PUB from values (M, K) of each observable at each parameter set."""
    places = np.arange(len(means)).reshape(pub.observables.shape)
    sets = np.arange(pub.parameter_values.size).reshape(pub.parameter_values.shape)
    at = np.broadcast_arrays(places, sets)
    evs, stds = (np.asarray(values[tuple(at)]) for values in (means, errors))
    data = DataBin(evs=evs, stds=stds, shape=pub.shape)
    metadata = {
        "shots": shots,
        "target_precision": pub.precision,
        "circuit_metadata": pub.circuit.metadata,
    }
    return PubResult(data, metadata=metadata)
