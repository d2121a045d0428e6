"""The answer per scenario and method, in one of five words.

Two games are played with the forget rows. *Leakage*: the models that unlearned a row against
models retrained without it. Whatever is AUC ½ there, nobody can tell from retraining. But a method
that trains for longer, or destroys, differs from retraining on all rows alike. *Membership*: the
models that unlearned a row against models that went through the same method and never saw it. Only
what differs there is about the row. Where a whole class is to be forgotten every model has seen
rows like it, and the first game serves for both.

Declared before looking: the attack (U-LiRA on the forget rows), the margins, the levels, and that
all tests of a page are corrected together. ``docs/evidence/verdicts.md`` gives the reasons.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from qhu.evidence.equivalence import Equivalence, equivalence
from qhu.evidence.power import resolved, smallest_leak
from qhu.evidence.units import UnitEstimate
from qhu.report.statistics import MIN_SEEDS, holm
from qhu.report.verdicts import MARGIN, UTILITY_MARGIN

LEVEL = 0.05
"""Of all tests of difference on a page together: the probability that a page of methods that equal
their oracles says of any that it does not."""
ORACLE = "retrain"
"""The method whose row is a second oracle against the first: the design's own noise."""

Answer = Literal["indistinguishable", "forgot", "did not forget", "over-forgot", "cannot tell"]
"""``indistinguishable`` from retraining; ``forgot`` the rows, but is no retrained model; rows still
look trained on (``did not forget``), or less known than rows never seen (``over-forgot``)."""
Utility = Literal["kept", "lost", "cannot tell"]


class Trial(NamedTuple):
    """What was measured of a method in a scenario.

    Attributes:
        scenario: name of the scenario.
        method: name of the method.
        leakage: AUC of the primary attack between unlearned models and oracles, forget rows.
        membership: its AUC between unlearned models that were trained on the row and unlearned
            models that never were; of a whole class, the leakage.
        direction: mean margin of the forget rows between the worlds of ``membership``.
        utility: test accuracy, unlearned minus oracle.
        cost_steps: optimiser steps of unlearning one model.
    """

    scenario: str
    method: str
    leakage: UnitEstimate
    membership: UnitEstimate
    direction: UnitEstimate
    utility: UnitEstimate
    cost_steps: float


class TrialVerdict(NamedTuple):
    """What may be said of a trial.

    Attributes:
        trial: what was measured.
        answer: did it forget?
        utility: is the oracle's accuracy kept?
        reason: the answer's ground, in words.
        leak: the test of equivalence behind it.
        p_difference: corrected p-value of "membership ½, or margins equal on average".
        p_utility: corrected p-value of "accuracy equal".
        smallest_effect: smallest |AUC − ½| of ``membership`` that this page sees with 80 % power.
    """

    trial: Trial
    answer: Answer
    utility: Utility
    reason: str
    leak: Equivalence
    p_difference: float
    p_utility: float
    smallest_effect: float

    def row(self) -> dict[str, Any]:
        """The row of ``verdicts.csv``."""
        return {
            "scenario": self.trial.scenario,
            "method": self.trial.method,
            "verdict": self.answer,
            "leakage": self.trial.leakage.value,
            "utility": self.trial.utility.value,
            "cost_steps": self.trial.cost_steps,
            "smallest_effect": self.smallest_effect,
        }


def judge(
    trials: Sequence[Trial],
    *,
    leak_margin: float = MARGIN,
    utility_margin: float = UTILITY_MARGIN,
) -> list[TrialVerdict]:
    """Verdicts of all trials of a page, which are corrected together.

    Of methods that forget, any is said not to, or to over-forget, with a probability of 5 % at most
    (Holm). A method whose AUC lies at the margin or beyond is called indistinguishable, or said to
    have forgotten, with 5 % at most (TOST, per method).

    Args:
        trials: all of the page, the rows ``none`` and ``retrain`` among them.
        leak_margin: largest |AUC − ½| that does not matter.
        utility_margin: largest loss of accuracy that does not matter.
    """
    leaks = [resolved(_enough(trial.leakage)) for trial in trials]
    members = [resolved(_enough(trial.membership)) for trial in trials]
    utilities = [_enough(trial.utility) for trial in trials]
    differences = [
        _both(member.p_value(0.5), _enough(trial.direction).p_value(0))
        for member, trial in zip(members, trials, strict=True)
    ]
    family = [*differences, *(utility.p_value(0) for utility in utilities)]
    corrected = holm(family)
    level = LEVEL / max(1, int(np.isfinite(family).sum()))
    noise = {
        trial.scenario: member.error
        for trial, member in zip(trials, members, strict=True)
        if trial.method == ORACLE
    }
    judgements = []
    for index, (trial, member) in enumerate(zip(trials, members, strict=True)):
        p_difference, p_utility = corrected[index], corrected[len(trials) + index]
        tolerance = equivalence(leaks[index], 0.5, leak_margin)
        membership = equivalence(member, 0.5, leak_margin)
        answer, reason = _answer(tolerance, membership, trial.direction, p_difference)
        error = max(member.error, noise.get(trial.scenario, 0.0))
        judgements.append(
            TrialVerdict(
                trial,
                answer,
                _utility(utilities[index], utility_margin, p_utility),
                reason,
                tolerance,
                float(p_difference),
                float(p_utility),
                smallest_leak(member._replace(error=error), level),
            )
        )
    return judgements


def _enough(estimate: UnitEstimate) -> UnitEstimate:
    """An estimate of too few units has no error to test by."""
    return estimate if estimate.units >= MIN_SEEDS else estimate._replace(error=float("nan"))


def _both(p_leak: float, p_direction: float) -> float:
    """p-value of a claim that needs both tests: the larger (intersection-union test)."""
    return float(np.maximum(p_leak, p_direction))


def _answer(
    leak: Equivalence, membership: Equivalence, direction: UnitEstimate, p_difference: float
) -> tuple[Answer, str]:
    """Of retraining, equivalence comes first: within the margin no difference matters.

    Of the rows, a difference does: doing nothing where little is memorised would be within the
    margin too, and has forgotten nothing.
    """
    if leak.is_shown:
        return "indistinguishable", "from retraining: the attack's AUC lies within the margin of ½"
    if p_difference < LEVEL:
        if direction.value > 0:
            return "did not forget", "forget rows still look trained on"
        return "over-forgot", "forget rows look less known than rows that were never seen"
    if membership.is_shown:
        return "forgot", "nothing tells the rows from rows never seen, but it is no retrained model"
    if np.isnan([leak.low, membership.low]).any():
        return "cannot tell", f"fewer than {MIN_SEEDS} independent units to compare"
    if membership.is_excluded:
        return "cannot tell", "an attack tells the rows apart, in no certain direction"
    return "cannot tell", "neither a difference nor equivalence is shown"


def _utility(utility: UnitEstimate, margin: float, p_utility: float) -> Utility:
    """Being better than the oracle is no loss: one of the two one-sided tests is enough."""
    if equivalence(utility, 0.0, margin).is_not_lower:
        return "kept"
    return "lost" if p_utility < LEVEL and utility.value < 0 else "cannot tell"
