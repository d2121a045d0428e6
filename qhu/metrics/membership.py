"""Whether an attacker can tell the forget rows from rows that the model never saw."""

import numpy as np
from scipy.stats import rankdata

from qhu.data.split import RowNumbers
from qhu.metrics.evidence import Evidence, Floats, Measured, Scores
from qhu.record.scores import Reading
from qhu.registry import metric


@metric(
    "mia",
    reads={
        "mia": Reading(
            title="attack AUC",
            against="retrain",
            span=(0, 1),
            headline=("forget",),
            claimed=("forget",),
            words={"forget": ("looking more trained-on", "standing out as uncertain")},
        ),
        "delta_mia": Reading(title="attack AUC − oracle's", against=0, span=(-1, 1)),
        "mia_gap": Reading(
            title="|attack AUC − oracle's|", against="floor", better="lower", span=(0, 1)
        ),
    },
    cites=["salem2019leaks"],
)
def confidence_attack(evidence: Evidence) -> Scores:
    """Confidence attack: AUC of forget against unseen test rows.

    The attacker scores a row by its largest class probability. Members are the forget rows,
    non-members the test rows of the same class: ``mia_forget = Σ_c w_c AUC_c``, w_c the share of
    class c among the forget rows, in [0, 1]; comparing class by class needs no resampling. Above
    ½ forget rows look trained on, below ½ they stand out as suspiciously uncertain: both leak.
    ``delta_mia_forget = mia(model) − mia(oracle)`` is signed, ``mia_gap_forget`` its absolute
    value, which few rows alone lift above 0 (compare with the floor row). Forget rows of a class
    without test rows are left out; ``n`` counts the others, and with none the scores are absent.
    """
    model = attack_auc(evidence, evidence.model.probabilities)
    oracle = attack_auc(evidence, evidence.oracle.probabilities)
    if model is None or oracle is None:
        return {}
    delta = model.value - oracle.value
    return {
        "mia_forget": model,
        "delta_mia_forget": Measured(delta, model.n),
        "mia_gap_forget": Measured(abs(delta), model.n),
    }


def attack_auc(evidence: Evidence, probabilities: Floats) -> Measured | None:
    """Class-stratified AUC of the largest probability, None if no class can be compared."""
    confidence = probabilities.max(axis=1)
    total, n = 0.0, 0
    for label in np.unique(evidence.labels[evidence.subsets["forget"]]):
        members = _of_class(evidence, "forget", label)
        strangers = _of_class(evidence, "test", label)
        if len(strangers):
            total += len(members) * auc(confidence[members], confidence[strangers])
            n += len(members)
    return Measured(total / n, n) if n else None


def auc(members: Floats, strangers: Floats) -> float:
    """Probability that a random member scores above a random stranger, ties counted half."""
    m, k = len(members), len(strangers)
    ranks = rankdata(np.concatenate([members, strangers]))
    return float((ranks[:m].sum() - m * (m + 1) / 2) / (m * k))


def _of_class(evidence: Evidence, subset: str, label: int) -> RowNumbers:
    rows = evidence.subsets[subset]
    return rows[evidence.labels[rows] == label]
