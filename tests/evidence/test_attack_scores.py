"""Attacks against what their papers define, computed by hand and by other code."""

import numpy as np
import pytest
from scipy.stats import entropy as shannon
from scipy.stats import norm
from shadow_pool import shadow_pool

from qhu import registry
from qhu.errors import UserError
from qhu.evidence.auc import auc
from qhu.evidence.game import Game, World, forget_game


def play(name, game, **options):
    return registry.attack[name].make(game, registry.attack.options(name, options))


def area(name, game, **options):
    return auc(*play(name, game, **options), game.units, game.blocks)


@pytest.fixture(scope="module")
def pool():
    return shadow_pool(5, pairs=24, shift=1)


@pytest.fixture(scope="module")
def game(pool):
    return forget_game(**pool)


def probabilities(pool, name="unlearned"):
    p = np.exp(pool[name].astype(float))
    return p / p.sum(-1, keepdims=True)


def of_the_label(pool, name="unlearned"):
    return probabilities(pool, name)[:, np.arange(len(pool["labels"])), pool["labels"]]


def by_definition(name, p, label):
    others = np.arange(len(p)) != label
    return {
        "confidence": np.log(p.max()),
        "loss": np.log(p[label]),
        "entropy": -shannon(p),
        "modified_entropy": (1 - p[label]) * np.log(p[label])
        + (p[others] * np.log(1 - p[others])).sum(),
    }[name]


@pytest.mark.parametrize("name", ["confidence", "loss", "entropy", "modified_entropy"])
def test_a_score_of_one_output_is_what_the_paper_defines(name, pool, game):
    inside, _ = play(name, game)
    p = probabilities(pool)
    for model, row in np.argwhere(pool["requested"]):
        expected = by_definition(name, p[model, row], pool["labels"][row])
        assert inside[model, row] == pytest.approx(expected, abs=1e-6)


def test_certain_models_have_finite_scores(pool):
    sure = {name: 500 * pool[name] for name in ("unlearned", "oracle", "teachers")}
    game = forget_game(**{**pool, **sure})
    for name in registry.attack.names():
        later = game.inside.pairs & (game.blocks > 0)[:, None]
        assert np.isfinite(play(name, game)[0][later]).all(), name


def expected_ratios(pool, game, trained, never):
    """Log-likelihood ratios of the unlearned models, model by model."""
    p = of_the_label(pool)
    margins = np.log(p / (1 - p))
    for model, row in np.argwhere(pool["requested"]):
        earlier = game.blocks < game.blocks[model]
        if earlier.any():
            fits = [sample[earlier, row] for sample in (trained, never)]
            laws = [norm(fit[~np.isnan(fit)].mean(), np.nanstd(fit, ddof=1)) for fit in fits]
            yield (model, row), [law.logpdf(margins[model, row]) for law in laws]


def log_odds(pool, name, where):
    p = of_the_label(pool, name)
    return np.where(where, np.log(p / (1 - p)), np.nan)


def test_ulira_is_the_likelihood_ratio_of_unlearned_models_and_oracles(pool, game):
    inside, _ = play("ulira", game, pooled_below=2)
    worlds = [log_odds(pool, name, pool["requested"]) for name in ("unlearned", "oracle")]
    ratios = list(expected_ratios(pool, game, *worlds))
    assert len(ratios) == 6 * 21  # all but the first of eight blocks
    for place, (trained, never) in ratios:
        assert inside[place] == pytest.approx(trained - never, rel=1e-3, abs=1e-3)


def test_lira_is_the_likelihood_ratio_of_teachers_with_and_without_the_row(pool, game):
    online, _ = play("lira", game, pooled_below=2)
    offline, _ = play("lira_offline", game, pooled_below=2)
    teachers = [log_odds(pool, "teachers", where) for where in (pool["members"], ~pool["members"])]
    p = of_the_label(pool)
    margins = np.log(p / (1 - p))
    for place, (trained, never) in expected_ratios(pool, game, *teachers):
        assert online[place] == pytest.approx(trained - never, rel=1e-3, abs=1e-3)
        earlier = teachers[1][game.blocks < game.blocks[place[0]], place[1]]
        p_value = norm.sf(margins[place], np.nanmean(earlier), np.nanstd(earlier, ddof=1))
        assert norm.sf(offline[place]) == pytest.approx(p_value, rel=1e-3)


def test_over_forgetting_leaks_as_much_as_forgetting_too_little():
    areas = [
        area("ulira", forget_game(**shadow_pool(8, pairs=100, shift=shift))) for shift in (2, -2)
    ]
    assert min(rate.low for rate in areas) > 0.75
    assert areas[0].value == pytest.approx(areas[1].value, abs=0.05)
    below = area("loss", forget_game(**shadow_pool(8, pairs=100, shift=-2)))
    assert below.high < 0.5  # the same, seen by an attack that knows one direction


def test_a_difference_of_spread_alone_is_seen():
    """Noise that drowns a row leaves the mean in its place."""
    game = forget_game(**shadow_pool(9, pairs=300, spread=3, shared=0))
    assert area("ulira", game).low > 0.6
    assert area("loss", game).high < 0.6


def test_ulira_reaches_what_the_best_attack_can():
    """Two normals d apart: no test has a greater area than Φ(d/√2)."""
    rates = [
        area("ulira", forget_game(**shadow_pool(seed, pairs=400, shift=1.5, shared=0)))
        for seed in range(4)
    ]
    best = norm.cdf(1.5 / np.sqrt(2))
    assert np.mean([rate.value for rate in rates]) == pytest.approx(best, abs=0.02)


def test_few_models_borrow_the_variance_of_all_rows():
    """With three models a row, variances of its own make the ratio a lottery."""
    games = [forget_game(**shadow_pool(s, pairs=12, rows=20, shift=1)) for s in range(10)]
    pooled, own = (
        np.mean([area("ulira", game, pooled_below=least).value for game in games])
        for least in (1000, 2)
    )
    assert pooled > own + 0.02


def test_what_all_folds_learn_from_each_other_is_no_knowledge():
    """Cross-validated scores of worlds that do not differ miss ½ far more often than they say.

    Of 1,000 such games with 400 units, 5 rows and 8 parts 19 % by folds, 6 % by blocks.
    """
    missed = {"blocks": 0, "folds": 0}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        worlds = rng.normal(size=(2, 80, 5))
        blocks, units = np.repeat(np.arange(8), 10), np.arange(80)
        for kind in missed:
            scores = np.full(worlds.shape, np.nan)
            for block in range(8):
                rest = blocks < block if kind == "blocks" else blocks != block
                if rest.any():
                    means = worlds[:, rest].mean(axis=1)
                    scores[:, blocks == block] = worlds[:, blocks == block] * (means[0] - means[1])
            rate = auc(*scores, units, blocks)
            missed[kind] += not rate.low <= 0.5 <= rate.high
    assert missed["blocks"] <= 18 < 26 < missed["folds"]


def rmia_game(p_inside, p_outside, p_teachers, members, labels):
    """Eight models in four units on one row to forget and three of the population."""

    def logits(p):
        return np.log(np.stack([p, 1 - np.asarray(p)], axis=-1))

    requested = np.zeros((8, 4), bool)
    requested[:, 0] = True
    worlds = (World(logits(p), requested) for p in (p_inside, p_outside))
    teachers = World(logits(p_teachers), members)
    return Game(*worlds, labels, np.arange(8) // 2, teachers, np.arange(1, 4))


def test_rmia_by_hand():
    """Teachers without the row give it .4 and .2: p̄ = ½(1.3 · .3 + .7) = .545.

    Those of the population rows, all without: .5, .5, .1, so p̄ = .675, .675, .415. A model with
    p = (.6; .3, .9, .9) has the ratios 1.101 against .444, 1.333, 2.169: it beats one of three.
    """
    members = np.zeros((8, 4), bool)
    members[[0, 2], 0] = True
    p_teachers = np.tile([0.9, 0.5, 0.5, 0.1], (8, 1))
    p_teachers[1, 0], p_teachers[3, 0] = 0.4, 0.2
    p = np.tile([0.6, 0.3, 0.9, 0.9], (8, 1))
    game = rmia_game(p, p, p_teachers, members, np.zeros(4, int))
    assert game.blocks.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    for scores in play("rmia", game):
        assert scores[4:, 0] == pytest.approx([1 / 3] * 4)
    assert play("rmia", game, gamma=0.6)[0][4, 0] == pytest.approx(2 / 3)  # 1.101/.6 = 1.835
    assert play("rmia", game, gamma=3)[0][4, 0] == 0
    # a = 1: p̄ = mean_out: ratios 2 against .6, 1.8, 9
    assert play("rmia", game, a=1)[0][4, 0] == pytest.approx(2 / 3)


def test_rmia_needs_a_population(pool):
    game = forget_game(**{**pool, "population": np.array([], int)})
    with pytest.raises(UserError, match="keep validation rows"):
        play("rmia", game)
    play("ulira", game)
