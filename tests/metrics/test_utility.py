import numpy as np
import pytest

from qhu.metrics.evidence import measure

RIGHT, WRONG = [0.9, 0.1], [0.2, 0.8]  # for rows of class 0


@pytest.fixture
def evidence(make_evidence):
    """Rows of class 0: 0–3 retain, 4–7 forget, 8–9 test."""
    parts = {"retain": range(4), "forget": range(4, 8), "test": range(8, 10)}

    def outputs(wrong):
        rows = [WRONG if row in wrong else RIGHT for row in range(10)]
        return {"probabilities": rows}

    return make_evidence(
        labels=np.zeros(10, int),
        subsets=parts,
        teacher=outputs({9}),
        oracle=outputs({3, 4, 9}),
        model=outputs({3, 4, 5, 6}),
    )


def test_accuracy(evidence):
    scores = measure(evidence, ["acc"])
    assert scores["acc_retain"] == (0.75, 4)
    assert scores["acc_forget"] == (0.25, 4)
    assert scores["acc_test"] == (1.0, 2)


def test_difference_to_the_oracle_is_signed(evidence):
    scores = measure(evidence, ["acc"])
    assert scores["delta_acc_retain"].value == 0
    assert scores["delta_acc_forget"].value == -0.5  # forgets more than the oracle
    assert scores["delta_acc_test"].value == 0.5


def test_uqi(evidence):
    # drops against the teacher: forget 1 − ¼, retain 1 − ¾, test ½ − 1
    assert measure(evidence, ["uqi"])["uqi"] == (0.75 - (0.25 - 0.5) / 2, 4)


def test_uqi_of_the_untouched_teacher_is_0(make_evidence):
    rows = np.random.default_rng(0).dirichlet([1, 1], 10)
    same = {"probabilities": rows}
    assert measure(make_evidence(teacher=same, model=same), ["uqi"])["uqi"].value == 0
