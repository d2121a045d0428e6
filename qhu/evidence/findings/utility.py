"""What the models are still good for, and how far their forget rows are from the oracles'."""

from collections.abc import Iterator

from qhu.evidence.findings.rows import PoolFigure, of_estimate
from qhu.evidence.gathered import Gathered
from qhu.evidence.units import UnitEstimate, mean_over_units


def utility(gathered: Gathered) -> Iterator[PoolFigure]:
    """Accuracies on test rows; after every request of a sequence, too."""
    test = gathered.pool.whole.test
    right = gathered.accuracy(gathered.unlearned(), test)
    estimate = mean_over_units(right, gathered.units, step=1 / len(test))
    yield of_estimate("utility", "test", "acc_test", estimate)
    yield of_estimate("utility", "test", "delta_acc_test", beside_oracle(gathered))
    if len(gathered.requests) > 1:
        for number in range(len(gathered.requests)):
            drift = beside_oracle(gathered, number)
            yield of_estimate("utility", f"request {number + 1}", "delta_acc_test", drift)
    inside, outside = gathered.forget_game().margins
    difference = mean_over_units(inside - outside, gathered.units)
    yield of_estimate("utility", "forget", "delta_margin", difference)


def beside_oracle(gathered: Gathered, request: int = -1) -> UnitEstimate:
    """Accuracy on test rows, less that of the oracle of the same half."""
    test = gathered.pool.whole.test
    own, goal = (
        gathered.accuracy(logits, test)
        for logits in (gathered.unlearned(request), gathered.oracles(request).logits)
    )
    return mean_over_units(own - goal, gathered.units, step=1 / len(test))
