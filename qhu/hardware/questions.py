"""What a device is asked, what it answers, and a job's worth of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qhu.hardware.cost import Cost


@dataclass(frozen=True)
class Question:
    """A circuit with its parameter sets and observables.

    Attributes:
        key: hash of the content.
        content: what the key is the hash of, JSON-serialisable.
        pub: what is sent.
        cost: what it takes.
    """

    key: str
    content: Mapping[str, Any]
    pub: EstimatorPub
    cost: Cost


class Answer(NamedTuple):
    """Expectation values and their standard errors, shape (observables, parameter sets)."""

    means: NDArray[np.float64]
    errors: NDArray[np.float64]


@dataclass(frozen=True)
class JobRequest:
    """A job's worth of questions.

    Attributes:
        tag: names it, here and on the platform.
        run: fingerprint of the run that asked first.
        step: stage of the run.
        device: where it goes.
        created: UTC, ISO 8601.
        state: planned, submitted, done or failed.
        estimate: seconds it is expected to take.
        reserved: limit of a job that may exist, in seconds; None: none was tried.
        instance: the platform's instance that it was tried with.
        job: the job that answers it, where one is known.
        why: why it failed.
        keys: its questions, in the order of the job's results.
        owner: whose budget it is.
    """

    tag: str
    run: str
    step: str
    device: str
    created: str
    state: str
    estimate: float
    reserved: float | None
    instance: str | None
    job: str | None
    why: str | None
    keys: tuple[str, ...]
    owner: str = ""
