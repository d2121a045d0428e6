"""Program ``executor``: circuits with their randomizations, results as bits."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
from ibm_quantum_schemas.common import CompressedTensorModel
from ibm_quantum_schemas.executor.version_2_0 import (
    ChunkPart,
    ChunkSpan,
    ItemMetadataModel,
    MetadataModel,
    QuantumProgramResultItemModel,
    QuantumProgramResultModel,
)
from numpy.typing import NDArray
from qiskit_ibm_runtime.fake_provider.executor.broadcast_sample import broadcast_sample
from qiskit_ibm_runtime.quantum_program.params_converters import QUANTUM_PROGRAM_PARAMS_CONVERTERS
from samplomatic.quantum_program import CircuitItem, SamplexItem

from qhu.emulator.devices import EmulatedDevice
from qhu.emulator.errors import ProgramError
from qhu.emulator.meter import Load
from qhu.emulator.parts import canonical
from qhu.emulator.program import Execution, RuntimeProgram

EXECUTOR_SCHEMA = "v2.0"


class Executor(RuntimeProgram):
    """Every item of a quantum program: sample its randomizations, run them, return the bits."""

    name = "executor"

    def __init__(self, params: str) -> None:
        raw = json.loads(params)
        if raw["schema_version"] != EXECUTOR_SCHEMA:
            raise ProgramError(
                f"schema {raw['schema_version']} is not emulated, only {EXECUTOR_SCHEMA}"
            )
        converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS[EXECUTOR_SCHEMA]
        self._program, self._options = converter.decoder(converter.model(**raw))
        if self._program.meas_level != "classified":
            raise ProgramError(f"meas_level '{self._program.meas_level}' is not emulated")
        # Both go back verbatim: the client's own post-processing reads them.
        self._passthrough = raw["quantum_program"].get("passthrough_data")
        self._role = raw["quantum_program"].get("semantic_role")

    def loads(self, device: EmulatedDevice) -> list[Load]:
        """One load per item."""
        target, shots = device.target(0), self._program.shots
        return [Load.of(item.circuit, target, shots * item.size()) for item in self._program.items]

    def rep_delay(self, device: EmulatedDevice) -> float:
        """The program's own pause, or the device's."""
        own = self._options.execution.rep_delay
        return device.default_rep_delay if own is None else float(own)

    def run(self, run: Execution) -> str:
        """Run every item, each from its own random stream."""
        started = datetime.now(UTC)
        results = [
            self._run_item(item, run, run.random((number, *self._content(item))))
            for number, item in enumerate(self._program.items)
        ]
        span = ChunkSpan(start=started, stop=datetime.now(UTC), parts=self._parts())
        model = QuantumProgramResultModel(
            data=[
                QuantumProgramResultItemModel(
                    results={k: CompressedTensorModel.from_numpy(v) for k, v in result.items()},
                    metadata=ItemMetadataModel(),
                )
                for result in results
            ],
            metadata=MetadataModel(chunk_timing=[span]),
            semantic_role=self._role,
        )
        document = model.model_dump(mode="json")
        document["passthrough_data"] = self._passthrough
        document["metadata"]["emulator"] = run.note()
        return json.dumps(document)

    def _run_item(
        self, item: Any, run: Execution, random: np.random.Generator
    ) -> dict[str, NDArray[Any]]:
        if isinstance(item, CircuitItem):
            sampled, values = {}, item.circuit_arguments
        else:
            samplex = item.samplex.finalize()
            sampled = broadcast_sample(samplex, item.samplex_arguments, item.shape, random)
            values = sampled.pop("parameter_values")
        sets = np.asarray(values, dtype=float).reshape(item.size(), -1)
        bits = run.machine.run(item.circuit, sets, self._program.shots, random)
        read = {
            name: register.reshape(*item.shape, *register.shape[1:])
            for name, register in bits.items()
        }
        return {**sampled, **read}

    def _content(self, item: Any) -> tuple[object, ...]:
        """What an item asks for, equal for equal requests of different processes."""
        if isinstance(item, SamplexItem):
            # Names hold counters that go on within a process; only their order means something.
            names = sorted(item.samplex_arguments, key=lambda name: (len(name), name))
            arguments = [_bytes(item.samplex_arguments[name]) for name in names]
        else:
            arguments = [_bytes(item.circuit_arguments)]
        circuit = tuple(canonical(item.circuit))
        return self._program.shots, item.shape, *arguments, circuit

    def _parts(self) -> list[ChunkPart]:
        return [
            ChunkPart(
                idx_item=number,
                size=item.size(),
                permutation=list(range(len(item.shape))),
                element_range=(0, item.size(), 1),
            )
            for number, item in enumerate(self._program.items)
        ]


def _bytes(value: Any) -> str:
    return value.tobytes().hex() if isinstance(value, np.ndarray) else str(value)
