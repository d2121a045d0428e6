import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shadow_pool import shadow_pool

from qhu.errors import QhuError, UserError
from qhu.evidence.game import BLOCKS, World, forget_game, margin, retain_game


@pytest.fixture
def pool():
    return shadow_pool(pairs=12)


@pytest.fixture
def game(pool):
    return forget_game(**pool)


def without(pool, *names):
    return {name: value for name, value in pool.items() if name not in names}


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=5), st.data())
def test_the_margin_is_the_log_odds_of_the_own_class(logits, data):
    label = data.draw(st.integers(0, len(logits) - 1))
    p = np.exp(logits) / np.exp(logits).sum()
    odds = p[label] / p[np.arange(len(p)) != label].sum()
    assert margin(np.array(logits), np.array(label)) == pytest.approx(np.log(odds), abs=1e-9)


def test_the_margin_of_a_certain_model_is_finite():
    assert margin(np.array([800.0, 0, 0]), np.array(0)) == pytest.approx(800 - np.log(2))
    assert margin(np.array([800.0, 0, 0]), np.array(1)) == pytest.approx(-800)


def test_worlds_of_the_forget_game_are_the_same_halves(game, pool):
    assert np.array_equal(game.inside.pairs, pool["requested"])
    assert np.array_equal(game.outside.pairs, pool["requested"])
    assert np.array_equal(game.rows, np.arange(6))


def test_worlds_of_the_retain_game_are_the_two_halves_of_the_rows_that_all_keep(pool):
    game = retain_game(pool["unlearned"], **without(pool, "unlearned", "oracle"))
    assert np.array_equal(game.rows, np.arange(6, 12))
    kept = game.inside.pairs[:, 6:12]
    assert np.array_equal(kept, pool["members"][:, 6:12])
    assert np.array_equal(game.outside.pairs[:, 6:12], ~kept)


@given(st.integers(4, 60), st.integers(0, 10**6))
def test_blocks_are_equal_parts_of_whole_units(units, seed):
    rng = np.random.default_rng(seed)
    pool = shadow_pool(pairs=units, rows=1, population=1)
    names = rng.permutation(2 * units)[:units]  # any numbers
    game = forget_game(**{**pool, "units": np.repeat(names, 2)})
    of_unit = {unit: set(game.blocks[game.units == unit]) for unit in names}
    assert all(len(blocks) == 1 for blocks in of_unit.values())
    sizes = np.bincount(game.blocks) // 2
    assert len(sizes) == min(BLOCKS, units // 2)
    assert sizes.min() >= 2 and np.ptp(sizes) <= 1


def test_what_is_learned_comes_from_earlier_blocks(game):
    seen = []

    def learn(earlier):
        seen.append(earlier)
        return lambda values: values + len(seen)

    inside, outside = game.learned(learn, game.margins)
    assert np.isnan(inside[game.blocks == 0]).all()
    for number, earlier in enumerate(seen, 1):
        assert np.array_equal(earlier, game.blocks < number)
        block = game.blocks == number
        assert np.array_equal(outside[block], game.margins[1][block] + number, equal_nan=True)


def test_teacher_margins_part_the_rows_by_what_they_saw(game, pool):
    saw, never = game.teacher_margins
    every = margin(pool["teachers"].astype(float), pool["labels"])
    played = np.arange(every.shape[1]) < 6
    assert np.array_equal(np.isfinite(saw), pool["members"] & played)
    assert np.array_equal(np.isfinite(never), ~pool["members"] & played)
    assert np.nansum(saw) + np.nansum(never) == pytest.approx(every[:, :6].sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(3, int)}, "labels is"),
        ({"labels": np.full(17, 3)}, "labels are numbers of 0..2"),
        ({"units": np.zeros(3, int)}, "units is"),
        ({"population": np.array([17])}, "population are numbers"),
        ({"population": np.array([5])}, "row of the population"),
        ({"oracle": np.zeros((24, 17, 2))}, "outside has logits"),
        ({"unlearned": np.zeros((24, 17))}, "logits are"),
        ({"requested": np.ones((24, 17), bool)}, "requested of a model that was not trained"),
        ({"members": np.ones((24, 16), bool), "requested": np.ones((24, 16), bool)}, "pairs are"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(pool, change, message):
    with pytest.raises(ValueError, match=message):
        forget_game(**{**pool, **change})


def test_a_population_that_a_teacher_saw_is_refused(pool):
    members = pool["members"].copy()
    members[0, pool["population"][0]] = True
    with pytest.raises(ValueError, match="row of the population is a member"):
        forget_game(**{**pool, "members": members})


def test_pairs_are_booleans():
    with pytest.raises(ValueError, match="booleans"):
        World(np.zeros((2, 3, 2)), np.ones((2, 3)))


def test_too_few_units_are_refused():
    with pytest.raises(UserError, match=r"at least 4 independent units.*there are 3"):
        forget_game(**shadow_pool(pairs=3))


@pytest.mark.parametrize("name", ["unlearned", "oracle", "teachers"])
def test_outputs_that_are_not_finite_are_refused_where_they_are_needed(pool, name):
    model, row = np.argwhere(pool["requested"])[0]
    for place in ((model, row), (0, pool["population"][0])):
        broken = pool[name].copy()
        broken[place] = np.nan
        with pytest.raises(QhuError, match="not finite"):
            forget_game(**{**pool, name: broken})
    elsewhere = pool[name].copy()
    elsewhere[:, 8] = np.nan  # a row that the game is not about
    forget_game(**{**pool, name: elsewhere})


def test_a_game_cannot_be_changed(game):
    with pytest.raises(dataclasses.FrozenInstanceError):
        game.labels = np.zeros(3)
