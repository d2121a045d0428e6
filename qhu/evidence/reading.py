"""What a pool says about a method in a scenario: rows of ``evidence.csv`` and a trial to judge."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from qhu.evidence.findings.attacked import area, attacked, direction
from qhu.evidence.findings.bounded import bounded
from qhu.evidence.findings.distances import distances
from qhu.evidence.findings.reconstructed import reconstructed
from qhu.evidence.findings.relearned import relearned
from qhu.evidence.findings.rows import Finding
from qhu.evidence.findings.utility import beside_oracle, utility
from qhu.evidence.gathered import Gathered, Question
from qhu.evidence.pool import Pool
from qhu.evidence.units import UnitEstimate
from qhu.evidence.verdict import Trial
from qhu.record.identity import code_digest, identity
from qhu.study import Study

KINDS: tuple[Callable[[Gathered], Iterator[Finding]], ...] = (
    attacked,
    utility,
    distances,
    relearned,
    reconstructed,
    bounded,
)
"""Kinds of evidence, in the order of their rows."""


class Reading(NamedTuple):
    """All that a pool says about a question."""

    question: Question
    findings: list[Finding]
    trial: Trial


def read(study: Study, question: Question) -> Reading:
    """The findings and the trial of a question; from the store if they are there."""
    pool = Pool(study)
    batches = pool.batches(question.method, question.scenario)
    models = [pool.key(batch) for batch in batches]
    settings = [identity(pool.spec), code_digest("qhu.evidence.reading")]
    key = study.key("evidence", "evaluate", pool.spec.seed, question, models, settings)

    def compute() -> tuple[dict[str, Any], dict[str, Any]]:
        gathered = Gathered(pool, question)
        findings = [finding for kind in KINDS for finding in kind(gathered)]
        values = np.array([[f.value, f.ci_low, f.ci_high] for f in findings])
        names = [[f.attack, f.tier, f.metric, f.n] for f in findings]
        return {"values": values}, {"names": names, "trial": _trial(gathered)[2:]}

    stage = study.store.get(key, compute)
    *estimates, cost = stage.facts["trial"]
    leakage, membership, margin, accuracy = (UnitEstimate(*estimate) for estimate in estimates)
    findings = [
        Finding(attack, tier, metric, value, low, high, n)
        for (attack, tier, metric, n), (value, low, high) in zip(
            stage.facts["names"], stage.arrays["values"].tolist(), strict=True
        )
    ]
    trial = Trial(*question, leakage, membership, margin, accuracy, cost)
    return Reading(question, findings, trial)


def _trial(gathered: Gathered) -> Trial:
    """What verdicts are made of."""
    membership = gathered.membership_game()
    leaks = (area(game) for game in (gathered.forget_game(), membership))
    leak, member = (UnitEstimate(rate.value, rate.se, rate.df + 1) for rate in leaks)
    cost = float(gathered.models.steps.mean())
    question, accuracy = gathered.question, beside_oracle(gathered)
    return Trial(*question, leak, member, direction(membership), accuracy, cost)
