"""What an experiment says of the tuning that its options come from."""

from typing import Annotated

from pydantic import Field

from qhu.record.naming import Name
from qhu.registry import Options


class TunedValue(Options):
    """Value of a trial, as :mod:`qhu.tune.objective` has it; lower is better."""

    objective: float
    """what was minimised, the sum of the others"""
    leakage: float
    """what a second oracle does not explain of the forget rows' distance to the oracle"""
    utility_loss: float
    """share of the oracle's accuracy above guessing that is lost on validation rows"""


class TunedMethod(Options):
    """What tuning did for one method."""

    trials: int = Field(ge=1)
    """trials that it had; 1: there is nothing to tune"""
    before: TunedValue
    """of the options it had: the first trial"""
    after: TunedValue
    """of the options it has here: the best trial"""


class Tuned(Options):
    """The section ``tuned`` of an experiment file: no number depends on it."""

    experiment: Name
    """the experiment that was tuned"""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    """tuning seeds; none of them may be reported"""
    scenarios: Annotated[tuple[Name, ...], Field(min_length=1)]
    """scenarios that the options are the best of, together"""
    trials: int = Field(ge=1)
    """trials of every method that has something to tune, its own options first"""
    objective: str
    """what was minimised, in words"""
    date: str
    """day on which it was written"""
    versions: dict[str, str]
    """of qhu and of the sampler's package"""
    methods: dict[Name, TunedMethod]
    """by label"""
