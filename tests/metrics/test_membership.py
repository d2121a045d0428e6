import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from qhu.metrics.evidence import measure
from qhu.metrics.membership import auc

SCORES = st.lists(st.sampled_from([0.1, 0.2, 0.5, 0.5000001, 0.9]), min_size=1, max_size=20)


def confident(values):
    """Two-class probabilities whose largest entry is the given one."""
    values = np.asarray(values, float)
    return {"probabilities": np.stack([values, 1 - values], axis=1)}


@given(SCORES, SCORES)
def test_auc_against_scikit_learn(members, strangers):
    truth = [1] * len(members) + [0] * len(strangers)
    found = auc(np.array(members), np.array(strangers))
    assert found == pytest.approx(roc_auc_score(truth, members + strangers))


@given(SCORES)
def test_auc_of_the_same_values_is_a_half(scores):
    assert auc(np.array(scores), np.array(scores)) == pytest.approx(0.5)


@pytest.fixture
def case(make_evidence):
    """Forget rows of classes 0, 0, 0, 1; the model's confidences are given by row."""
    labels = np.array([0, 1, 0, 0, 0, 1, 0, 0, 1, 1])
    parts = {"retain": [0, 1], "forget": [2, 3, 4, 5], "test": [6, 7, 8, 9]}

    def make(model, oracle=(0.8,) * 10, **changes):
        given = {"labels": labels, "subsets": parts, **changes}
        return make_evidence(model=confident(model), oracle=confident(oracle), **given)

    return make


def test_auc_is_taken_class_by_class(case):
    model = [0.9, 0.9, 0.95, 0.9, 0.6, 0.7, 0.65, 0.8, 0.75, 0.6]
    scores = measure(case(model), ["mia"])
    of_class = {0: roc_auc_score([1, 1, 1, 0, 0], [0.95, 0.9, 0.6, 0.65, 0.8])}
    of_class[1] = roc_auc_score([1, 0, 0], [0.7, 0.75, 0.6])
    expected = 0.75 * of_class[0] + 0.25 * of_class[1]
    assert scores["mia_forget"] == (pytest.approx(expected), 4)
    assert scores["delta_mia_forget"].value == pytest.approx(expected - 0.5)  # the oracle's ties
    assert scores["mia_gap_forget"].value == pytest.approx(abs(expected - 0.5))


def test_easy_classes_do_not_fake_membership(case):
    """Pooled over classes this attack would succeed: class 1 is easy and overrepresented."""
    by_class = [0.6, 0.99]
    labels = np.array([0, 0, 0, 1, 1, 1, 0, 0, 0, 1])
    scores = measure(case([by_class[c] for c in labels], labels=labels), ["mia"])
    assert scores["mia_forget"].value == pytest.approx(0.5)


def test_unusual_uncertainty_is_below_a_half(case):
    model = [0.9, 0.9, 0.5, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 0.9]
    scores = measure(case(model), ["mia"])
    assert scores["mia_forget"].value == 0
    assert scores["delta_mia_forget"].value == -0.5
    assert scores["mia_gap_forget"].value == 0.5


def test_a_class_without_test_rows_is_left_out_and_n_says_so(case):
    parts = {"retain": [0, 1], "forget": [2, 3, 4, 5], "test": [6, 7]}  # class 0 only
    scores = measure(case(np.linspace(0.5, 0.95, 10), subsets=parts), ["mia"])
    assert scores["mia_forget"].n == 3


def test_without_comparable_rows_the_attack_is_absent(case):
    parts = {"retain": [0, 1], "forget": [2, 3, 4], "test": [8, 9]}
    assert measure(case([0.9] * 10, subsets=parts), ["mia"]) == {}
