"""Leakage and utility of a pool's methods under resamples of its pairs, the same for all methods.

A resample draws as many pairs as there are, with replacement. The AUC of weighted pairs is a
ratio of two quadratic forms of the weights, wᵀ W w / wᵀ N w, W counting the comparisons that inside
rows of one unit win against outside rows of another, N all of them. So ten thousand resamples cost
a product of matrices.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qhu import registry
from qhu.evidence.findings.attacked import PRIMARY
from qhu.evidence.game import Game, forget_game
from qhu.evidence.gathered import Enquiry
from qhu.evidence.pool import Pool
from qhu.record.identity import code_digest
from qhu.study import Study

Floats = NDArray[np.floating[Any]]
RESAMPLES = 10_000


def read(study: Study, enquiry: Enquiry) -> pd.DataFrame:
    """A method in a scenario, from the store if it is there.

    Args:
        study: the experiment.
        enquiry: scenario and method.

    Returns:
        Rows ``scenario, method, resample, leakage, confidence, utility, pairs``.
    """
    pool = Pool(study)
    used = [pool.key(batch) for batch in pool.batches(enquiry.method, enquiry.scenario)]
    code = code_digest(__name__)
    key = study.key("claims", "evaluate", pool.spec.seed, "leaks", enquiry, used, code)

    def compute() -> tuple[dict[str, Any], dict[str, Any]]:
        return dict(_resampled(pool, enquiry)), {}

    columns = study.store.get(key, compute).arrays
    numbers = np.arange(RESAMPLES + 1) - 1
    about = {**enquiry._asdict(), "resample": numbers, "pairs": pool.count(enquiry.scenario) // 2}
    return pd.DataFrame({**about, **columns})


def _resampled(pool: Pool, enquiry: Enquiry) -> Iterator[tuple[str, Floats]]:
    """(1 + resamples,) of every measure, the pool itself first."""
    pairs = pool.count(enquiry.scenario) // 2
    weights = np.ones((RESAMPLES + 1, pairs))
    chances = np.full(pairs, 1 / pairs)
    weights[1:] = np.random.default_rng(pool.spec.seed).multinomial(pairs, chances, RESAMPLES)
    game, utility = _game(pool, enquiry)
    for name, attack in (("leakage", PRIMARY), ("confidence", "confidence")):
        options = registry.attack.options(attack, {})
        inside, outside = registry.attack[attack].make(game, options)
        yield name, areas(inside, outside, game, weights)
    yield "utility", weights @ utility / weights.sum(axis=1)


def _game(pool: Pool, enquiry: Enquiry) -> tuple[Game, Floats]:
    """The game on the forget rows, and (pairs,) accuracy on test rows minus the oracle's."""
    scenario, method = enquiry
    count, last = pool.count(scenario), len(pool.requests(scenario)) - 1
    oracle = pool.models("oracle", scenario, last).logits
    unlearned = pool.models(method, scenario).logits
    unlearned = unlearned[:, -1] if last else unlearned
    labels, test = pool.whole.labels, pool.whole.test
    game = forget_game(
        unlearned,
        oracle,
        pool.models("teacher").logits[:count],
        members=pool.members[:count],
        requested=pool.requested(scenario),
        labels=labels,
        units=np.arange(count) // 2,
        population=pool.whole.val,
    )
    right = [
        (logits[:, test].argmax(axis=2) == labels[test]).mean(axis=1)
        for logits in (unlearned, oracle)
    ]
    return game, (right[0] - right[1]).reshape(-1, 2).mean(axis=1)


def areas(inside: Floats, outside: Floats, game: Game, weights: Floats) -> Floats:
    """(B,) AUC of weighted units, within blocks and over them as :func:`qhu.evidence.auc.auc` does.

    Args:
        inside: (N, R) scores, NaN where there is none.
        outside: (N, R) likewise.
        game: whose units and blocks.
        weights: (B, U) of the units.
    """
    area, count = np.zeros(len(weights)), np.zeros(len(weights))
    for block in np.unique(game.blocks):
        models = np.flatnonzero(game.blocks == block)
        (ours, rows), (theirs, columns) = (_scores(s, models, game) for s in (inside, outside))
        if not len(ours) or not len(theirs):
            continue
        above = (ours[:, None] > theirs) + 0.5 * (ours[:, None] == theirs)
        left, right = weights[:, np.unique(rows)], weights[:, np.unique(columns)]
        won = ((left @ _sums(above, rows, columns)) * right).sum(axis=1)
        total = ((left @ _sums(np.ones_like(above), rows, columns)) * right).sum(axis=1)
        inside_count = weights[:, rows].sum(axis=1)
        present = total > 0
        area[present] += (inside_count * won)[present] / total[present]
        count += np.where(present, inside_count, 0.0)
    return area / count


def _scores(scores: Floats, models: NDArray[np.int64], game: Game) -> tuple[Floats, Any]:
    """Scores of some models that there are, sorted by unit, and the unit of each."""
    own = scores[models]
    present = ~np.isnan(own)
    units = game.units[models][np.nonzero(present)[0]]
    order = np.argsort(units, kind="stable")
    return own[present][order], units[order]


def _sums(values: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """Sums over runs of equal units along both axes."""
    starts = [np.unique(units, return_index=True)[1] for units in (rows, columns)]
    return np.add.reduceat(np.add.reduceat(values, starts[0], axis=0), starts[1], axis=1)
