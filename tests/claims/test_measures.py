"""What claims measure beside runs: leakage under resamples, memorisation, circuits."""

import numpy as np
import pytest
import torch
from claim_frames import METHODS

from qhu.claims import costs, leaks, memory
from qhu.claims.catalogue.balance import front
from qhu.claims.catalogue.protection import spearman
from qhu.claims.costs import CountingBackend
from qhu.evidence.auc import auc
from qhu.evidence.game import Game, World
from qhu.evidence.pool import Pool
from qhu.memorisation import memorisation
from qhu.record.store import MemoryStore
from qhu.settings.experiment import load_experiment
from qhu.settings.shipped import experiments
from qhu.study import Study

SMALL = ["evidence.models=16", "training.epochs=3", "unlearning.steps=8", "seeds=0-1"]


def game(units=16, rows=6):
    drawn = np.random.default_rng(1)
    pairs = drawn.random((2 * units, rows)) < 0.5
    logits = drawn.normal(size=(3, 2 * units, rows + 1, 2))
    pairs = np.c_[pairs, np.zeros(2 * units, dtype=bool)]
    labels, unit = np.zeros(rows + 1, dtype=int), np.arange(2 * units) // 2
    inside, outside, teachers = (World(own, pairs) for own in logits)
    return Game(inside, outside, labels, unit, teachers, np.array([rows]))


def scores(played):
    """With ties, and none where there is no pair."""
    drawn = np.random.default_rng(2).normal(size=(2, *played.inside.pairs.shape)).round(1)
    return [np.where(played.inside.pairs, own, np.nan) for own in drawn]


def test_unweighted_areas_are_those_of_the_evidence():
    played = game()
    inside, outside = scores(played)
    (area,) = leaks.areas(inside, outside, played, np.ones((1, 16)))
    assert area == pytest.approx(auc(inside, outside, played.units, played.blocks).value)


def test_a_weight_of_two_is_the_unit_twice():
    """Against pairs counted out one by one, block by block."""
    played = game()
    inside, outside = scores(played)
    weights = np.random.default_rng(3).integers(0, 3, 16)
    area, count = 0.0, 0
    for block in np.unique(played.blocks):
        models = [
            model
            for model in np.flatnonzero(played.blocks == block)
            for _ in range(weights[played.units[model]])
        ]
        ours = [value for model in models for value in inside[model] if not np.isnan(value)]
        theirs = [value for model in models for value in outside[model] if not np.isnan(value)]
        if ours and theirs:
            won = sum((a > b) + 0.5 * (a == b) for a in ours for b in theirs)
            area, count = area + won / len(theirs), count + len(ours)
    (weighted,) = leaks.areas(inside, outside, played, weights[None].astype(float))
    assert weighted == pytest.approx(area / count)


def test_a_method_that_leaks_is_seen_and_the_second_oracle_is_not():
    study = Study(load_experiment(experiments()["claims-leaks"], SMALL, ["eu_k"]), MemoryStore())
    table = leaks.read(study, leaks.Enquiry("class", "none"))
    assert len(table) == leaks.RESAMPLES + 1
    pool = table[table["resample"] == -1].iloc[0]
    resampled = table[table["resample"] >= 0]
    assert resampled["utility"].mean() == pytest.approx(pool["utility"], abs=0.01)
    assert resampled["leakage"].between(0, 1).all()
    assert set(table["pairs"]) == {8}


def test_memorisation_is_that_of_the_pool():
    study = Study(load_experiment(experiments()["claims-leaks"], SMALL), MemoryStore())
    pool, train = Pool(study), np.sort(Pool(study).whole.train)
    right = pool.models("teacher").logits.argmax(axis=2) == pool.whole.labels
    expected = memorisation(right[:, train], pool.members[:, train]).value.mean()
    table = memory.read(study, "here")
    assert set(table["rows"]) == {"all"}
    assert table["value"].mean() == pytest.approx(expected)
    assert set(table["at"]) == {"here"}


def test_circuits_are_rows_and_two_for_every_shifted_angle():
    """Iris: 4 qubits, 3 rotations a qubit in the encoding and in each of 2 layers: 36 angles."""
    study = Study(load_experiment(experiments()["claims-methods"]))
    backend = CountingBackend()
    study.backends["train"] = backend
    net = study.net("train")
    loss = net(torch.rand(5, 4)).sum()
    assert backend.counter.circuits == 5
    loss.backward()
    assert backend.counter.circuits == 5 + 5 * 2 * 36


def test_costs_of_methods_that_are_easy_to_count():
    """Fine-tuning: 2 steps of one batch of 8 rows, no other circuits."""
    asked = ["training.epochs=1", "unlearning.steps=2", "unlearning.batch_size=8", "seeds=0-1"]
    file = experiments()["claims-methods"]
    study = Study(load_experiment(file, asked, ["finetune", "cf_k"]), MemoryStore())
    first, second = (costs.read(study, seed).set_index("method") for seed in (0, 1))
    assert list(first.index) == ["retrain", "finetune", "cf_k"]
    assert first.loc["finetune", "circuits"] == 2 * 8 * (1 + 2 * 36)
    assert first.loc["finetune", "steps"] == 2
    assert first.loc["cf_k", "circuits"] < first.loc["finetune", "circuits"]
    assert second["circuits"].isna().all()
    assert (first["seconds"] > 0).all()
    assert costs.read(study, 0)["seconds"].tolist() == first["seconds"].tolist()  # from the store


def test_the_front():
    losses = np.array([[0.0, 0.2, 0.2, 0.01]])
    gains = np.array([[0.0, 0.1, 0.0, 0.0]])
    assert front(losses, gains).tolist() == [[1, 1, 0, 1]]


def test_rank_correlation_row_by_row():
    import pandas as pd
    from scipy.stats import spearmanr

    first, second = np.random.default_rng(0).normal(size=(2, 5, len(METHODS))).round(0)
    expected = [spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    assert spearman(pd.DataFrame(first), pd.DataFrame(second)) == pytest.approx(expected)
