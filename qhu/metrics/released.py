"""The result columns of arXiv 2512.19253, by its names and its definitions."""

import math
from dataclasses import replace

import numpy as np
from scipy.special import rel_entr

from qhu.data.split import RowNumbers
from qhu.metrics.distance import SMALLEST_PROBABILITY
from qhu.metrics.evidence import Evidence, Floats, Measured, Scores, measure
from qhu.metrics.membership import auc
from qhu.record.released import DISTANCES, DROPS, SETS, TEACHERS, UNLEARNED
from qhu.record.scores import Reading
from qhu.registry import metric

SPANS = {"KL": (0, -math.log(SMALLEST_PROBABILITY)), "JS": (0, math.log(2))}
READS = {
    **{k: Reading(title=f"{k}, accuracy", against="retrain", span=(0, 1)) for k in UNLEARNED},
    **{k: Reading(title=f"{k}, accuracy", against=None, span=(0, 1)) for k in TEACHERS},
    **{k: Reading(title=f"{k}, of accuracy", against="retrain", span=(-1, 1)) for k in DROPS},
    "UQI": Reading(title="UQI", against=None, better="higher", span=(-2, 2)),
    "KL": Reading(title="KL (nats)", against="floor", better="lower", span=SPANS["KL"]),
    "JS": Reading(title="JS (nats)", against="floor", better="lower", span=SPANS["JS"]),
    "Agree": Reading(title="Agree", against="floor", better="higher", span=(0, 1)),
    **{
        f"{k}_retain_shuffled": Reading(
            title=f"{k}_retain_shuffled, rows meet at random", against=None, span=span
        )
        for k, span in SPANS.items()
    },
    **{
        k: Reading(title=f"{k}, released attack", against="retrain", span=(0, 1))
        for k in ("MIA_AUC", "MIA_AUC_test")
    },
}
SHIFTS = 64
"""Pairings that shuffled JS is averaged over."""


@metric("released", reads=READS, cites=["crivoi2025quantum"], on_request=True)
def released(evidence: Evidence) -> Scores:
    """Every column of the tables released with arXiv 2512.19253, flaws included.

    Accuracies of the model (``_unlearn``) and the teacher (``_orig``), their differences, ``UQI``,
    ``KL``, ``JS`` and ``Agree`` with the oracle. ``KL_retain`` and ``JS_retain`` pair a row with
    itself; the release pairs rows at random, and ``KL_retain_shuffled`` and ``JS_retain_shuffled``
    are what that gives on average. ``MIA_AUC`` takes retain rows for non-members and is absent
    where a whole class is forgotten; ``MIA_AUC_test`` is the same attack against the test rows.
    """
    columns = _accuracies(evidence)
    scores = measure(evidence, ("uqi", "kl", "js", "agree"))
    columns["UQI"] = scores["uqi"]
    columns |= {column: scores[name] for column, name in DISTANCES.items()}
    retain, forget = (evidence.subsets[rows] for rows in ("retain", "forget"))
    p, q = (of.probabilities[retain] for of in (evidence.model, evidence.oracle))
    columns["KL_retain_shuffled"] = Measured(shuffled_kl(p, q), len(retain))
    columns["JS_retain_shuffled"] = Measured(shuffled_js(p, q), len(retain))
    if "test_forgotten" not in evidence.subsets and len(forget) <= len(retain):
        columns["MIA_AUC"] = _attack(evidence, non_members(retain, len(forget)))
        columns["MIA_AUC_test"] = _attack(evidence, evidence.subsets["test"])
    return columns


def _accuracies(evidence: Evidence) -> Scores:
    """Model's and teacher's accuracies, and what the model lost."""
    new = measure(evidence, ("acc",))
    old = measure(replace(evidence, model=evidence.teacher), ("acc",))
    columns = {f"acc_{rows}_unlearn": new[f"acc_{rows}"] for rows in SETS}
    columns |= {f"acc_{rows}_orig": old[f"acc_{rows}"] for rows in SETS}
    for rows in ("forget", "retain", "test"):
        before, after = old[f"acc_{rows}"], new[f"acc_{rows}"]
        columns[f"{rows}_drop"] = Measured(before.value - after.value, after.n)
    return columns


def non_members(retain: RowNumbers, count: int) -> RowNumbers:
    """Rows that the released attack takes for non-members: a sample of the retain set.

    NumPy's global stream, seeded 0, first gave each of the two networks of the teacher's training
    a device seed; then the sample was drawn.
    """
    stream = np.random.RandomState(0)
    stream.randint(0, 10_000_000, size=2)
    return retain[stream.choice(len(retain), size=count, replace=False)]


def shuffled_kl(p: Floats, q: Floats) -> float:
    """KL(p ‖ q) in nats, expected when rows of p (n, C) meet rows of q (n, C) at random.

    ``mean_ij Σ_c p_ic (ln p_ic − ln q_jc)``: the release collected both sides in passes over a
    shuffled loader.
    """
    p, q = np.maximum(p, SMALLEST_PROBABILITY), np.maximum(q, SMALLEST_PROBABILITY)
    entropy = -(p * np.log(p)).sum(axis=1).mean()
    return float(-(p.mean(axis=0) * np.log(q).mean(axis=0)).sum() - entropy)


def shuffled_js(p: Floats, q: Floats) -> float:
    """Jensen-Shannon divergence in nats of rows of p (n, C) and q (n, C) that meet at random.

    The mean over up to 64 evenly spaced cyclic pairings of the sorted rows: of all pairs if n is
    no larger, and very nearly so otherwise.
    """
    p, q = (rows[np.lexsort(rows.T)] for rows in (p, q))
    shifts = np.unique(np.linspace(0, len(p), SHIFTS, endpoint=False).astype(int))
    return float(np.mean([_js(p, np.roll(q, shift, axis=0)) for shift in shifts]))


def _js(p: Floats, q: Floats) -> float:
    middle = (p + q) / 2
    return float((rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1).mean() / 2)


def _attack(evidence: Evidence, strangers: RowNumbers) -> Measured:
    """AUC of the largest probability, forget rows against ``strangers``."""
    confidence, forget = evidence.model.probabilities.max(axis=1), evidence.subsets["forget"]
    return Measured(auc(confidence[forget], confidence[strangers]), len(forget))
