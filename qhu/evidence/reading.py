"""What a pool says about a method in a scenario: rows of ``evidence.csv`` and a trial to judge."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from qhu.evidence.findings.attacked import area, attacked, direction
from qhu.evidence.findings.bounded import bounded
from qhu.evidence.findings.distances import distances
from qhu.evidence.findings.reconstructed import reconstructed
from qhu.evidence.findings.relearned import relearned
from qhu.evidence.findings.rows import PoolFigure
from qhu.evidence.findings.utility import beside_oracle, utility
from qhu.evidence.gathered import Enquiry, Gathered
from qhu.evidence.pool import Pool
from qhu.evidence.units import UnitEstimate
from qhu.evidence.verdict import Trial
from qhu.record.identity import code_digest, identity
from qhu.record.json_text import as_float
from qhu.study import Study

KINDS: tuple[Callable[[Gathered], Iterator[PoolFigure]], ...] = (
    attacked,
    utility,
    distances,
    relearned,
    reconstructed,
    bounded,
)
"""Kinds of evidence, in the order of their rows."""


class EnquiryResult(NamedTuple):
    """All that a pool says about an enquiry."""

    enquiry: Enquiry
    findings: list[PoolFigure]
    trial: Trial


def read(study: Study, enquiry: Enquiry) -> EnquiryResult:
    """The findings and the trial of an enquiry; from the store if they are there."""
    pool = Pool(study)
    batches = pool.batches(enquiry.method, enquiry.scenario)
    models = [pool.key(batch) for batch in batches]
    settings = [identity(pool.spec), code_digest("qhu.evidence.reading")]
    key = study.key("evidence", "evaluate", pool.spec.seed, enquiry, models, settings)

    def compute() -> tuple[dict[str, Any], dict[str, Any]]:
        gathered = Gathered(pool, enquiry)
        findings = [finding for kind in KINDS for finding in kind(gathered)]
        values = np.array([[f.value, f.ci_low, f.ci_high] for f in findings])
        names = [[f.attack, f.tier, f.metric, f.n] for f in findings]
        return {"values": values}, {"names": names, "trial": _trial(gathered)[2:]}

    stage = study.store.get(key, compute)
    *estimates, cost = stage.facts["trial"]
    leakage, membership, margin, accuracy = (
        UnitEstimate(as_float(value), as_float(error), units) for value, error, units in estimates
    )
    findings = [
        PoolFigure(attack, tier, metric, value, low, high, n)
        for (attack, tier, metric, n), (value, low, high) in zip(
            stage.facts["names"], stage.arrays["values"].tolist(), strict=True
        )
    ]
    trial = Trial(*enquiry, leakage, membership, margin, accuracy, cost)
    return EnquiryResult(enquiry, findings, trial)


def _trial(gathered: Gathered) -> Trial:
    """What verdicts are made of."""
    membership = gathered.membership_game()
    leaks = (area(game) for game in (gathered.forget_game(), membership))
    leak, member = (UnitEstimate(rate.value, rate.se, rate.df + 1) for rate in leaks)
    cost = float(gathered.models.steps.mean())
    enquiry, accuracy = gathered.enquiry, beside_oracle(gathered)
    return Trial(*enquiry, leak, member, direction(membership), accuracy, cost)
