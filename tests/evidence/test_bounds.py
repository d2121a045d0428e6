"""Bounds on measurements, against measurements: random ones, the best ones, and simulated shots."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import DensityMatrix, Statevector, state_fidelity
from scipy.stats import binom, unitary_group

from qhu.evidence import bounds

SEEDS = st.integers(0, 10**6)
PROBABILITIES = st.floats(0, 1).map(lambda p: round(p, 6))


def members(rng, count, dimension, spread=1.0):
    """Random states around the first basis state."""
    psi = spread * (rng.normal(size=(count, dimension)) + 1j * rng.normal(size=(count, dimension)))
    psi[:, 0] += 1
    return psi / np.linalg.norm(psi, axis=1, keepdims=True)


def povm(rng, dimension, outcomes):
    """Random elements (outcomes, D, D) that add up to the identity."""
    isometry = unitary_group.rvs(dimension * outcomes, random_state=rng)[:, :dimension]
    parts = isometry.reshape(outcomes, dimension, dimension)
    return parts.conj().transpose(0, 2, 1) @ parts


def area(scores, inside, outside):
    """AUC of scores of outcomes that have these probabilities in the two worlds."""
    above = np.sign(scores[:, None] - scores[None, :])
    return float((0.5 + above / 2).T.dot(inside).dot(outside))


def density(psi):
    return np.mean([np.outer(p, p.conj()) for p in psi], axis=0)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.sampled_from([2, 4]), st.integers(2, 6), st.sampled_from([0.05, 0.3, 1.0]))
def test_no_measurement_of_one_copy_beats_the_bounds(seed, dimension, outcomes, spread):
    rng = np.random.default_rng(seed)
    first, second = (members(rng, count, dimension, spread) for count in (3, 5))
    distance = bounds.average_distance(first, second)
    elements = povm(rng, dimension, outcomes)
    inside, outside = (
        np.einsum("oij,ji->o", elements, density(psi)).real for psi in (first, second)
    )
    for scores in (rng.normal(size=outcomes), inside / outside, rng.integers(0, 2, outcomes)):
        assert area(np.asarray(scores, float), inside, outside) <= (
            bounds.auc_bound(distance) + 1e-12
        )
    success = np.maximum(inside, outside).sum() / 2
    assert success <= bounds.success_bound(distance) + 1e-12


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.sampled_from([2, 4, 8]))
def test_helstroms_measurement_has_what_is_promised(seed, dimension):
    rng = np.random.default_rng(seed)
    first, second = members(rng, 4, dimension), members(rng, 4, dimension)
    values, vectors = np.linalg.eigh(density(first) - density(second))
    chosen = vectors[:, values > 0]
    best = chosen @ chosen.conj().T
    right = np.trace(best @ density(first)) + np.trace((np.eye(dimension) - best) @ density(second))
    distance = bounds.average_distance(first, second)
    assert right.real / 2 == pytest.approx(bounds.success_bound(distance))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_the_bound_of_the_mean_distance_holds_for_the_mean_of_aucs(distances):
    mean = float(np.mean([bounds.auc_bound(distance) for distance in distances]))
    assert mean <= bounds.auc_bound(float(np.mean(distances))) + 1e-12
    assert (bounds.auc_bound(0.0), bounds.auc_bound(1.0)) == (0.5, 1.0)


def test_the_bound_is_reached_by_some_distributions():
    """Half-open ones: IN is certain with probability T, OUT with T, and equal else."""
    inside, outside = np.array([0.0, 0.7, 0.3]), np.array([0.3, 0.7, 0.0])
    finer = 1000  # the common part in many equal steps, shifted by T against each other
    grid = np.arange(finer)
    shift = int(0.3 * finer)
    p, q = (np.zeros(finer + shift) for _ in range(2))
    p[grid + shift], q[grid] = 1 / finer, 1 / finer
    assert np.abs(p - q).sum() / 2 == pytest.approx(0.3)
    assert area(np.arange(len(p), dtype=float), p, q) == pytest.approx(
        bounds.auc_bound(0.3), abs=1e-3
    )
    assert area(np.arange(3.0), inside, outside) <= bounds.auc_bound(0.3)


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_distances_of_pure_states_are_qiskits(seed):
    rng = np.random.default_rng(seed)
    first, second = members(rng, 1, 4), members(rng, 1, 4)
    overlap = float(bounds.fidelity(first, second)[0])
    assert overlap == pytest.approx(state_fidelity(Statevector(first[0]), Statevector(second[0])))
    assert bounds.average_distance(first, second) == pytest.approx(math.sqrt(1 - overlap))
    for copies in (1, 2, 3):
        many = [DensityMatrix(density(psi)) for psi in (first, second)]
        whole = [bounds_of(state, copies) for state in many]
        exact = np.abs(np.linalg.eigvalsh(whole[0] - whole[1])).sum() / 2
        assert bounds.copies_distance(overlap, copies) == pytest.approx(exact, abs=1e-7)


def bounds_of(state, copies):
    whole = state
    for _ in range(copies - 1):
        whole = whole.tensor(state)
    return whole.data


def test_copies_of_an_ensembles_member_are_not_copies_of_its_average():
    """|0⟩ or |1⟩ against |+⟩ or |−⟩: the averages are equal, two copies are not."""
    plus = np.array([[1, 1], [1, -1]]) / math.sqrt(2)
    basis = np.eye(2)
    assert bounds.average_distance(basis + 0j, plus + 0j) == pytest.approx(0, abs=1e-12)
    pairs = [np.stack([np.kron(psi, psi) for psi in side]) + 0j for side in (basis, plus)]
    assert bounds.average_distance(*pairs) == pytest.approx(0.5)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.001, 0.9999), st.floats(0.55, 0.999))
def test_the_number_of_copies_is_the_smallest(overlap, success):
    needed = bounds.copies_needed(overlap, success)
    assert bounds.success_bound(bounds.copies_distance(overlap, needed)) >= success - 1e-12
    if needed > 1:
        fewer = bounds.copies_distance(overlap, needed - 1)
        assert bounds.success_bound(fewer) < success + 1e-12


def test_equal_and_orthogonal_states_are_the_extremes():
    assert bounds.copies_needed(1.0) == math.inf
    assert bounds.copies_needed(0.0) == 1
    assert bounds.copies_distance(0.0, 1) == 1
    assert bounds.copies_distance(1.0, 10**6) == 0
    assert bounds.shots_needed(0.3, 0.3) == math.inf
    assert bounds.shots_needed(0.0, 1.0) == 1


@settings(deadline=None, max_examples=60)
@given(PROBABILITIES, PROBABILITIES, st.integers(1, 200))
def test_shots_are_told_apart_as_the_sums_over_all_outcomes_say(first, second, shots):
    counts = np.arange(shots + 1)
    exact = np.abs(binom.pmf(counts, shots, first) - binom.pmf(counts, shots, second)).sum() / 2
    assert bounds.shots_success(first, second, shots) == pytest.approx((1 + exact) / 2, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.floats(0.0, 1.0), st.floats(0.01, 0.4))
def test_the_number_of_shots_is_the_smallest(first, change):
    second = first + change if first < 0.5 else first - change
    needed = int(bounds.shots_needed(first, second))
    assert bounds.shots_success(first, second, needed) >= bounds.SUCCESS
    assert needed == 1 or bounds.shots_success(first, second, needed - 1) < bounds.SUCCESS


@pytest.mark.parametrize("probability", [0.0, 0.2, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("shots", [20, 1000])
def test_the_smallest_visible_change_is_just_visible(probability, shots):
    change = bounds.smallest_difference(probability, shots)
    other = probability + change if probability <= 0.5 else probability - change
    assert bounds.shots_success(probability, other, shots) == pytest.approx(0.95, abs=1e-6)


def test_one_shot_names_nothing_at_a_fair_coin():
    assert math.isnan(bounds.smallest_difference(0.5, 1))


def test_measuring_qubits_takes_at_least_as_many_shots_as_the_best_measurement_of_copies():
    first, second = members(np.random.default_rng(0), 2, 2, 0.4)
    overlap = float(bounds.fidelity(first, second))
    shots = bounds.shots_needed(abs(first[0]) ** 2, abs(second[0]) ** 2)
    assert shots >= bounds.copies_needed(overlap)


def test_the_bias_of_few_members_is_within_what_is_stated():
    """Members of one ensemble: the true distance is 0."""
    rng = np.random.default_rng(1)
    for count in (8, 64):
        drawn = [(members(rng, count, 4, 1.0), members(rng, count, 4, 1.0)) for _ in range(100)]
        mean = np.mean([bounds.average_distance(*pair) for pair in drawn])
        assert 0 < mean <= bounds.distance_bias(*drawn[0])
