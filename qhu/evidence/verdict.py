"""The answer per scenario and method: indistinguishable, did not forget, over-forgot, cannot tell.

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

LEAK_MARGIN = 0.05
"""Of the AUC around ½. No attack that uses the score is then right more often than 55 %, nor has
more true than false positives by over 10 percentage points."""
UTILITY_MARGIN = 0.02
"""Of the test accuracy below the oracle's: two wrong answers more in a hundred."""
LEVEL = 0.05
"""Of all tests of difference on a page together: the probability that a page of methods that equal
their oracles says of any that it does not."""
ORACLE = "retrain"
"""The method whose row is a second oracle against the first: the design's own noise."""

Answer = Literal["indistinguishable", "did not forget", "over-forgot", "cannot tell"]
Utility = Literal["kept", "lost", "cannot tell"]


class Trial(NamedTuple):
    """What was measured of a method in a scenario.

    Attributes:
        scenario: name of the scenario.
        method: name of the method.
        leakage: AUC of the primary attack between unlearned models and oracles, forget rows.
        direction: mean margin of the forget rows, unlearned minus oracle.
        utility: test accuracy, unlearned minus oracle.
        cost_steps: optimiser steps of unlearning one model.
    """

    scenario: str
    method: str
    leakage: UnitEstimate
    direction: UnitEstimate
    utility: UnitEstimate
    cost_steps: float


class Judgement(NamedTuple):
    """What may be said of a trial.

    Attributes:
        trial: what was measured.
        answer: did it forget?
        utility: is the oracle's accuracy kept?
        reason: the answer's ground, in words.
        leak: the test of equivalence behind it.
        p_difference: corrected p-value of "leakage ½, or margins equal on average".
        p_utility: corrected p-value of "accuracy equal".
        smallest_effect: smallest |AUC − ½| that this page sees with 80 % power.
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
    leak_margin: float = LEAK_MARGIN,
    utility_margin: float = UTILITY_MARGIN,
) -> list[Judgement]:
    """Verdicts of all trials of a page, which are corrected together.

    Of methods that equal their oracles, any is called different with a probability of 5 % at most
    (Holm). A method whose AUC lies at the margin or beyond is called indistinguishable with 5 % at
    most (TOST, per method).

    Args:
        trials: all of the page, the rows ``none`` and ``retrain`` among them.
        leak_margin: largest |AUC − ½| that does not matter.
        utility_margin: largest loss of accuracy that does not matter.
    """
    leaks = [resolved(_enough(trial.leakage)) for trial in trials]
    utilities = [_enough(trial.utility) for trial in trials]
    differences = [
        _both(leak.p_value(0.5), _enough(trial.direction).p_value(0))
        for leak, trial in zip(leaks, trials, strict=True)
    ]
    family = [*differences, *(utility.p_value(0) for utility in utilities)]
    corrected = holm(family)
    level = LEVEL / max(1, int(np.isfinite(family).sum()))
    noise = {
        trial.scenario: leak.error
        for trial, leak in zip(trials, leaks, strict=True)
        if trial.method == ORACLE
    }
    judgements = []
    for index, (trial, leak) in enumerate(zip(trials, leaks, strict=True)):
        p_difference, p_utility = corrected[index], corrected[len(trials) + index]
        tolerance = equivalence(leak, 0.5, leak_margin)
        answer, reason = _answer(tolerance, leak, trial.direction, p_difference)
        error = max(leak.error, noise.get(trial.scenario, 0.0))
        judgements.append(
            Judgement(
                trial,
                answer,
                _utility(utilities[index], utility_margin, p_utility),
                reason,
                tolerance,
                float(p_difference),
                float(p_utility),
                smallest_leak(leak._replace(error=error), level),
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
    tolerance: Equivalence, leak: UnitEstimate, direction: UnitEstimate, p_difference: float
) -> tuple[Answer, str]:
    """Equivalence comes first: within the margin even a certain difference does not matter."""
    if tolerance.is_shown:
        return "indistinguishable", "the attack's AUC lies within the margin of ½"
    if p_difference < LEVEL:
        if direction.value > 0:
            return "did not forget", "forget rows still look trained on"
        return "over-forgot", "forget rows look less known than to a model that never saw them"
    if not np.isfinite(leak.error):
        return "cannot tell", f"fewer than {MIN_SEEDS} independent units"
    if tolerance.is_excluded:
        return "cannot tell", "an attack tells them apart, in no certain direction"
    return "cannot tell", "neither a difference nor equivalence is shown"


def _utility(utility: UnitEstimate, margin: float, p_utility: float) -> Utility:
    """Being better than the oracle is no loss: one of the two one-sided tests is enough."""
    if equivalence(utility, 0.0, margin).is_not_lower:
        return "kept"
    return "lost" if p_utility < LEVEL and utility.value < 0 else "cannot tell"
