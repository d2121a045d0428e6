"""Distances between the distributions of unlearned models and oracles, beside their floors."""

from collections.abc import Iterator

from qhu.evidence.distances.forgetting_quality import forgetting_quality
from qhu.evidence.distances.klom import klom
from qhu.evidence.distances.tug_of_war import tug_of_war
from qhu.evidence.findings.rows import Finding, of_estimate
from qhu.evidence.gathered import Gathered


def distances(gathered: Gathered) -> Iterator[Finding]:
    """KLoM and forgetting quality with what other oracles reach, tug-of-war with its factors."""
    game, units = gathered.forget_game(), gathered.units
    unlearned, oracles = gathered.unlearned(), gathered.oracles().logits
    rows = {
        "forget": gathered.requested,
        "retain": gathered.kept,
        "test": gathered.pool.whole.test,
    }
    accuracies = {
        subset: (gathered.accuracy(unlearned, part), gathered.accuracy(oracles, part))
        for subset, part in rows.items()
    }
    measured = klom(*game.margins, units, gathered.pool.spec.seed)
    measured["forgetting_quality"] = forgetting_quality(
        *game.margins, accuracies["retain"], accuracies["test"], units, gathered.pool.spec.seed
    )
    for metric, beside in measured.items():
        yield of_estimate("distribution", "forget", metric, beside.value)
        yield of_estimate("distribution", "forget", f"{metric}_floor", beside.floor)
    for metric, estimate in tug_of_war(accuracies, units).items():
        yield of_estimate("distribution", "forget", metric, estimate)
