"""What qhu needs of the IBM client beside the account: results are read, wherever they lie."""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import numpy as np
from requests.adapters import HTTPAdapter

from qhu.hardware.platform import Unreadable
from qhu.hardware.questions import Answer


def version() -> str:
    """The client by name and version."""
    return f"qiskit-ibm-runtime {importlib.metadata.version('qiskit-ibm-runtime')}"


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
