"""Forget sets by what training rows are like, and copies of rows, against plain definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from qhu.data.base import Dataset
from qhu.data.copies import with_copies
from qhu.data.forgetting import check_count, in_requests, outlier_factors
from qhu.data.split import split_rows
from qhu.errors import UserError
from qhu.memorisation import Memorisation
from qhu.settings.experiment import Experiment
from qhu.settings.kinds import Copies
from qhu.settings.parts import DataSpec, Scenario
from qhu.study import Study

_X, _Y = load_iris(return_X_y=True)
IRIS = Dataset(_X, _Y, ("setosa", "versicolor", "virginica"))
SEEDS = st.integers(0, 2**32)
FEW = limits(max_examples=20, deadline=None)


def study(grades=None, data=None, **scenario):
    """A study with one scenario, ``s``; memorisation is given, as no test here is about it."""
    asked = Study(
        Experiment(name="t", data=data or {}, scenarios={"s": scenario}, methods=["none"])
    )
    if grades is not None:
        asked.memorisation = lambda seed, models: Memorisation(grades, grades)
    return asked


GRADES = np.random.default_rng(0).permutation(102) / 102


@pytest.mark.parametrize("top", [1, 10, 101])
def test_top_is_the_most_memorised(top):
    part = study(GRADES, memorised=top).partition(0, "s")
    chosen = GRADES[np.isin(part.train, part.forget)]
    kept = GRADES[np.isin(part.train, part.retain)]
    assert len(part.forget) == top and chosen.min() > kept.max()
    np.testing.assert_array_equal(part.train[np.isin(part.train, part.forget)], part.forget)


def test_of_rows_memorised_alike_the_first_are_taken():
    part = study(np.zeros(102), memorised=5).partition(3, "s")
    np.testing.assert_array_equal(part.forget, part.train[:5])


def test_the_tiers_part_the_training_rows_by_memorisation():
    parts = [
        study(GRADES, memorised={"tier": tier}).partition(0, "s")
        for tier in ("easy", "medium", "hard")
    ]
    grades = [GRADES[np.isin(part.train, part.forget)] for part in parts]
    assert [len(values) for values in grades] == [34, 34, 34]
    assert grades[0].max() < grades[1].min() and grades[1].max() < grades[2].min()


@FEW
@given(SEEDS, st.integers(1, 34))
def test_a_tier_is_drawn_from_by_the_seed(seed, count):
    asked = study(GRADES, memorised={"tier": "hard", "count": count})
    part = asked.partition(seed, "s")
    assert len(part.forget) == count and GRADES[np.isin(part.train, part.forget)].min() > 0.66
    again = study(GRADES, memorised={"tier": "hard", "count": count}).partition(seed, "s")
    np.testing.assert_array_equal(part.forget, again.forget)


def test_outliers_are_those_put_far_from_their_class():
    x = IRIS.x.copy()
    asked = study(outliers=3)
    far = np.sort(asked.partition(0).train[[4, 40, 90]])
    x[far] += [[3, -3, 3, -3], [-4, 3, 0, 3], [0, 5, -5, 0]]
    asked = study(outliers=3)
    asked.data = Dataset(x, IRIS.y, IRIS.classes)
    np.testing.assert_array_equal(np.sort(asked.partition(0, "s").forget), far)


def test_a_row_with_the_label_of_another_class_is_an_outlier_of_it():
    asked = study(outliers=10, data={"label_noise": 0.05})
    part = asked.partition(1, "s")
    moved = part.train[(part.labels != IRIS.y)[part.train]]
    setosa = moved[(IRIS.y == 0)[moved] | (part.labels == 0)[moved]]  # far from the two others
    assert len(setosa) and np.isin(setosa, part.forget).all()


def test_outlier_factors_do_not_compare_classes_and_a_single_row_is_none():
    x = np.concatenate([np.linspace(0, 1, 10), [50.0], np.linspace(0, 100, 10)])[:, None]
    y = np.repeat([0, 1, 2], [10, 1, 10])
    factors = outlier_factors(x, y)
    assert factors[10] == 1
    np.testing.assert_allclose(factors[:10], factors[11:])


@FEW
@given(SEEDS, st.integers(2, 12), st.sampled_from(["all", "class"]))
def test_a_cluster_is_a_row_and_its_nearest(seed, count, within):
    part = study(cluster={"count": count, "within": within}).partition(seed, "s")
    x, train = part.samples.numpy().astype(float), part.train
    assert len(part.forget) == count

    def nearest(centre):
        others = train[(part.labels[train] == part.labels[centre]) | (within == "all")]
        distances = np.linalg.norm(x[others] - x[centre], axis=1)
        cut = np.sort(distances)[count - 1]
        return set(others[distances < cut - 1e-9]), set(others[distances <= cut + 1e-9])

    forgotten = set(part.forget)
    spheres = [nearest(centre) for centre in part.forget]
    assert any(inner <= forgotten <= outer for inner, outer in spheres)


@FEW
@given(SEEDS, st.integers(1, 20), st.integers(1, 3))
def test_copies_are_training_rows_like_their_originals(seed, rows, copies):
    spec = DataSpec(label_noise=0.2)
    split = split_rows(IRIS, spec, seed)
    data, longer = with_copies(IRIS, split, Copies(rows=rows, copies=copies), seed)
    added = longer.train[len(split.train) :]
    np.testing.assert_array_equal(added, 150 + np.arange(rows * copies))
    np.testing.assert_array_equal(longer.train[: len(split.train)], split.train)
    np.testing.assert_array_equal(data.x[:150], IRIS.x)
    np.testing.assert_array_equal(data.x[added], IRIS.x[longer.originals])
    np.testing.assert_array_equal(longer.labels[added], split.labels[longer.originals])
    np.testing.assert_array_equal(longer.labels[:150], split.labels)
    assert np.isin(longer.originals, split.train).all()
    assert (np.unique(longer.originals, return_counts=True)[1] == copies).all()
    for held_out in ("val", "test"):
        np.testing.assert_array_equal(getattr(longer, held_out), getattr(split, held_out))


@pytest.mark.parametrize(("forget", "count"), [("originals", 4), ("all", 12)])
def test_duplicates_forget_originals_or_all(forget, count):
    part = study(duplicates=forget, data={"copies": {"rows": 4, "copies": 2}}).partition(0, "s")
    x = part.samples.numpy()
    assert len(part.forget) == count and x.shape == (158, 4)
    kept = {row.tobytes() for row in x[part.retain]}
    originals = [row for row in part.forget if row < 150]
    assert len(originals) == 4
    left = [x[row].tobytes() in kept for row in originals]
    assert all(left) if forget == "originals" else part.retain.max() < 150


def test_all_rows_may_have_copies():
    part = study(duplicates="originals", data={"copies": 102}).partition(0, "s")
    assert part.forget.max() < 150 <= part.retain.min() and len(part.retain) == 102


def test_copies_move_nothing_else():
    plain, copied = study(fraction=0.1), study(fraction=0.1, data={"copies": 3})
    one, other = plain.partition(2), copied.partition(2)
    np.testing.assert_array_equal(one.val, other.val)
    np.testing.assert_array_equal(one.test, other.test)
    np.testing.assert_array_equal(one.samples, other.samples[:150])


@FEW
@given(SEEDS, st.integers(2, 10))
def test_requests_part_the_forget_rows_evenly_and_always_alike(seed, count):
    plain, asked = (
        study(fraction=0.1).partition(seed, "s"),
        study(fraction=0.1, requests=count).partition(seed, "s"),
    )
    np.testing.assert_array_equal(plain.forget, asked.forget)
    assert len(asked.requests) == count
    np.testing.assert_array_equal(np.sort(np.concatenate(asked.requests)), np.sort(asked.forget))
    sizes = [len(rows) for rows in asked.requests]
    assert max(sizes) - min(sizes) <= 1
    again = study(fraction=0.1, requests=count).partition(seed, "s")
    assert [r.tolist() for r in again.requests] == [r.tolist() for r in asked.requests]


def test_without_requests_there_is_one():
    part = study(fraction=0.1).partition(0, "s")
    assert len(part.requests) == 1 and part.requests[0] is part.forget


@pytest.mark.parametrize(
    ("scenario", "data", "message"),
    [
        ({"memorised": 103}, {}, "train has 102 rows and 103 are asked for: ask for fewer"),
        ({"memorised": 102}, {}, "the forget set is all of train"),
        ({"memorised": {"tier": "hard", "count": 35}}, {}, "tier hard has 34 rows and 35"),
        ({"outliers": 103}, {}, "train has 102 rows and 103"),
        ({"cluster": 103}, {}, "train has 102 rows and 103"),
        ({"cluster": {"count": 60, "within": "class"}}, {}, "has 34 rows and 60 are asked for"),
        ({"duplicates": "all"}, {}, "no row has copies; set data.copies"),
        ({"fraction": 0.1, "requests": 11}, {}, "11 requests for 10 forget rows of seed 0"),
        ({"fraction": 0.1}, {"copies": 103}, "data.copies.rows 103: seed 0 has 102 training rows"),
    ],
)
def test_what_cannot_be_chosen_is_refused_in_a_line(scenario, data, message):
    with pytest.raises(UserError, match=message) as refused:
        study(np.zeros(102), data=data, **scenario).partition(0, "s")
    assert "\n" not in str(refused.value)


def test_the_copies_of_the_only_row_of_a_class_are_not_forgotten_with_it():
    y = np.array([0] * 20 + [1] * 20 + [2])
    data = Dataset(np.random.default_rng(0).normal(size=(41, 2)), y, ("a", "b", "c"))
    asked = study(duplicates="all", data={"copies": 5, "test": 0.1})
    asked.data = data
    seed = next(s for s in range(99) if 40 in asked.partition(s).split.originals)
    with pytest.raises(UserError, match="no training row of class 'c' would be left"):
        asked.partition(seed, "s")
    kept = study(duplicates="originals", data={"copies": 5, "test": 0.1})
    kept.data = data
    assert 40 in kept.partition(seed, "s").forget


@pytest.mark.parametrize("tier", ["medium", "hard"])
def test_an_empty_tier_is_refused(tier):
    with pytest.raises(UserError, match=f"tier {tier} has 0 rows and 1 are asked for"):
        check_count("s", Scenario(memorised={"tier": tier}), 1)


def test_requests_of_another_scenario_are_another_draw():
    forget, asked = np.arange(30), Scenario(fraction=0.1, requests=3)
    one, other = (in_requests(forget, asked, name, 0) for name in ("a", "b"))
    assert [r.tolist() for r in one] != [r.tolist() for r in other]
