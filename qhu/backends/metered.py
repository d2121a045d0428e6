"""The one estimator that sees every circuit on its way to a device."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives import DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.base import BaseEstimatorV2
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.quantum_info import PauliList

from qhu.backends.cost import Cost
from qhu.backends.layout import circuit_text
from qhu.backends.merging import merge, split
from qhu.backends.questions import Answer, Question

Asking = Callable[[list[Question]], Mapping[str, Answer]]
"""From questions to their answers by key."""
Pricing = Callable[[QuantumCircuit, int, int], Cost]
"""From a circuit, its parameter sets and measured bases to what it costs."""


class MeteredEstimator(BaseEstimatorV2):
    """Turns PUBs into questions and lets them be answered: from the ledger, or by a device.

    PUBs of one circuit become one question, with all observables on all parameter sets; equal
    questions are answered once, by whomever they are asked.

    Args:
        ask: answers questions, or only counts them.
        price: says what a circuit costs.
        context: what an answer depends on beside the circuit: device, calibration, options.
    """

    def __init__(self, ask: Asking, price: Pricing, context: Mapping[str, Any]) -> None:
        self._ask, self._price, self._context = ask, price, dict(context)
        self._texts: dict[int, tuple[QuantumCircuit, str]] = {}

    def __deepcopy__(self, memo: Any) -> "MeteredEstimator":
        return self  # copies of a layer share the device

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob:
        """Estimate every PUB; see :class:`BaseEstimatorV2` for the shapes.

        The precision of the backend's own number of shots is what all PUBs get.
        """
        # Worked on here and now: a thread would go on waiting for the device after Ctrl-C.
        result = self._run([EstimatorPub.coerce(pub, precision) for pub in pubs])
        job = PrimitiveJob(lambda: result)
        job._submit()
        return job

    def _run(self, pubs: list[EstimatorPub]) -> PrimitiveResult:
        merged = merge(pubs)
        questions = [self._question(group.pub) for group in merged]
        answers = self._ask(questions)
        return split(merged, [self._result(answers[question.key]) for question in questions])

    def _question(self, pub: EstimatorPub) -> Question:
        values = pub.parameter_values.as_array(pub.circuit.parameters)
        content = {
            **self._context,
            "circuit": self._text(pub.circuit),
            "parameters": [parameter.name for parameter in pub.circuit.parameters],
            "observables": [sorted(item.items()) for item in pub.observables.ravel()],
            "values": np.asarray(values, float).reshape(pub.parameter_values.size, -1).tolist(),
        }
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
        # The precision is the job's: the client wants it once, not with every PUB.
        sent = EstimatorPub(pub.circuit, pub.observables, pub.parameter_values, validate=False)
        terms = PauliList(sorted({label for item in pub.observables.ravel() for label in item}))
        settings = len(terms.group_commuting(qubit_wise=True))
        return Question(key, content, sent, self._price(pub.circuit, pub.shape[1], settings))

    def _text(self, circuit: QuantumCircuit) -> str:
        """OpenQASM 3 of a circuit, written once; the circuit is kept so that its id stays its."""
        if id(circuit) not in self._texts:
            self._texts[id(circuit)] = circuit, circuit_text(circuit)
        return self._texts[id(circuit)][1]

    def _result(self, answer: Answer) -> PubResult:
        data = DataBin(evs=answer.means, stds=answer.errors, shape=answer.means.shape)
        return PubResult(data, metadata=self._context)


def nothing(question: Question) -> Answer:
    """The answer of someone who only counts."""
    shape = len(question.content["observables"]), len(question.content["values"])
    return Answer(np.zeros(shape), np.zeros(shape))
