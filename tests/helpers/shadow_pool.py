"""A pool of models made of normal numbers: what differs between them is planted."""

import numpy as np

CLASSES = 3


def shadow_pool(
    seed=0, pairs=32, rows=6, population=5, memory=1.0, shift=0.0, spread=1.0, shared=0.5
):
    """Arguments of ``forget_game`` whose margins are normal with standard deviation 1.

    Args:
        seed: of the numbers.
        pairs: pairs of models, trained on complementary halves of ``2 * rows`` rows; the first
            ``rows`` of them are to be forgotten.
        rows: as above.
        population: rows that no model was trained on.
        memory: how far the margin of a teacher is higher on a row that it was trained on.
        shift: what is left of it in the unlearned model; below 0: over-forgetting.
        spread: standard deviation of the unlearned model's margin.
        shared: share of the variance that all rows of a model have in common.
    """
    rng = np.random.default_rng(seed)
    models, total = 2 * pairs, 2 * rows + population
    members = np.zeros((models, total), bool)
    for pair in range(pairs):
        members[2 * pair, rng.permutation(2 * rows)[:rows]] = True
        members[2 * pair + 1, : 2 * rows] = ~members[2 * pair, : 2 * rows]
    requested = members & (np.arange(total) < rows)
    labels, easiness = rng.integers(0, CLASSES, total), rng.normal(0, 2, total)

    def outputs(mean, deviation=1.0):
        own, common = rng.normal(size=members.shape), rng.normal(size=(models, 1))
        noise = np.sqrt(1 - shared) * own + np.sqrt(shared) * common
        logits = np.zeros((*members.shape, CLASSES), np.float32)
        margins = easiness + mean + deviation * noise
        logits[:, np.arange(total), labels] = margins + np.log(CLASSES - 1)
        return logits

    return {
        "teachers": outputs(memory * members),
        "oracle": outputs(0.0 * members),
        "unlearned": outputs(shift * requested, np.where(requested, spread, 1)),
        "members": members,
        "requested": requested,
        "labels": labels,
        "units": np.arange(models) // 2,
        "population": np.arange(2 * rows, total),
    }
