"""The estimator that sees every circuit: values, what it asks for, and what it asks for once."""

import numpy as np
import pytest
from memory_platform import MemoryPlatform
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import StatevectorEstimator

from qhu.hardware.cost import Cost
from qhu.hardware.metered import MeteredEstimator, nothing
from qhu.hardware.questions import Answer

FREE = Cost(1, 1, 1, 0.1)


class Asked:
    """Answers exactly, and remembers what it was asked."""

    def __init__(self):
        self.questions, self.priced = [], []

    def __call__(self, questions):
        self.questions += questions
        exact = StatevectorEstimator()
        found = {q.key: exact.run([q.pub], precision=0).result()[0].data for q in questions}
        return {key: Answer(data.evs, data.stds) for key, data in found.items()}

    def price(self, circuit, sets, bases):
        self.priced.append((sets, bases))
        return FREE


def estimator(asked, **context):
    return MeteredEstimator(asked, asked.price, context)


@pytest.fixture
def circuit():
    made = QuantumCircuit(2)
    made.ry(Parameter("a"), 0)
    made.cx(0, 1)
    made.rx(Parameter("b"), 1)
    return made


def test_many_pubs_of_a_circuit_are_one_question(circuit, draw, make_ansatz):
    other, rng = make_ansatz(2), np.random.default_rng(0)
    x = rng.uniform(-3, 3, (4, 2))
    pubs = [
        (circuit, "ZI", x),
        (circuit, "IZ", x),
        (circuit, ["ZZ", "XI", "ZI", "IZ"], x),
        (circuit, [["ZI"], ["XX"]], x[:3]),
        (other.circuit, [["ZI"], ["IZ"]], draw(other, 2)),
        (circuit, "ZI", x[0]),
    ]
    asked = Asked()
    found = estimator(asked).run(pubs).result()
    right = StatevectorEstimator().run(pubs, precision=0).result()
    for one, true in zip(found, right, strict=True):
        assert one.data.evs.shape == true.data.evs.shape
        np.testing.assert_allclose(one.data.evs, true.data.evs, atol=1e-12)
    # Four, three and one sets; ZI, IZ and ZZ are measured together, XI with XX.
    assert len(asked.questions) == 2 and asked.priced[0] == (8, 2)


def test_keys_name_what_an_answer_depends_on(circuit):
    asked = Asked()

    def key(pub, precision=None, **context):
        estimator(asked, **context).run([pub], precision=precision).result()
        return asked.questions[-1].key

    same = key((circuit, "ZI", [0.1, 0.2]))
    assert same == key((circuit.copy(), "ZI", [0.1, 0.2]))
    assert same == key((circuit, "ZI", [0.1, 0.2]), precision=0.5)
    longer = circuit.copy()
    longer.x(0)
    others = [
        key((circuit, "ZI", [0.1, 0.2000001])),
        key((circuit, "IZ", [0.1, 0.2])),
        key((longer, "ZI", [0.1, 0.2])),
        key((circuit, "ZI", [0.1, 0.2]), device="ibm_here"),
        key((circuit, "ZI", [0.1, 0.2]), device="ibm_there"),
    ]
    assert len({same, *others}) == 6


def test_a_second_command_is_answered_by_the_ledger(dispatcher, ledger):
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("x"), 0)
    pubs = [(circuit, "Z", [[0.1], [0.7]]), (circuit, "Z", [[2.0]])]

    def values(platform, run):
        ask = dispatcher(where=platform, run=run).answer
        found = MeteredEstimator(ask, lambda *_: FREE, {}).run(pubs).result()
        return np.concatenate([one.data.evs for one in found])

    def gone(call, when):
        raise AssertionError(f"{call} of a platform that need not be asked")

    first = values(MemoryPlatform(), "one")
    np.testing.assert_allclose(first, np.cos([0.1, 0.7, 2.0]))
    np.testing.assert_array_equal(values(MemoryPlatform(gone), "two"), first)
    assert len(ledger.requests()) == 1


def test_the_ledger_gives_an_edited_circuit_no_answer_of_another(dispatcher, ledger):
    estimator = MeteredEstimator(dispatcher().answer, lambda *_: FREE, {})
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("a"), 0)
    circuit.x(0)
    circuit.h(0)
    pubs = [(circuit, "Z", [0.3])]
    estimator.run(pubs)
    circuit.data[1], circuit.data[2] = circuit.data[2], circuit.data[1]
    estimator.run(pubs)
    assert len(ledger.requests()) == 2
    estimator.run(pubs)
    assert len(ledger.requests()) == 2


def test_counting_answers_with_zeros_of_the_right_shape(circuit):
    asked = Asked()
    ask = lambda questions: {q.key: nothing(q) for q in questions}  # noqa: E731
    pubs = [(circuit, [["ZI"], ["XX"]], np.zeros((3, 2)))]
    found = MeteredEstimator(ask, asked.price, {}).run(pubs).result()[0]
    assert found.data.evs.shape == (2, 3) and not found.data.evs.any()
