import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, ortho_group

from qhu.metrics.distance import linear_cka
from qhu.metrics.evidence import measure

SEEDS = st.integers(0, 2**32 - 1)


def rows(seed, peaked=1.0, classes=4, count=10):
    return np.random.default_rng(seed).dirichlet([peaked] * classes, count)


def compared(make_evidence, p, q, *names):
    labels = np.zeros(len(p), int)
    evidence = make_evidence(labels=labels, model={"probabilities": p}, oracle={"probabilities": q})
    return measure(evidence, names)


def test_kl_and_js_against_scipy(make_evidence):
    p, q = rows(1), rows(2)
    scores = compared(make_evidence, p, q, "kl", "js")
    forget = slice(4, 7)
    kl = entropy(p[forget], q[forget], axis=1).mean()
    js = (jensenshannon(p[forget], q[forget], axis=1) ** 2).mean()
    assert scores["kl_forget"].value == pytest.approx(kl, abs=1e-6)
    assert scores["js_forget"].value == pytest.approx(js, abs=1e-12)


def test_kl_is_of_the_model_from_the_oracle(make_evidence):
    p, q = np.tile([0.5, 0.5], (10, 1)), np.tile([0.9, 0.1], (10, 1))
    expected = 0.5 * np.log(0.5 / 0.9) + 0.5 * np.log(0.5 / 0.1)
    assert compared(make_evidence, p, q, "kl")["kl_test"].value == pytest.approx(expected, abs=1e-6)


def test_kl_of_opposite_certainties_is_finite(make_evidence):
    p, q = np.tile([1.0, 0.0], (10, 1)), np.tile([0.0, 1.0], (10, 1))
    scores = compared(make_evidence, p, q, "kl", "js")
    assert scores["kl_test"].value == pytest.approx(-np.log(1e-8), rel=1e-6)
    assert scores["js_test"].value == pytest.approx(np.log(2), rel=1e-12)


@given(SEEDS, st.floats(0.01, 5))
def test_divergences_keep_their_range_and_js_its_symmetry(make_evidence, seed, peaked):
    p, q = rows(seed, peaked), rows(seed + 1, peaked)
    scores = compared(make_evidence, p, q, "kl", "js")
    swapped = compared(make_evidence, q, p, "js")
    for name, (value, _) in scores.items():
        assert value >= -1e-15
        if name.startswith("js"):
            assert value <= np.log(2) + 1e-12
            assert value == pytest.approx(swapped[name].value, abs=1e-15)


def test_agreement_counts_equal_predictions(make_evidence):
    p = np.array([[0.6, 0.4]] * 10)
    q = np.array([[0.9, 0.1]] * 8 + [[0.1, 0.9]] * 2)
    scores = compared(make_evidence, p, q, "agree")
    assert scores["agree_retain"] == (1.0, 4)
    assert scores["agree_test"].value == pytest.approx(1 / 3)


def test_cka_against_the_definition_by_gram_matrices():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 3)), rng.normal(size=(12, 5))
    centre = np.eye(12) - 1 / 12
    k, m = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    expected = np.sum(k * m) / np.sqrt(np.sum(k * k) * np.sum(m * m))
    assert linear_cka(x, y) == pytest.approx(expected, rel=1e-12)


@given(SEEDS, st.floats(1e-3, 1e3), st.floats(-5, 5))
@settings(deadline=None)
def test_cka_ignores_rotation_scale_and_shift(seed, scale, shift):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(8, 4)), rng.normal(size=(8, 4))
    turned = scale * y @ ortho_group.rvs(4, random_state=rng) + shift
    assert linear_cka(x, turned) == pytest.approx(linear_cka(x, y), abs=1e-9)
    assert 0 <= linear_cka(x, y) <= 1 + 1e-12
    assert linear_cka(x, 3 * x + 1) == pytest.approx(1)


def test_cka_is_absent_where_it_is_undefined(make_evidence):
    constant = make_evidence(model={"features": np.full((10, 3), 0.3)})
    assert measure(constant, ["cka"]) == {}
    tiny = make_evidence(subsets={"retain": range(6), "forget": [6, 7], "test": range(8, 10)})
    assert set(measure(tiny, ["cka"])) == {"cka_retain"}


def test_distance_wraps_angles_only(make_evidence):
    angles = [True, True, False]
    evidence = make_evidence(
        angles=angles, model={"theta": [3.0, 0.5, 7.0]}, oracle={"theta": [-3.0, 0.2, 1.0]}
    )
    expected = np.sqrt((2 * np.pi - 6) ** 2 + 0.3**2 + 6**2)
    assert measure(evidence, ["dist"])["dist_theta"] == (pytest.approx(expected), 3)


@given(SEEDS, st.lists(st.integers(-3, 3), min_size=4, max_size=4))
def test_distance_ignores_full_turns_of_angles(make_evidence, seed, turns):
    theta = np.random.default_rng(seed).normal(size=4)
    one, other = (
        make_evidence(
            angles=[True] * 4, model={"theta": theta + shift}, oracle={"theta": np.zeros(4)}
        )
        for shift in (0, 2 * np.pi * np.array(turns))
    )
    near, far = (measure(e, ["dist"])["dist_theta"].value for e in (one, other))
    assert far == pytest.approx(near, abs=1e-9)
    assert near <= np.pi * 2  # √4 angles of at most π
