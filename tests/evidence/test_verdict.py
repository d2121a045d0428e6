"""Verdicts on simulated pools and on estimates of known law: the words and their error rates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pools import margins, measured
from scipy import stats

from qhu import registry
from qhu.evidence.auc import auc
from qhu.evidence.equivalence import equivalence
from qhu.evidence.game import forget_game
from qhu.evidence.power import resolved
from qhu.evidence.units import UnitEstimate, mean_over_units
from qhu.evidence.verdict import Trial, judge
from qhu.report.verdicts import MARGIN

EQUAL = UnitEstimate(0.0, 0.001, 1024)
UNITS = 1024


def trial(leakage, direction=EQUAL, utility=EQUAL, method="m", scenario="s", membership=None):
    return Trial(scenario, method, leakage, membership or leakage, direction, utility, 30)


def simulated(repeats, units, shift=0.0, **law):
    """The answers of simulated pools, each a page of its own."""
    rng = np.random.default_rng([repeats, units])
    pools = (measured(rng, units, shift, **law) for _ in range(repeats))
    return [judge([trial(*pool)])[0] for pool in pools]


def answers(judgements):
    return [judgement.answer for judgement in judgements]


def assert_null(judgements):
    """'indistinguishable' in 95 %, another word than 'cannot tell' beside it in 5 % at most."""
    words = answers(judgements)
    assert words.count("indistinguishable") >= 0.95 * len(words)
    wrong = sum(word in ("did not forget", "over-forgot") for word in words)
    assert stats.binomtest(wrong, len(words), 0.05, "greater").pvalue > 0.01


def test_oracles_against_oracles():
    assert_null(simulated(40, UNITS))


@pytest.mark.slow
@pytest.mark.parametrize(
    "law", [{}, {"clustering": 1.0, "paired": 0.0}, {"clustering": 0.0, "paired": 0.0}]
)
def test_oracles_against_oracles_in_200_repeats(law):
    judgements = simulated(200, UNITS, **law)
    assert_null(judgements)
    p = [resolved(judgement.trial.leakage).p_value(0.5) for judgement in judgements]
    assert stats.binomtest(sum(np.less(p, 0.05)), len(p), 0.05, "greater").pvalue > 0.01


def attacked(rng, units):
    """What the command reads off a simulated pool of equal worlds, by the attack that ships."""
    inside, outside, requested, number = margins(rng, units)
    logits = [np.stack([world, np.zeros_like(world)], axis=2) for world in (inside, outside)]
    game = forget_game(
        *logits,
        logits[1],
        members=requested,
        requested=requested,
        labels=np.zeros(inside.shape[1], int),
        units=number,
        population=np.empty(0, int),
    )
    scores = registry.attack["ulira"].make(game, registry.attack.options("ulira", {}))
    rate = auc(*scores, game.units, game.blocks)
    leak = UnitEstimate(rate.value, rate.se, rate.df + 1)
    difference = mean_over_units(np.subtract(*game.margins), number)
    return rate, judge([trial(leak, difference)])[0]


@pytest.mark.slow
def test_oracles_against_oracles_by_the_attack_that_ships():
    rng = np.random.default_rng(0)
    rates, judgements = zip(*(attacked(rng, UNITS) for _ in range(200)), strict=True)
    assert_null(judgements)
    missed = sum(not rate.low < 0.5 < rate.high for rate in rates)
    assert stats.binomtest(missed, 200, 0.05, "greater").pvalue > 0.01


@pytest.mark.parametrize("units", [8, 16])
def test_small_pools_cannot_tell(units):
    assert set(answers(simulated(60, units))) == {"cannot tell"}


@pytest.mark.parametrize("units", [32, UNITS])
@pytest.mark.parametrize(("shift", "word"), [(8, "did not forget"), (-8, "over-forgot")])
def test_planted_models_are_named(units, shift, word):
    judgements = simulated(3, units, shift)
    assert set(answers(judgements)) == {word}
    assert min(judgement.trial.leakage.value for judgement in judgements) > 0.95


def test_a_leak_without_direction_is_no_direction():
    """Margins that scatter more, around the same mean, are told apart and neither higher nor
    lower."""
    (judgement,) = simulated(1, 256, spread=2.0)
    assert judgement.answer == "cannot tell"
    assert judgement.reason == "an attack tells the rows apart, in no certain direction"


def test_a_page_of_oracles_names_none_in_95_percent():
    """16 methods of one page, of which all equal their oracles: leakage, direction and utility
    are drawn from their null laws, with errors that are estimated from 60 units."""
    rng, named, lost = np.random.default_rng(0), 0, 0
    for _ in range(150):
        page = []
        for _ in range(16):
            errors = 0.05 * np.sqrt(rng.chisquare(59, 3) / 59)
            leak, direction, utility = rng.normal(0, 0.05, 3)
            estimates = zip((0.5 + leak, direction, utility), errors, strict=True)
            page.append(trial(*(UnitEstimate(v, e, 60) for v, e in estimates)))
        judgements = judge(page)
        named += any(word in ("did not forget", "over-forgot") for word in answers(judgements))
        lost += any(judgement.utility == "lost" for judgement in judgements)
    assert stats.binomtest(named + lost, 150, 0.05, "greater").pvalue > 0.01


@pytest.mark.parametrize("side", [-1, 1])
def test_at_the_margin_and_beyond_few_are_called_indistinguishable(side):
    rng = np.random.default_rng(1)
    drawn = rng.normal(0.5 + side * MARGIN, 0.01, 1000)
    errors = 0.01 * np.sqrt(rng.chisquare(UNITS - 1, 1000) / (UNITS - 1))
    words = answers(
        judge([trial(UnitEstimate(v, e, UNITS))])[0] for v, e in zip(drawn, errors, strict=True)
    )
    assert words.count("indistinguishable") / 1000 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_a_leak_at_the_margin_in_simulated_pools():
    """A shift of .23 moves the AUC of these margins to .55."""
    judgements = simulated(40, UNITS, 0.235)
    leaks = [judgement.trial.leakage.value for judgement in judgements]
    assert np.mean(leaks) == pytest.approx(0.551, abs=0.004)
    shown = answers(judgements).count("indistinguishable")
    assert stats.binomtest(shown, 40, 0.05, "greater").pvalue > 0.01


def test_a_certain_difference_within_the_margin_does_not_matter():
    (judgement,) = judge([trial(UnitEstimate(0.52, 0.002, UNITS), UnitEstimate(0.1, 0.001, 1024))])
    assert judgement.p_difference < 1e-6
    assert judgement.answer == "indistinguishable"


ESTIMATES = st.builds(
    UnitEstimate,
    st.floats(0, 1),
    st.one_of(st.floats(0, 0.3), st.just(float("nan"))),
    st.integers(1, 2000),
)


@given(st.lists(st.tuples(ESTIMATES, ESTIMATES, ESTIMATES), min_size=1, max_size=6))
def test_what_every_page_holds_to(page):
    judgements = judge([trial(*estimates) for estimates in page])
    for (leakage, direction, _), judgement in zip(page, judgements, strict=True):
        within = leakage.units >= 5 and equivalence(resolved(leakage), 0.5, MARGIN).is_shown
        assert (judgement.answer == "indistinguishable") == within
        if judgement.answer == "did not forget":
            assert direction.value > 0
        if judgement.answer in ("did not forget", "over-forgot"):
            assert judgement.p_difference < 0.05
            assert min(leakage.units, direction.units) >= 5
        if np.isnan(leakage.error) or leakage.units < 5:
            assert judgement.answer == "cannot tell"
            assert "units" in judgement.reason


ALTERED = UnitEstimate(0.72, 0.005, UNITS)
"""Leakage of a method that trains on, without anything of the rows left."""


@pytest.mark.parametrize(
    ("membership", "direction", "word"),
    [
        (UnitEstimate(0.5, 0.01, UNITS), EQUAL, "forgot"),
        (UnitEstimate(0.6, 0.01, UNITS), UnitEstimate(1, 0.1, UNITS), "did not forget"),
        (UnitEstimate(0.6, 0.01, UNITS), UnitEstimate(-1, 0.1, UNITS), "over-forgot"),
        (UnitEstimate(0.6, 0.01, UNITS), UnitEstimate(0.1, 0.1, UNITS), "cannot tell"),
        (UnitEstimate(0.5, 0.04, UNITS), EQUAL, "cannot tell"),
        (UnitEstimate(float("nan"), float("nan"), 1), EQUAL, "cannot tell"),
    ],
)
def test_what_differs_from_retraining_may_have_forgotten(membership, direction, word):
    (judgement,) = judge([trial(ALTERED, direction, membership=membership)])
    assert judgement.answer == word
    assert judgement.trial.leakage == ALTERED


def test_the_smallest_effect_is_that_of_the_game_in_which_differences_are_claimed():
    wide, narrow = (UnitEstimate(0.5, error, UNITS) for error in (0.04, 0.01))
    effects = [judge([trial(ALTERED, membership=m)])[0].smallest_effect for m in (wide, narrow)]
    assert effects[0] == pytest.approx(4 * effects[1])


def test_more_methods_make_a_page_claim_less():
    borderline = trial(UnitEstimate(0.6, 0.04, 200), UnitEstimate(0.5, 0.1, 200))
    assert judge([borderline])[0].answer == "did not forget"
    others = [trial(UnitEstimate(0.5, 0.04, 200), method=f"m{i}") for i in range(20)]
    judgement = judge([borderline, *others])[0]
    assert judgement.answer == "cannot tell"
    assert judgement.smallest_effect > judge([borderline])[0].smallest_effect


@pytest.mark.parametrize(
    ("value", "error", "word"),
    [
        (0.0, 0.002, "kept"),
        (0.1, 0.002, "kept"),
        (-0.01, 0.002, "kept"),
        (-0.1, 0.002, "lost"),
        (-0.025, 0.02, "cannot tell"),
        (0.0, float("nan"), "cannot tell"),
    ],
)
def test_utility(value, error, word):
    leak = UnitEstimate(0.5, 0.01, UNITS)
    assert judge([trial(leak, utility=UnitEstimate(value, error, UNITS))])[0].utility == word


def test_the_smallest_effect_is_that_of_the_oracles_noise_at_least():
    """An AUC of 1 has no spread, and does not make its design see more."""
    oracle = trial(UnitEstimate(0.5, 0.01, UNITS), method="retrain")
    teacher = trial(UnitEstimate(1.0, 0.0, UNITS), UnitEstimate(5, 0.1, UNITS), method="none")
    elsewhere = trial(UnitEstimate(1.0, 0.0, UNITS), method="none", scenario="other")
    first, second, third = judge([oracle, teacher, elsewhere])
    assert first.smallest_effect == second.smallest_effect > third.smallest_effect
    assert second.answer == "did not forget"


def test_the_row_of_the_table():
    (judgement,) = judge([trial(UnitEstimate(0.5, 0.01, UNITS))])
    assert list(judgement.row()) == [
        *("scenario", "method", "verdict", "leakage", "utility", "cost_steps", "smallest_effect")
    ]
    assert judgement.row()["verdict"] == "indistinguishable"
    assert 0.02 < judgement.row()["smallest_effect"] < 0.04
