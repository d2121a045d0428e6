import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qhu.data.base import Dataset
from qhu.data.iris import iris
from qhu.data.split import Split, forget_rows, scale, split_rows
from qhu.errors import UserError
from qhu.registry import Options
from qhu.settings.parts import DataSpec, Scenario

IRIS = iris(Options())
UNIT = DataSpec(scale="unit")
fractions = st.floats(0.05, 0.4)


@given(st.integers(0, 1000), fractions, fractions, st.floats(0.03, 0.9))
@settings(max_examples=40, deadline=None)
def test_every_row_lies_in_exactly_one_part(seed, test, val, share):
    split = split_rows(IRIS, DataSpec(test=test, val=val), seed)
    parted = forget_rows(IRIS, split, "subset", Scenario(fraction=share), seed)
    rows = np.concatenate([parted.retain, parted.forget, split.val, split.test])
    assert sorted(rows) == list(range(150))
    assert len(parted.forget) == round(share * len(split.train))
    assert len(split.test) == round(test * 150)


def test_the_default_split_is_stratified():
    split = split_rows(IRIS, DataSpec(), 0)
    assert [len(split.train), len(split.val), len(split.test)] == [102, 18, 30]
    for rows in (split.train, split.val, split.test):
        assert set(np.bincount(IRIS.y[rows])) == {len(rows) // 3}


def test_every_seed_draws_its_own_split_and_forget_set_and_only_that():
    drawn = set()
    for seed in range(5):
        split = split_rows(IRIS, DataSpec(), seed)
        forget = forget_rows(IRIS, split, "subset", Scenario(fraction=0.1), seed).forget
        again = forget_rows(IRIS, split, "subset", Scenario(fraction=0.1), seed).forget
        assert forget.tolist() == again.tolist()
        drawn.add((tuple(split.test), tuple(forget)))
    assert len(drawn) == 5


def test_a_class_is_forgotten_whole():
    split = split_rows(IRIS, DataSpec(), 3)
    parted = forget_rows(IRIS, split, "class", Scenario(label=2), 3)
    assert set(IRIS.y[parted.forget]) == {2}
    assert 2 not in IRIS.y[parted.retain]


@given(st.integers(0, 200), st.sets(st.integers(0, 149), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_named_rows_are_training_rows_under_every_seed(seed, ids):
    split = split_rows(IRIS, DataSpec(), seed, sorted(ids))
    parted = forget_rows(IRIS, split, "rows", Scenario(ids=tuple(ids)), seed)
    assert parted.forget.tolist() == sorted(ids)
    assert len(split.test) == 30


@given(st.integers(0, 200), st.sets(st.integers(0, 149), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_named_rows_move_no_other_row_than_those_whose_place_they_take(seed, ids):
    plain = split_rows(IRIS, DataSpec(), seed)
    split = split_rows(IRIS, DataSpec(), seed, sorted(ids))
    elsewhere = sorted(ids - set(plain.train.tolist()))
    assert split.exchanged.tolist() == elsewhere
    for part in ("test", "val"):
        before, after = (set(getattr(its, part).tolist()) for its in (plain, split))
        assert before - after == before & ids
        assert sorted(IRIS.y[list(before - after)]) == sorted(IRIS.y[list(after - before)])


def test_the_only_row_of_a_class_trains_and_the_others_keep_their_proportions():
    y = np.array([0] * 20 + [1] * 20 + [2])
    data = Dataset(np.arange(82.0).reshape(41, 2), y, ("a", "b", "c"))
    for seed in range(10):
        split = split_rows(data, DataSpec(), seed)
        assert 40 in split.train
        assert np.bincount(y[split.test]).tolist() == [4, 4]
        forget = forget_rows(data, split, "class", Scenario(label="c"), seed).forget
        assert forget.tolist() == [40]


def test_a_class_without_training_rows_is_named_and_not_called_a_small_fraction():
    y = np.array([0] * 20 + [1] * 20 + [2] * 2)
    data = Dataset(np.arange(84.0).reshape(42, 2), y, ("a", "b", "c"))
    split = Split(np.arange(30), np.arange(0), np.arange(30, 42), y)
    with pytest.raises(UserError, match=r"seed 3 trains on none of the 2 rows of class 'c'"):
        forget_rows(data, split, "class", Scenario(label="c"), 3)


def test_a_very_small_forget_set_need_not_hold_every_class():
    split = split_rows(IRIS, DataSpec(), 0)
    assert len(forget_rows(IRIS, split, "one", Scenario(fraction=0.01), 0).forget) == 1


def test_the_scaler_sees_the_training_rows_only():
    split = split_rows(IRIS, DataSpec(), 0)
    x = IRIS.x.copy()
    x[split.test] *= 100
    changed = scale(Dataset(x, IRIS.y, IRIS.classes), split)
    plain = scale(IRIS, split)
    np.testing.assert_array_equal(changed[split.train], plain[split.train])
    np.testing.assert_allclose(plain[split.train].min(axis=0), -np.pi, rtol=1e-6)
    np.testing.assert_allclose(plain[split.train].max(axis=0), np.pi, rtol=1e-6)
    assert np.abs(changed).max() <= np.float32(np.pi)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (Scenario(label=3), r"class 3 is absent; classes: 0 \(setosa\)"),
        (Scenario(label=-1), "class -1 is absent"),
        (Scenario(fraction=0.001), "the forget set is empty"),
        (Scenario(fraction=0.999), "the forget set is all of train"),
    ],
)
def test_impossible_scenarios_are_refused(scenario, message):
    split = split_rows(IRIS, DataSpec(), 0)
    with pytest.raises(UserError, match=message):
        forget_rows(IRIS, split, "class", scenario, 0)


def test_absent_rows_and_empty_parts_are_refused():
    with pytest.raises(UserError, match="row 150 is absent"):
        split_rows(IRIS, DataSpec(), 0, [3, 150])
    with pytest.raises(UserError, match="a part would be empty"):
        split_rows(IRIS, DataSpec(test=0.001), 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused_with_their_row(bad):
    x = IRIS.x.copy()
    x[17, 2] = bad
    with pytest.raises(UserError, match="row 17"):
        Dataset(x, IRIS.y, IRIS.classes)


def test_pixels_are_divided_by_255_and_nothing_else():
    pixels = np.arange(256.0).repeat(4).reshape(-1, 2, 2)
    data = Dataset(pixels, np.arange(256) % 2, ("even", "odd"))
    split = split_rows(data, DataSpec(), 0)
    expected = pixels.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(scale(data, split, UNIT), expected)
    np.testing.assert_array_equal(
        scale(data, split, DataSpec(scale="none")), pixels.astype(np.float32)
    )
    with pytest.raises(UserError, match=r"pixels in 0\.\.255"):
        scale(Dataset(pixels - 1, data.y, data.classes), split, UNIT)


@given(st.integers(0, 500), st.floats(0.02, 0.9))
@settings(max_examples=25, deadline=None)
def test_label_noise_moves_a_share_of_the_training_rows_to_other_classes(seed, noise):
    split = split_rows(IRIS, DataSpec(label_noise=noise), seed)
    moved = np.flatnonzero(split.labels != IRIS.y)
    assert len(moved) == round(noise * len(split.train))
    assert set(moved) <= set(split.train)
    assert set(split.labels) <= {0, 1, 2}
    parted = forget_rows(IRIS, split, "wrong", Scenario(mislabelled=True), seed)
    assert parted.forget.tolist() == moved.tolist()


def test_label_noise_changes_no_split_and_draws_every_wrong_class_alike():
    plain = split_rows(IRIS, DataSpec(), 1)
    noisy = split_rows(IRIS, DataSpec(label_noise=0.5), 1)
    assert plain.labels.tolist() == IRIS.y.tolist()
    for part in ("train", "val", "test"):
        assert getattr(plain, part).tolist() == getattr(noisy, part).tolist()
    steps = [
        (split_rows(IRIS, DataSpec(label_noise=0.5), seed).labels - IRIS.y) % 3
        for seed in range(30)
    ]
    one, two = (np.mean(np.concatenate(steps) == step) for step in (1, 2))
    assert one == pytest.approx(two, abs=0.02)


def test_forgetting_wrong_labels_needs_some():
    split = split_rows(IRIS, DataSpec(), 0)
    with pytest.raises(UserError, match=r"set data\.label_noise"):
        forget_rows(IRIS, split, "wrong", Scenario(mislabelled=True), 0)


def test_a_class_is_what_its_labels_say():
    split = split_rows(IRIS, DataSpec(label_noise=0.3), 0)
    forget = forget_rows(IRIS, split, "class", Scenario(label=1), 0).forget
    assert set(split.labels[forget]) == {1}
    assert set(IRIS.y[forget]) > {1}


RELEASED = DataSpec(split="released", scale_rows="all", val=0)


def test_the_released_split_is_one_for_all_seeds():
    first, other = (split_rows(IRIS, RELEASED, seed) for seed in (0, 9))
    assert [len(first.train), len(first.val), len(first.test)] == [120, 0, 30]
    assert sorted([*first.train, *first.test]) == list(range(150))
    assert first.test.tolist() == other.test.tolist()
    assert first.train.tolist() == other.train.tolist()
    for scenario, sizes in ((Scenario(fraction=0.02), (117, 3)), (Scenario(label=0), (80, 40))):
        drawn = [forget_rows(IRIS, first, "any", scenario, seed, RELEASED) for seed in (0, 9)]
        assert (len(drawn[0].retain), len(drawn[0].forget)) == sizes
        assert drawn[0].forget.tolist() == drawn[1].forget.tolist()
        assert drawn[0].retain.tolist() == drawn[1].retain.tolist()
        assert not set(drawn[0].forget) & {*drawn[0].retain, *first.test}


def test_without_validation_rows_the_rest_is_train():
    split = split_rows(IRIS, DataSpec(val=0), 4)
    assert [len(split.train), len(split.val), len(split.test)] == [120, 0, 30]
    assert IRIS.y[split.val].tolist() == [], "an empty part can still be asked for"


def test_scaled_by_all_rows_test_rows_reach_the_ends():
    split, x = split_rows(IRIS, RELEASED, 0), IRIS.x.copy()
    x[split.test[0]] = 10
    data = Dataset(x, IRIS.y, IRIS.classes)
    expected = -np.pi + 2 * np.pi * (x - x.min(axis=0)) / (10 - x.min(axis=0))
    np.testing.assert_allclose(scale(data, split, RELEASED), expected, atol=1e-6)
    assert not np.allclose(scale(data, split), expected, atol=0.1)


def test_what_the_released_split_cannot_do_is_refused():
    split = split_rows(IRIS, RELEASED, 0)
    with pytest.raises(UserError, match=r"row \d+ is no training row"):
        forget_rows(IRIS, split, "rows", Scenario(ids=(int(split.test[0]),)), 0, RELEASED)
    with pytest.raises(UserError, match=r"set data\.split to seeded"):
        forget_rows(IRIS, split, "few", Scenario(fraction=0.001), 0, RELEASED)
