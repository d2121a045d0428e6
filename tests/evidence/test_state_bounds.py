"""Bounds of a pool: against ensembles whose distance is known, and a simulated attacker."""

import numpy as np
import pytest
import torch
from scipy.stats import rankdata
from torch import nn

from qhu.evidence import bounds
from qhu.evidence.findings.bounded import bounded
from qhu.evidence.findings.state_bounds import bound_rows, ensemble_distance, state_bounds
from qhu.evidence.gathered import Enquiry, Gathered
from qhu.evidence.pool import Pool
from qhu.model.theta import Theta, together
from qhu.record.store import MemoryStore
from qhu.settings.experiment import load_experiment
from qhu.study import Study

UNITS = np.arange(200) // 2


def in_pairs(rng, models=200, rows=3):
    """Every row in one of the two models of a unit."""
    half = rng.random((models // 2, rows)) < 0.5
    return np.stack([half, ~half], axis=1).reshape(models, rows)


def spread_states(rng, lean, models=200, rows=3):
    """Qubits cos(a/2)|0⟩ + sin(a/2)|1⟩ with a uniform within 1 of ``lean``."""
    angles = lean + rng.uniform(-1, 1, (models, rows))
    return np.stack([np.cos(angles / 2), np.sin(angles / 2)], axis=-1).astype(complex)


def true_distance(lean):
    """Bloch vectors of the averages have length sin 1 and the angle ``lean`` between them."""
    return np.sin(1.0) * np.sin(lean / 2)


def by_metric(rows):
    return {row.metric: row for row in rows}


def test_equal_models_have_nothing_to_tell():
    rng = np.random.default_rng(0)
    psi, pairs = spread_states(rng, 0.0), in_pairs(rng)
    rows = by_metric(state_bounds(psi, psi * np.exp(1j * rng.random((200, 3, 1))), pairs, UNITS))
    assert rows["fidelity_mean"].value == pytest.approx(1)
    assert rows["trace_distance_mean"].value == pytest.approx(0, abs=1e-6)
    assert rows["helstrom_auc"].value == pytest.approx(0.5, abs=1e-6)
    assert rows["copies_needed"].value > 10**9
    assert rows["shots_needed"].value > 10**9
    assert all(row.n == 100 for row in rows.values())


def test_models_outside_the_pairs_do_not_count():
    rng = np.random.default_rng(1)
    first, second, pairs = spread_states(rng, 0.0), spread_states(rng, 0.4), in_pairs(rng)
    changed = np.where(pairs[..., None], first, spread_states(rng, 2.0))
    assert list(state_bounds(first, second, pairs, UNITS)) == list(
        state_bounds(changed, second, pairs, UNITS)
    )


@pytest.mark.parametrize("lean", [0.0, 0.5, 1.2])
def test_the_interval_of_the_distance_holds_the_true_one(lean):
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(60):
        first, second = spread_states(rng, 0.0), spread_states(rng, lean)
        value, low, high = ensemble_distance(first, second, in_pairs(rng), UNITS)
        held += low <= true_distance(lean) <= high
        assert low <= value <= high
    assert held >= 0.95 * 60


def test_an_attacker_with_one_copy_of_each_model_stays_below_the_bound():
    """Helstrom's measurement for the known ensembles, one outcome per model."""
    rng = np.random.default_rng(3)
    lean = 1.0
    models, everywhere = 20_000, np.ones((20_000, 1), dtype=bool)
    first, second = (spread_states(rng, at, models, 1) for at in (0.0, lean))
    difference = bounds._average(first[:, 0]) - bounds._average(second[:, 0])
    _, vectors = np.linalg.eigh(difference)
    outcomes = [
        rng.random(models) < np.abs(psi[:, 0] @ vectors[:, 1].conj()) ** 2
        for psi in (first, second)
    ]
    ranks = rankdata(np.concatenate(outcomes))
    area = (ranks[:models].sum() - models * (models + 1) / 2) / models**2
    rows = by_metric(state_bounds(first, second, everywhere, np.arange(models)))
    bound = bounds.auc_bound(true_distance(lean))
    assert 0.5 + true_distance(lean) / 2 == pytest.approx(area, abs=0.01)  # two outcomes
    assert area < bound <= rows["helstrom_auc"].ci_high
    assert rows["helstrom_auc"].value == pytest.approx(bound, abs=0.02)


def test_the_median_pair_needs_as_many_copies_and_shots_as_its_states_say():
    zero, tilted = np.array([1, 0]), np.array([np.cos(0.2), np.sin(0.2)])
    pairs, units = np.ones((10, 2), dtype=bool), np.arange(10)
    first, second = (np.broadcast_to(psi, (10, 2, 2)).astype(complex) for psi in (zero, tilted))
    rows = by_metric(state_bounds(first, second, pairs, units))
    assert rows["copies_needed"].value == bounds.copies_needed(np.cos(0.2) ** 2)
    assert rows["shots_needed"].value == bounds.shots_needed(0.0, np.sin(0.2) ** 2)
    assert rows["shots_needed"].ci_low <= rows["shots_needed"].value <= rows["shots_needed"].ci_high


def stacks(net, count=6):
    generator = torch.Generator().manual_seed(0)
    return [together([net.initial(generator) for _ in range(count)]) for _ in range(3)]


def test_behind_a_trainable_front_the_angles_are_compared(make_net):
    net = make_net(layers=1)
    net.front = nn.Sequential(nn.Linear(5, 4), nn.Tanh())
    net.theta = Theta(net, [net.quantum.weight.numel()])
    x, pairs = torch.rand(2, 5), np.ones((6, 2), dtype=bool)
    rows = by_metric(bound_rows(net, *stacks(net), x, pairs, np.arange(6) // 2))
    assert set(rows) == {"encoding_distance", "encoding_floor"}
    assert 0 < rows["encoding_distance"].ci_low < rows["encoding_distance"].ci_high < 2


def test_a_network_without_states_has_no_bounds(make_net):
    net = make_net(quantum=False)
    assert (
        bound_rows(net, *stacks(net), torch.rand(2, 4), np.ones((6, 2), bool), np.arange(6)) == []
    )


def test_evidence_holds_the_bounds_of_every_method(tiny):
    settings = ["evidence.models=12", "training.epochs=3", "unlearning.steps=6"]
    pool = Pool(Study(load_experiment(tiny, settings, ["finetune", "retrain"]), MemoryStore()))
    rows = {
        method: by_metric(bounded(Gathered(pool, Enquiry("class", method))))
        for method in ("finetune", "retrain")
    }
    means = ("fidelity_mean", "trace_distance_mean", "helstrom_auc")
    assert set(rows["finetune"]) == {
        *(f"{metric}{suffix}" for metric in means for suffix in ("", "_floor")),
        "copies_needed",
        "shots_needed",
    }
    for metric in means:
        floor = rows["retrain"][metric]
        assert floor.value == rows["retrain"][f"{metric}_floor"].value
        assert floor.value == rows["finetune"][f"{metric}_floor"].value
        assert (floor.attack, floor.tier, floor.n) == ("bound", "forget", 6)
