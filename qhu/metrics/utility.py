"""What the model still gets right."""

import numpy as np

from qhu.metrics.evidence import Evidence, Floats, Measured, Scores
from qhu.record.scores import Reading
from qhu.registry import metric

DAMAGED = ("", "damaged")


@metric(
    "acc",
    reads={
        "acc": Reading(
            title="accuracy",
            against="retrain",
            span=(0, 1),
            headline=("retain", "forget", "test", "test_kept", "test_forgotten"),
            claimed=("retain", "forget", "test", "test_kept"),
            words={
                "forget": ("remembering more", "over-forgetting"),
                **dict.fromkeys(("retain", "test", "test_kept"), DAMAGED),
            },
            tradeoff=True,
        ),
        "delta_acc": Reading(title="accuracy − oracle's", against=0, span=(-1, 1)),
    },
)
def accuracy(evidence: Evidence) -> Scores:
    """Accuracy per subset, and its paired difference to the oracle.

    ``acc_S = mean_i [argmax p_i = y_i]`` over the rows i of S, in [0, 1];
    ``delta_acc_S = acc_S(model) − acc_S(oracle)``, in [−1, 1].
    The oracle's value is the target on every subset: a lower ``acc_forget`` than the oracle's is
    over-forgetting, not success.
    """
    model = _correct(evidence, evidence.model.probabilities)
    difference = model - _correct(evidence, evidence.oracle.probabilities)
    return {
        **evidence.mean_by_subset("acc", model),
        **evidence.mean_by_subset("delta_acc", difference),
    }


@metric(
    "uqi",
    reads=Reading(title="unlearning quality index", against=None, better="higher", span=(-2, 2)),
    cites=["crivoi2025quantum"],
)
def quality_index(evidence: Evidence) -> Scores:
    """Unlearning quality index of arXiv 2512.19253, for comparison with that paper only.

    ``uqi = drop_forget − ½ (drop_retain + drop_test)`` with
    ``drop_S = acc_S(teacher) − acc_S(model)``, in [−2, 2], published as higher is better.
    It rewards over-forgetting and the oracle does not maximise it; 0 for the untouched teacher.
    ``n`` counts the forget rows.
    """
    before = _correct(evidence, evidence.teacher.probabilities)
    drop = before - _correct(evidence, evidence.model.probabilities)
    forget, retain, test = (drop[evidence.subsets[s]].mean() for s in ("forget", "retain", "test"))
    value = float(forget - (retain + test) / 2)
    return {"uqi": Measured(value, len(evidence.subsets["forget"]))}


def _correct(evidence: Evidence, probabilities: Floats) -> Floats:
    hit = probabilities.argmax(axis=1) == evidence.labels
    return hit.astype(np.float64)
