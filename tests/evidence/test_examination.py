"""Metrics examined on banks whose truth is set: the AUC each of them deserves."""

import numpy as np
import pytest

from qhu import registry
from qhu.evidence.examination import (
    Exhibits,
    attack_scores,
    examine,
    group_scores,
    holding,
    metric_scores,
    tow_scores,
)
from qhu.record.scores import Reading

MODELS, ROWS, ASKED = 64, 40, 8
SHIFTS = {"memoriser": 4.0, "streisand": -4.0, "oracle": 0.0, "second oracle": 0.0}
"""By how much the margins of the rows to be forgotten lie above those of the references."""


def bank(shifts=SHIFTS, damaged=(), seed=0):
    """Three classes; margins of normal law, whose mean differs from row to row."""
    rng = np.random.default_rng(seed)
    labels = np.arange(ROWS) % 3
    first = np.argsort(rng.random((MODELS // 2, ROWS // 8, 8)), axis=2).reshape(-1, ROWS) % 2 == 0
    members = np.stack([first, ~first], axis=1).reshape(MODELS, ROWS)
    members[:, 24:] = False
    requested = members & (np.arange(ROWS) < ASKED)
    hard = rng.normal(1, 1, ROWS)
    kinds = {**shifts, "reference": 0.0, "before": 1.0}

    def probabilities(shift, kind):
        margins = hard + rng.normal(0, 0.5, (MODELS, ROWS)) + shift * requested
        if kind in damaged:
            margins = rng.normal(0, 1, (MODELS, ROWS))
        own = np.arange(3) == labels[:, None]
        logits = np.where(own, margins[..., None], 0.0) - np.where(own, 0, np.log(2))
        return np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)

    outputs = {kind: probabilities(shift, kind) for kind, shift in kinds.items()}
    return Exhibits(
        probabilities=outputs,
        features={kind: rng.normal(size=(MODELS, ROWS, 4)) for kind in kinds},
        theta={kind: rng.normal(size=(MODELS, 6)) for kind in kinds},
        holds={kind: bool(shift) for kind, shift in shifts.items()},
        reference="reference",
        before="before",
        members=members,
        requested=requested,
        labels=labels,
        units=np.arange(MODELS) // 2,
        test=np.arange(24, 32),
        val=np.arange(32, 40),
        angles=np.zeros(6, dtype=bool),
    )


METRICS = {name: registry.metric[name] for name in registry.metric.chosen(())}


@pytest.fixture(scope="module")
def rates():
    return examine(bank(), registry.attack.names(), METRICS, "ulira")


def test_what_sees_both_directions_tells_who_holds_the_rows(rates):
    for name in ("ulira", "auc_membership", "kl_forget", "js_forget"):
        assert rates[name].low > 0.85, name
    assert rates["klom_median"].value > 0.9


def test_what_sees_one_direction_takes_the_streisand_for_an_oracle(rates):
    """The memoriser ranks above all, what was driven out below all: together a coin toss."""
    for name in ("loss", "lira_offline"):
        assert rates[name].value == pytest.approx(0.5, abs=0.05), name
    assert rates["acc_forget"].high < 0.7
    one_sided = examine(
        bank({k: v for k, v in SHIFTS.items() if k != "streisand"}), ["loss"], {}, "ulira"
    )
    assert one_sided["loss"].low > 0.85


def test_what_knows_nothing_holds_a_half(rates):
    for name in ("dist_theta", "cka_test", "kl_test", "acc_test"):
        assert rates[name].low < 0.5 < rates[name].high, name


def test_damage_without_data_is_held_against_metrics_that_take_it_for_data():
    """An oracle that is damaged lacks the rows: whoever measures distance accuses it."""
    shifts = {"memoriser": 4.0, "drowned": 0.0}
    shown = bank(shifts, damaged=("drowned",))
    rates = examine(shown, ["ulira", "loss"], METRICS, "ulira")
    assert rates["loss"].low > 0.85
    assert rates["auc_membership"].low > 0.85  # the damaged know as little of rows they never had
    assert rates["kl_test"].value < 0.1  # the damaged are farther from the reference, on all rows
    assert rates["tow"].value < 0.5


def test_nothing_is_found_where_there_is_nothing():
    """Kinds that are called holding but are oracles: intervals hold ½ as often as they say."""
    shifts = {"a": 0.0, "b": 0.0, "c": 0.0}
    held = []
    for seed in range(30):
        shown = bank(shifts, seed=seed)
        truth = {"a": True, "b": False, "c": False}
        rates = examine(Exhibits(**{**vars(shown), "holds": truth}), ["ulira", "loss"], {}, "ulira")
        held += [rates[name].low <= 0.5 <= rates[name].high for name in ("ulira", "loss", "tow")]
    assert np.mean(held) >= 0.9


def test_scores_are_one_number_per_model():
    shown = bank()
    for name in registry.attack.names():
        for scores in attack_scores(shown, name, shown.game).values():
            assert scores.shape == (MODELS,)
    scores = attack_scores(shown, "loss", shown.game)["memoriser"]
    own = np.log(shown.probabilities["memoriser"][:, np.arange(ROWS), shown.labels])
    assert scores[3] == pytest.approx(own[3][shown.requested[3]].mean())
    assert set(group_scores(shown)) == {"klom_median", "forgetting_quality"}
    assert all(s.shape == (4,) for s in group_scores(shown)["klom_median"].values())


def test_a_metrics_scores_are_those_it_returns_itself():
    shown = bank()
    i, kind = 5, "streisand"
    forget = np.flatnonzero(shown.requested[i])
    right = [
        shown.probabilities[k][i, forget].argmax(axis=1) == shown.labels[forget]
        for k in (kind, "reference")
    ]
    scores = metric_scores(shown, METRICS)
    assert scores["acc_forget"][kind][i] == pytest.approx(right[0].mean())
    gap = right[0].mean() - right[1].mean()
    assert scores["delta_acc_forget"][kind][i] == pytest.approx(abs(gap))
    retain, test = (
        shown.accuracy(kind, rows)[i] - shown.accuracy("reference", rows)[i]
        for rows in (shown.retain, np.isin(np.arange(ROWS), shown.test))
    )
    expected = 1 - (1 - abs(gap)) * (1 - abs(retain)) * (1 - abs(test))
    assert tow_scores(shown)[kind][i] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ({"against": "floor", "better": "lower"}, -0.25),
        ({"against": "floor", "better": "higher"}, 0.25),
        ({"against": 0}, 0.25),
        ({"against": "retrain"}, -0.25),
        ({"against": None, "better": "higher"}, 0.25),
        ({"against": None}, None),
    ],
)
def test_a_score_speaks_as_it_is_declared_to_be_read(reading, expected):
    declared = Reading(title="a score", span=(-1, 1), **reading)
    entry = registry.metric["acc"]
    made = type(entry)("mine", entry.make, entry.options, (), {"mine": declared})
    assert holding(made.score("mine"), -0.25) == expected
