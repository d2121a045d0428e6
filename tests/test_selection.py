"""Which epoch is kept."""

import math

import pytest
import torch
import torch.nn.functional as F

from qhu.model.theta import ModelState
from qhu.selection import Best, cross_entropy, measure_epoch


def state(number):
    return ModelState(torch.tensor([float(number)]), {})


@pytest.mark.parametrize(
    ("scores", "patience", "ran", "kept"),
    [
        ([0.5, 0.5, 0.5, 0.5, 0.5], 3, 4, 0),  # ties keep the first; epochs ran = best + patience
        ([0.1, 0.4, 0.2, 0.4, 0.3, 0.9], 3, 5, 1),
        ([0.1, 0.2, 0.3], 3, 3, 2),
        ([math.nan, math.nan, 0.2, 0.1], 9, 4, 2),
    ],
)
def test_the_best_epoch_and_when_to_stop(scores, patience, ran, kept):
    best, epochs = Best(patience), 0
    for epoch, score in enumerate(scores):
        epochs += 1
        if not best.goes_on(epoch, score, state(epoch)):
            break
    assert (epochs, best.epoch) == (ran, kept)
    assert best.state.theta.item() == kept


def test_the_kept_state_is_a_copy():
    best, moving = Best(2), state(1)
    best.goes_on(0, 1.0, moving)
    moving.theta.add_(5)
    assert best.state.theta.item() == 1


def test_measures_are_those_of_every_model():
    logits = torch.randn(3, 8, 4, generator=torch.Generator().manual_seed(0))
    y = torch.arange(24).reshape(3, 8) % 4
    losses = torch.stack([F.cross_entropy(a, b) for a, b in zip(logits, y, strict=True)])
    assert torch.allclose(cross_entropy(logits, y), losses)
    assert cross_entropy(logits[0], y[0]).shape == ()
    value, score = measure_epoch(logits, y, "val_loss")
    assert torch.equal(value, -score) and torch.allclose(value, losses)
    value, score = measure_epoch(logits, y, "test_accuracy")
    right = [(a.argmax(1) == b).float().mean() for a, b in zip(logits, y, strict=True)]
    assert torch.equal(value, score) and torch.equal(value, torch.stack(right))
