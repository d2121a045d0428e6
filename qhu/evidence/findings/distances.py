"""Distances between the distributions of unlearned models and oracles, beside their floors."""

from collections.abc import Iterator

import numpy as np

from qhu.evidence.distances.named import of_forget_rows, of_rows
from qhu.evidence.findings.rows import PoolFigure, of_estimate
from qhu.evidence.game import World, margin
from qhu.evidence.gathered import Gathered


def distances(gathered: Gathered) -> Iterator[PoolFigure]:
    """On rows forgotten, kept and never seen: of outputs, and on forget rows of accuracies too."""
    models = gathered.unlearned(), gathered.oracles().logits
    test = np.isin(np.arange(len(gathered.labels)), gathered.pool.whole.test)
    pairs = {
        "forget": gathered.requested,
        "retain": gathered.kept,
        "test": np.broadcast_to(test, gathered.members.shape),
    }
    accuracies = {
        tier: (gathered.accuracy(models[0], chosen), gathered.accuracy(models[1], chosen))
        for tier, chosen in pairs.items()
    }
    for tier, chosen in pairs.items():
        asked = chosen.any(axis=0)
        own, goal = (
            World(logits, chosen).scored(margin, gathered.labels)[:, asked] for logits in models
        )
        if tier == "forget":
            named = of_forget_rows(own, goal, accuracies, gathered.units)
        else:
            named = of_rows(own, goal, gathered.units)
        for metric, estimate in named:
            yield of_estimate("distribution", tier, metric, estimate)
