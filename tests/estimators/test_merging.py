import numpy as np
import pytest
from qiskit.primitives import StatevectorEstimator
from qiskit.primitives.containers.estimator_pub import EstimatorPub

from qhu.estimators.merging import merge, split


def run(estimator, pubs):
    return [result.data.evs for result in estimator.run(pubs).result()]


@pytest.fixture
def pubs(make_ansatz, draw):
    """PUBs of every shape over two circuits: forward passes, scalars, broadcasts."""
    one, two = make_ansatz(2), make_ansatz(2, observables=["XX", "ZZ"])
    rows = draw(one, 4)
    grid = [[o] for o in one.observables]
    return [
        EstimatorPub.coerce(pub, precision)
        for pub, precision in [
            ((one.circuit, one.observables[0], rows), 0.0),
            ((two.circuit, two.observables[0], rows[0]), 0.0),
            ((one.circuit, one.observables[1], rows), 0.0),
            ((one.circuit, one.observables[0], rows[3]), 0.0),
            ((one.circuit, grid, rows[:3]), 0.0),
            ((one.circuit, list(one.observables), rows[:2]), 0.0),
            ((one.circuit, one.observables[1], rows), 0.1),
            ((two.circuit.assign_parameters(rows[0]), two.observables[1]), 0.0),
        ]
    ]


def test_merged_equals_unmerged(pubs):
    estimator = StatevectorEstimator(default_precision=0.0)
    exact = [EstimatorPub(p.circuit, p.observables, p.parameter_values, 0.0) for p in pubs]
    merged = merge(exact)
    assert len(merged) == 3
    results = list(estimator.run([group.pub for group in merged]).result())
    for got, pub, expected in zip(
        split(merged, results), exact, run(estimator, exact), strict=True
    ):
        assert got.data.evs.shape == got.data.stds.shape == pub.shape
        np.testing.assert_array_equal(got.data.evs, expected)


def test_one_forward_pass_is_one_pub_with_each_row_once(pubs):
    (group,) = merge([pubs[0], pubs[2]])
    assert group.pub.shape == (2, 4)


def test_a_precision_of_its_own_keeps_a_pub_apart(pubs):
    assert [group.pub.precision for group in merge([pubs[0], pubs[6]])] == [0.0, 0.1]


def test_equal_rows_of_one_array_stay_apart(make_ansatz, draw):
    ansatz = make_ansatz(2)
    rows = np.repeat(draw(ansatz, 1), 5, axis=0)
    (group,) = merge([EstimatorPub.coerce((ansatz.circuit, ansatz.observables[0], rows))])
    assert group.pub.shape == (1, 5)
