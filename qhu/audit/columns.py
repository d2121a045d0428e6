"""The released result columns, and what the release lacks, from qhu's own metrics."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qhu.audit.release import SUBSET, Rows, released_non_members
from qhu.evaluate.distance import FLOOR
from qhu.evaluate.evidence import Evidence, measure
from qhu.evaluate.membership import auc

SETS = ("retain", "forget", "test")
# Released distance column to qhu's score. The release leaves clipped probabilities unnormalised,
# which changes KL by less than 1e-6.
DISTANCES = {
    f"{column}_{rows}": f"{score}_{rows}"
    for column, score in {"KL": "kl", "JS": "js", "Agree": "agree"}.items()
    for rows in ("retain", "test")
}
COLUMNS = (
    *(f"acc_{rows}_{model}" for model in ("unlearn", "orig") for rows in SETS),
    *("forget_drop", "retain_drop", "test_drop", "UQI"),
    *DISTANCES,
    "MIA_AUC",
)
EXTRA = ("KL_retain_shuffled", "MIA_AUC_test", "mia_forget")


def columns(evidence: Evidence, scenario: str) -> dict[str, float]:
    """Every released column of a model, then the extra ones; undefined ones are absent.

    Args:
        evidence: the model in question.
        scenario: the released attack exists for ``subset2pct`` only.
    """
    names = ("acc", "uqi", "kl", "js", "agree", "mia")
    scores = {name: score.value for name, score in measure(evidence, names).items()}
    before = replace(evidence, model=evidence.teacher)
    old = {name: score.value for name, score in measure(before, ("acc",)).items()}
    found = {f"acc_{rows}_unlearn": scores[f"acc_{rows}"] for rows in SETS}
    found |= {f"acc_{rows}_orig": old[f"acc_{rows}"] for rows in SETS}
    found |= {f"{rows}_drop": old[f"acc_{rows}"] - scores[f"acc_{rows}"] for rows in SETS}
    found["UQI"] = scores["uqi"]
    found |= {column: scores[name] for column, name in DISTANCES.items()}
    if scenario == SUBSET:
        retain, forget = (evidence.subsets[rows] for rows in ("retain", "forget"))
        found["MIA_AUC"] = _attack(evidence, released_non_members(retain, len(forget)))
        found["MIA_AUC_test"] = _attack(evidence, evidence.subsets["test"])
    if "mia_forget" in scores:
        found["mia_forget"] = scores["mia_forget"]
    retained = evidence.subsets["retain"]
    found["KL_retain_shuffled"] = shuffled_kl(
        evidence.model.probabilities[retained], evidence.oracle.probabilities[retained]
    )
    return {name: found[name] for name in (*COLUMNS, *EXTRA) if name in found}


def shuffled_kl(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """KL(p ‖ q) in nats, expected when rows of p (n, C) meet rows of q (n, C) at random.

    ``mean_ij Σ_c p_ic (ln p_ic − ln q_jc)``: the release collected both sides in passes over a
    shuffled loader.
    """
    p, q = np.maximum(p, FLOOR), np.maximum(q, FLOOR)
    entropy = -(p * np.log(p)).sum(axis=1).mean()
    return float(-(p.mean(axis=0) * np.log(q).mean(axis=0)).sum() - entropy)


def _attack(evidence: Evidence, strangers: Rows) -> float:
    """AUC of the largest probability, forget rows against ``strangers``."""
    confidence = evidence.model.probabilities.max(axis=1)
    return auc(confidence[evidence.subsets["forget"]], confidence[strangers])
