"""What qhu needs of the IBM client beside the account: results are read, and that is tried first.

The client's primitives change with every version. So before anything is paid for, a job is put
together and read again: by the client, with a platform in between that answers nothing but 0.
"""

import base64
import copy
import importlib.metadata
import json
import zlib
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from requests.adapters import HTTPAdapter

from qhu.errors import UserError
from qhu.hardware.platform import Unreadable
from qhu.hardware.questions import Answer

CLIENT = "qiskit-ibm-runtime"
SETS, SHOTS = 2, 16


def version() -> str:
    """The client by name and version."""
    return f"{CLIENT} {importlib.metadata.version(CLIENT)}"


def supported() -> str:
    """The versions of the client that this version of qhu was tried with."""
    return next(line for line in importlib.metadata.requires("qhu") or () if CLIENT in line)


def estimator(mode: Any, options: Mapping[str, Any]) -> Any:
    """The client-side Estimator."""
    from qiskit_ibm_runtime.executor_estimator import Estimator

    return Estimator(mode=mode, options=dict(options))


def probe(backend: Any, options: Mapping[str, Any]) -> None:
    """Make sure that a job can be put together and its results be read; nothing is sent.

    Args:
        backend: the client's, of a device with the gates rz and sx on its first qubit.
        options: of the Estimator, which must take them.

    Raises:
        UserError: this client does not do what qhu needs.
    """
    try:
        _sent(backend, options)
        plain = _sent(backend, {"default_shots": SHOTS, "resilience_level": 0})
        (answer,) = read(_all_zero(plain, backend.num_qubits), [(1, SETS)])
        if not np.allclose(answer.means, 1.0):
            raise Unreadable(f"bits that are all 0 are read as {answer.means}")
    except Exception as error:  # whatever another version of the client stumbles over
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(
            f"{version()} does not do what qhu needs of it ({why[:200]}): install {supported()}"
        ) from error


def _sent(backend: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the client would send to the platform for a small job, as JSON has it."""
    from qiskit_ibm_runtime import RuntimeEncoder

    jobs: list[dict[str, Any]] = []
    recorder = copy.copy(backend)
    recorder._service = SimpleNamespace(is_local=False, _run=lambda **job: jobs.append(job))
    circuit = QuantumCircuit(backend.num_qubits)
    circuit.rz(Parameter("angle"), 0)
    circuit.sx(0)
    observable = "I" * (backend.num_qubits - 1) + "Z"
    pub = (circuit, [[observable]], np.arange(SETS)[:, None])
    estimator(recorder, options).run([pub])
    (job,) = jobs
    inputs: dict[str, Any] = json.loads(json.dumps(job["inputs"], cls=RuntimeEncoder))
    return inputs


def _all_zero(inputs: Mapping[str, Any], width: int) -> str:
    """Results of a job on a device whose bits are all 0, as the platform gives them."""
    program, shape = inputs["quantum_program"], (1, SETS, SHOTS, width)
    bits = zlib.compress(np.packbits(np.zeros(shape, bool)).tobytes())
    measured = {"data": base64.b64encode(bits).decode(), "shape": shape, "dtype": "bool"}
    part = {"idx_item": 0, "size": SETS, "permutation": [0, 1], "element_range": [0, SETS, 1]}
    span = {"start": "2026-01-01T00:00:00Z", "stop": "2026-01-01T00:00:01Z", "parts": [part]}
    document = {
        "schema_version": inputs["schema_version"],
        "data": [{"results": {"_meas": measured}, "metadata": {}}],
        "metadata": {"chunk_timing": [span]},
        "passthrough_data": program.get("passthrough_data"),
        "semantic_role": program.get("semantic_role"),
    }
    return json.dumps(document)


def send_once(service: Any, instance: str) -> None:
    """Have a service send every submit once: by itself it repeats one that failed with 5xx.

    A job may exist by then, and each repetition could become another one.

    Args:
        service: the service.
        instance: where jobs are submitted.
    """
    session = service._get_api_client(instance)._session  # nothing public leads to it
    session.mount(f"{session.base_url}/jobs", HTTPAdapter(max_retries=0))


def read(raw: str, shapes: Sequence[tuple[int, ...]]) -> list[Answer]:
    """Expectation values and standard errors from a job's results.

    Args:
        raw: as the platform gave them.
        shapes: what was asked, (observables, parameter sets) per question.

    Raises:
        Unreadable: the results are damaged, answer something else, or need another client.
    """
    try:
        answers = [
            Answer(np.asarray(result.data.evs, float), np.asarray(result.data.stds, float))
            for result in _decoded(raw)
        ]
    except Exception as error:  # whatever another version of the client stumbles over
        raise Unreadable(f"{type(error).__name__}: {' '.join(str(error).split())}") from error
    if [answer.means.shape for answer in answers] != [tuple(shape) for shape in shapes]:
        raise Unreadable("they answer another question")
    if not all(np.isfinite(answer.means).all() for answer in answers):
        raise Unreadable("they hold no numbers")
    return answers


def _decoded(raw: str) -> Any:
    from qiskit_ibm_runtime.decoders.defaults import DEFAULT_DECODERS

    chain: Any = DEFAULT_DECODERS["executor"]
    decoded: Any = raw
    for decoder in chain if isinstance(chain, Sequence) else (chain,):  # one, up to 0.50
        if not hasattr(decoder, "is_applicable") or decoder.is_applicable(decoded):
            decoded = decoder.decode(decoded)
    return decoded
