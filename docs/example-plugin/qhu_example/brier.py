"""The Brier score."""

import numpy as np

import qhu


@qhu.metric(
    "brier",
    reads=qhu.Reading(
        title="Brier score",
        against="retrain",
        span=(0, 2),
        headline=("forget",),
        claimed=("forget",),
        words={"forget": ("predicting them worse", "predicting them better")},
    ),
)
def brier(evidence: qhu.Evidence) -> dict[str, qhu.Measured]:
    """Brier score of the predictions per subset.

    ``brier_S = mean_i Σ_c (p_ic − [c = y_i])²`` over the rows i of S, in [0, 2]. Brier 1950.
    """
    p = evidence.model.probabilities
    truth = np.eye(p.shape[1])[evidence.labels]
    return evidence.mean_by_subset("brier", ((p - truth) ** 2).sum(axis=1))
