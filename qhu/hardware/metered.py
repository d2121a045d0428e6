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
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.quantum_info import PauliList

from qhu.engine.bindings import check_angles, parameter_sets
from qhu.engine.lowering import lowered
from qhu.engine.observables import pauli_sums
from qhu.estimators.merging import finished, merge, split
from qhu.hardware.cost import Cost
from qhu.hardware.questions import Answer, Question
from qhu.layout.text import circuit_text

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

    def __deepcopy__(self, memo: Any) -> "MeteredEstimator":
        return self  # copies of a layer share the device

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob:
        """Estimate every PUB; see :class:`BaseEstimatorV2` for the shapes.

        The precision of the backend's own number of shots is what all PUBs get.
        """
        # Worked on here and now: a thread would go on waiting for the device after Ctrl-C.
        return finished(self._run([EstimatorPub.coerce(pub, precision) for pub in pubs]))

    def _run(self, pubs: list[EstimatorPub]) -> PrimitiveResult:
        merged = merge(pubs)
        questions = {n: self._question(g.pub) for n, g in enumerate(merged) if g.pub.size}
        answers = self._ask(list(questions.values()))
        values = [
            answers[questions[n].key] if n in questions else _zeros(group.pub.shape)
            for n, group in enumerate(merged)
        ]
        results = [self._result(g.pub, own) for g, own in zip(merged, values, strict=True)]
        return split(merged, results)

    def _question(self, pub: EstimatorPub) -> Question:
        lowered(pub.circuit)  # refuses what has no place in a layer, before anything is asked
        sets = parameter_sets(pub)
        check_angles(pub.circuit, sets)
        # Pauli sums, with the terms of equal strings added up.
        observables = ObservablesArray([[item] for item in pauli_sums(pub.observables)])
        content = {
            **self._context,
            "circuit": circuit_text(pub.circuit),
            "parameters": [parameter.name for parameter in pub.circuit.parameters],
            "observables": [sorted(item.items()) for item in observables.ravel()],
            "values": sets.tolist(),
        }
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
        # The precision is the job's: the client wants it once, not with every PUB.
        # A copy of the circuit: what is sent is what the key names, whenever it is sent.
        sent = EstimatorPub(pub.circuit.copy(), observables, pub.parameter_values, validate=False)
        terms = PauliList(sorted({label for item in observables.ravel() for label in item}))
        settings = len(terms.group_commuting(qubit_wise=True))
        return Question(key, content, sent, self._price(pub.circuit, pub.shape[1], settings))

    def _result(self, pub: EstimatorPub, answer: Answer) -> PubResult:
        data = DataBin(evs=answer.means, stds=answer.errors, shape=answer.means.shape)
        standard = {"target_precision": pub.precision, "circuit_metadata": pub.circuit.metadata}
        return PubResult(data, metadata={**self._context, **standard})


def nothing(question: Question) -> Answer:
    """The answer of someone who only counts."""
    return _zeros((len(question.content["observables"]), len(question.content["values"])))


def _zeros(shape: tuple[int, ...]) -> Answer:
    return Answer(np.zeros(shape), np.zeros(shape))
