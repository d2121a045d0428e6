"""A platform in memory, and questions to ask it."""

import numpy as np
import pytest
from memory_platform import MemoryPlatform
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qhu.hardware.cost import Sampling, job_cost, pub_cost
from qhu.hardware.dispatch import Dispatcher, DispatchTerms
from qhu.hardware.ledger import Ledger
from qhu.hardware.questions import Question
from qhu.hardware.submitter import SubmitTerms
from qhu.layout.calibration import Clock

CLOCK, SPENT = Clock(250e-6, 1e-6), Sampling(4, 64, (1.0,), True)


@pytest.fixture
def platform():
    return MemoryPlatform()


@pytest.fixture
def questions():
    """So many questions of three parameter sets each."""
    parameter = Parameter("x")
    circuit = QuantumCircuit(1)
    circuit.rx(parameter, 0)

    def make(count, first=0):
        made = []
        for number in range(first, first + count):
            values = np.array([number, number + 0.25, number + 0.5])
            content = {"observables": [[["Z", 1.0]]], "values": values[:, None].tolist()}
            pub = EstimatorPub.coerce((circuit, [["Z"]], values[:, None]))
            cost = pub_cost(3, 1, 1e-5, CLOCK, SPENT)
            made.append(Question(f"key{number}", content, pub, cost))
        return made

    return make


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def dispatcher(ledger, platform):
    """Makes a dispatcher; two questions share a job."""

    def make(book=ledger, where=platform, budget=100.0, run="run", **terms):
        terms = {"job_seconds": 0.5, "pending": 3, "poll": (0.0, 0.0), "usage": 0.0, **terms}
        waits = {name: terms.pop(name) for name in ("tags", "patience") if name in terms}
        submit = SubmitTerms(budget, terms["poll"], **waits)
        price = lambda asked: job_cost([q.cost for q in asked], CLOCK, SPENT)  # noqa: E731
        said = []
        made = Dispatcher(
            book,
            where,
            DispatchTerms(submit, **terms),
            price,
            (run, "evaluate", "ibm_here"),
            said.append,
        )
        made.said = said
        return made

    return make
