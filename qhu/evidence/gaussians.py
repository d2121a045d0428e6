"""A normal distribution per row, as likelihood-ratio attacks fit them to margins."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from qhu.evidence.game import Booleans, Floats, Score
from qhu.registry import Options


class FitOptions(Options):
    """Options of attacks that fit a normal distribution per row."""

    pooled_below: int = Field(16, ge=2)
    """number of models below which a row takes the variance that all rows have in common"""


@dataclass(frozen=True, eq=False)
class Gaussians:
    """One normal distribution per row.

    Attributes:
        mean: (R,), NaN for a row without a value.
        std: (R,) > 0.
    """

    mean: Floats
    std: Floats

    @classmethod
    def of(cls, values: Floats, pooled_below: int) -> "Gaussians":
        """Fit them.

        A row with few values takes the variance within rows that all rows have in common: the
        variance of two or three values may be anything, and a likelihood ratio divides by it.

        Args:
            values: (N, R), NaN for no value.
            pooled_below: number of values below which a row takes the common variance.
        """
        present = np.isfinite(values)
        count, mean = present.sum(0), mean_over_models(values)
        squares = np.where(present, values - mean, 0) ** 2
        freedom = np.maximum(count - 1, 0)
        common = squares.sum() / max(freedom.sum(), 1)
        variance = np.where(
            count < max(pooled_below, 2), common, squares.sum(0) / np.maximum(freedom, 1)
        )
        return cls(mean, np.sqrt(np.maximum(variance, _smallest(mean))))

    def log_density(self, values: Floats) -> Floats:
        """Logarithm of the density at (N, R) values, but for the constant ½ log 2π."""
        return -0.5 * self.standardised(values) ** 2 - np.log(self.std)

    def standardised(self, values: Floats) -> Floats:
        """Distance of (N, R) values from the mean in standard deviations."""
        return (values - self.mean) / self.std


def _smallest(mean: Floats) -> Floats:
    """A variance below which values are equal but for rounding."""
    scale = np.maximum(np.abs(np.where(np.isfinite(mean), mean, 0)), 1)
    return (scale * np.finfo(np.float32).eps) ** 2


def mean_over_models(values: Floats) -> Floats:
    """(R,) mean of (N, R) values by row, of those that are not NaN; NaN where none is."""
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(present, values, 0).sum(0) / present.sum(0)


def likelihood_ratio(
    inside: Floats, outside: Floats, options: FitOptions
) -> Callable[[Booleans], Score]:
    """What :meth:`Game.learned` takes: log-likelihood ratios of values by fits to two samples.

    Args:
        inside: (N, R) values of models that were trained on the row, NaN for no value.
        outside: (N, R) values of models that never were.
        options: how to fit.
    """

    def learn(earlier: Booleans) -> Score:
        trained, never = (
            Gaussians.of(sample[earlier], options.pooled_below) for sample in (inside, outside)
        )
        return lambda values: trained.log_density(values) - never.log_density(values)

    return learn
