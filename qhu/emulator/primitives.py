"""The older programs ``estimator`` and ``sampler``, without error mitigation."""

import json
from typing import Any

from qiskit.primitives import BitArray, DataBin, PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparsePauliOp
from qiskit_ibm_runtime import RuntimeEncoder

from qhu.emulator.devices import EmulatedDevice
from qhu.emulator.meter import Load
from qhu.emulator.parts import canonical
from qhu.emulator.program import Execution, RuntimeProgram, decode
from qhu.engine.ansatz import Ansatz
from qhu.estimators.measurement import bases
from qhu.estimators.noise import device_noise
from qhu.estimators.noisy import NoisyEstimator, shots_of
from qhu.layout.isa import reduce_ansatz, reduce_target

_PRECISION = 1 / 64
_SHOTS = 4096


class Estimator(RuntimeProgram):
    """Expectation values of a PUB's observables, on the qubits that they or the gates touch."""

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
                * len(bases(_small(pub)[0].observables)),
            )
            for pub in self._pubs
        ]

    def run(self, run: Execution) -> str:
        """Run every PUB, each from its own random stream."""
        results = [self._run_pub(k, pub, run) for k, pub in enumerate(self._pubs)]
        metadata = {"version": 2, "emulator": run.note(mitigation="none", ignored=self._options)}
        return json.dumps(PrimitiveResult(results, metadata=metadata), cls=RuntimeEncoder)

    def _run_pub(self, number: int, pub: EstimatorPub, run: Execution) -> Any:
        small, qubits = _small(pub)
        noise = device_noise(reduce_target(run.device.target(run.calibration), qubits))
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        content = (number, pub.precision, str(pub.observables.tolist()), values.tobytes().hex())
        random = run.random((*content, *canonical(pub.circuit)))
        observables = ObservablesArray(list(small.observables)).reshape(pub.observables.shape)
        estimator = NoisyEstimator(noise, pub.precision, random)
        return estimator.run([(small.circuit, observables, pub.parameter_values)]).result()[0]


class Sampler(RuntimeProgram):
    """Bits of a PUB's classical registers."""

    name = "sampler"

    def __init__(self, params: str) -> None:
        raw = decode(params)
        self._options = raw.get("options")
        shots = raw.get("shots") or (self._options or {}).get("default_shots") or _SHOTS
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

    def run(self, run: Execution) -> str:
        """Run every PUB, each from its own random stream."""
        results = [self._run_pub(k, pub, run) for k, pub in enumerate(self._pubs)]
        metadata = {"version": 2, "emulator": run.note(mitigation="none", ignored=self._options)}
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
        return SamplerPubResult(DataBin(shape=pub.shape, **arrays))


def _small(pub: EstimatorPub) -> tuple[Ansatz, tuple[int, ...]]:
    """Circuit and observables of a PUB on the qubits that matter, and which these are."""
    observables = tuple(
        SparsePauliOp.from_sparse_observable(item)
        for item in pub.observables.sparse_observables_array().ravel()
    )
    return reduce_ansatz(Ansatz(pub.circuit, (), (), observables))
