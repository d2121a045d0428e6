"""Models that had a row, and models that had another row of the request instead.

Halves of the training rows are equally large in every class. So a model that was trained on a
forget row and gave it back keeps a row less of its class than one that never had it, and knows the
class a little less: without any unlearning at fault its margin is lower. Models are comparable
where they gave back equally many rows of the class. What they keep is then drawn alike, and only
which rows they gave back differs.
"""

import numpy as np
from numpy.typing import NDArray

Booleans = NDArray[np.bool_]


def matched(
    members: Booleans, asked: Booleans, labels: NDArray[np.integer], seed: int
) -> tuple[Booleans, Booleans]:
    """Pairs of a model and a forget row to compare: trained on it, and never trained on it.

    Per row and number of rows of its class that are given back, as many models of either kind; of
    the kind that has more, models are drawn. A row that is the only one of its class has none.

    Args:
        members: (N, R) rows that a model was trained on.
        asked: (R,) rows to be forgotten.
        labels: (R,) classes.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    inside, outside = np.zeros_like(members), np.zeros_like(members)
    for row in np.flatnonzero(asked):
        returned = members[:, asked & (labels == labels[row])].sum(axis=1)
        for count in np.unique(returned):
            kinds = [
                np.flatnonzero((returned == count) & (members[:, row] == had)) for had in (1, 0)
            ]
            size = min(map(len, kinds))
            for pairs, models in zip((inside, outside), kinds, strict=True):
                pairs[rng.permutation(models)[:size], row] = True
    return inside, outside
