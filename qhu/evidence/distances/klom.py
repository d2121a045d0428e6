"""KLoM: KL divergence of margins, row by row, from those of oracles."""

import numpy as np
from numpy.typing import NDArray

from qhu.evidence.distances.halves import Beside, beside_floor
from qhu.evidence.units import Floats

BINS = 20
LEAST = 1e-5
"""Probability of a bin that holds unlearned models and no oracle."""
LARGEST = 100.0
"""Margins are clipped to ± this."""


def klom(
    unlearned: Floats, oracle: Floats, units: NDArray[np.integer], seed: int = 0
) -> dict[str, Beside]:
    """Median and 95th percentile over rows of KL(unlearned ‖ oracle), in nats.

    After Georgiev et al. (arXiv 2410.23232), with the numbers of EasyDUB: per row a histogram of 20
    bins over the range of both samples; what falls in a bin without oracles is compared with a
    probability of 1e-5.

    Args:
        unlearned: (N, R) margins ``z_y − log Σ_{c≠y} exp z_c``, NaN where there is no pair.
        oracle: (N, R) likewise.
        units: (N,) unit of each model.
        seed: of the bootstrap.

    Returns:
        ``klom_median`` and ``klom_p95``, each beside its floor.
    """
    percentiles = beside_floor(divergence, _percentiles, unlearned, oracle, units, seed)
    return dict(zip(("klom_median", "klom_p95"), percentiles, strict=True))


def _percentiles(distances: Floats) -> Floats:
    if not distances.shape[1]:
        return np.full((len(distances), 2), np.nan)
    return np.percentile(distances, (50, 95), axis=1).T


def divergence(inside: Floats, outside: Floats, weights: Floats, others: Floats) -> Floats:
    """KL divergence of two weighted histograms of the same bins, (B,) in nats.

    Args:
        inside: (n,) margins.
        outside: (m,) margins.
        weights: (B, n) how often each of the first counts.
        others: (B, m) how often each of the second counts.
    """
    samples = [np.clip(sample, -LARGEST, LARGEST) for sample in (inside, outside)]
    low = min(sample.min() for sample in samples)
    high = max(sample.max() for sample in samples)
    width = (high - low) / BINS or 1.0
    shares = []
    for sample, counted in zip(samples, (weights, others), strict=True):
        bins = np.minimum((sample - low) // width, BINS - 1)
        counts = counted @ (bins[:, None] == np.arange(BINS)).astype(np.float64)
        shares.append(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    p, q = shares[0], np.maximum(shares[1], LEAST)
    return np.asarray((p * np.log(np.where(p > 0, p / q, 1.0))).sum(axis=1), np.float64)
