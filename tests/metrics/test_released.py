"""The released columns, against plain formulas and scikit-learn."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from sklearn.metrics import accuracy_score, roc_auc_score

from qhu.metrics.evidence import measure
from qhu.metrics.released import released, shuffled_js, shuffled_kl
from qhu.record.released import COLUMNS


@pytest.fixture
def evidence(make_evidence):
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 3
    order = rng.permutation(60)
    subsets = {"retain": order[:30], "forget": order[30:36], "test": order[36:]}
    drawn = [{"probabilities": rng.dirichlet([1, 1, 1], 60)} for _ in range(3)]
    return make_evidence(*drawn, labels=labels, subsets=subsets)


def test_every_column_by_its_formula(evidence):
    found = {name: score.value for name, score in released(evidence).items()}
    assert set(COLUMNS) < set(found)
    p, q, before = (
        getattr(evidence, role).probabilities for role in ("model", "oracle", "teacher")
    )
    accuracies = {}
    for name, rows in evidence.subsets.items():
        for outputs, which in ((p, "unlearn"), (before, "orig")):
            accuracy = accuracy_score(evidence.labels[rows], outputs[rows].argmax(1))
            assert found[f"acc_{name}_{which}"] == pytest.approx(accuracy)
            accuracies[name, which] = accuracy
        lost = accuracies[name, "orig"] - accuracies[name, "unlearn"]
        assert found[f"{name}_drop"] == pytest.approx(lost)
    drops = [found[f"{name}_drop"] for name in ("forget", "retain", "test")]
    assert found["UQI"] == pytest.approx(drops[0] - (drops[1] + drops[2]) / 2)
    for name in ("retain", "test"):
        rows = evidence.subsets[name]
        assert found[f"KL_{name}"] == pytest.approx(rel_entr(p, q)[rows].sum(1).mean(), abs=1e-6)
        js = np.mean([jensenshannon(a, b) ** 2 for a, b in zip(p[rows], q[rows], strict=True)])
        assert found[f"JS_{name}"] == pytest.approx(js)
        same = (p.argmax(1) == q.argmax(1))[rows].mean()
        assert found[f"Agree_{name}"] == pytest.approx(same)


def test_the_attack_takes_retain_rows_for_non_members(evidence):
    found = released(evidence)
    retain, forget = evidence.subsets["retain"], evidence.subsets["forget"]
    np.random.seed(0)  # noqa: NPY002 - the release draws from the global stream
    for _ in range(2):
        np.random.randint(0, 10_000_000)  # noqa: NPY002
    strangers = retain[np.random.choice(len(retain), len(forget), replace=False)]  # noqa: NPY002
    confidence = evidence.model.probabilities.max(1)
    for name, others in (("MIA_AUC", strangers), ("MIA_AUC_test", evidence.subsets["test"])):
        rows = np.concatenate([forget, others])
        auc = roc_auc_score(np.arange(len(rows)) < len(forget), confidence[rows])
        assert found[name].value == pytest.approx(auc)


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_shuffled_divergences_are_means_over_all_pairs(rows):
    rng = np.random.default_rng(rows)
    p, q = rng.dirichlet([0.3] * 4, rows), rng.dirichlet([0.3] * 4, rows)
    pairs = [(a, b) for a in p for b in q]
    js = np.mean([jensenshannon(a, b) ** 2 for a, b in pairs])
    assert shuffled_js(p, q) == pytest.approx(js)
    floored = [(np.maximum(a, 1e-8), np.maximum(b, 1e-8)) for a, b in pairs]
    assert shuffled_kl(p, q) == pytest.approx(np.mean([rel_entr(a, b).sum() for a, b in floored]))


def test_shuffled_js_of_many_rows_is_close_to_the_mean_over_all_pairs():
    rng = np.random.default_rng(2)
    p = np.repeat(np.eye(5), [300, 200, 100, 50, 50], axis=0) * 0.9 + 0.02
    q = np.repeat(np.eye(5), [100, 100, 100, 200, 200], axis=0) * 0.7 + 0.06
    p, q = rng.permutation(p), rng.permutation(q)
    middle = (p[:, None] + q[None]) / 2
    every = (rel_entr(p[:, None], middle) + rel_entr(q[None], middle)).sum(2).mean() / 2
    assert shuffled_js(p, q) == pytest.approx(every, rel=0.01)


def test_only_who_asks_gets_the_released_columns(evidence):
    assert "UQI" not in measure(evidence)
    assert "UQI" in measure(evidence, ("acc", "released"))
