"""Reconstruction of the deleted rows from linear heads before and after."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from qhu.evidence.auc import auc
from qhu.evidence.findings.rows import PoolFigure, of_rate
from qhu.evidence.gathered import Gathered
from qhu.evidence.reconstruction import LinearHead, deleted_gradient, deleted_shares
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState

MODELS = 128
"""Models that are taken apart at most: each is a least-squares problem of its own."""


def reconstructed(gathered: Gathered) -> Iterator[PoolFigure]:
    """How well the change of a linear head tells the deleted rows from those kept.

    Only of networks whose head is one linear layer: nothing else is an optimum that a row's
    gradient could be read off.
    """
    net = gathered.pool.study.net("train")
    if _linear(net) is None:
        return
    numbers = range(min(MODELS, gathered.count))
    inside, outside = (np.full((len(numbers), len(gathered.labels)), np.nan) for _ in range(2))
    for number in numbers:
        teacher = gathered.teachers.states.model(number)
        before = _head(net, teacher)
        after = _head(net, gathered.models.states.model(number))
        features = net.outputs(teacher, gathered.pool.whole.samples)[0].numpy()
        kept, deleted = gathered.kept[number], gathered.requested[number]
        gradient = deleted_gradient(before, after, features[kept])
        rows = np.flatnonzero(gathered.members[number])
        shares = deleted_shares(gradient, before, features[rows], gathered.labels[rows])
        inside[number, rows[deleted[rows]]] = shares[deleted[rows]]
        outside[number, rows[kept[rows]]] = shares[kept[rows]]
    rate = auc(inside, outside, gathered.units[: len(numbers)])
    yield of_rate("reconstruction", "forget", "auc", rate)


def _linear(net: HybridNet) -> str | None:
    """Name of the layer that the head consists of, None where it has others."""
    layers = [name for name, part in net.head.named_modules() if not list(part.children())]
    if len(layers) == 1 and isinstance(net.head.get_submodule(layers[0]), nn.Linear):
        return ".".join(filter(None, ("head", layers[0])))
    return None


def _head(net: HybridNet, state: ModelState) -> LinearHead:
    named, layer = net.theta.split(state.theta), _linear(net)
    with torch.no_grad():
        weight, bias = (named[f"{layer}.{part}"].double().cpu() for part in ("weight", "bias"))
    return LinearHead(weight.numpy(), bias.numpy())
