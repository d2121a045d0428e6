"""Gaussian differential privacy: what noise of a given size certifies.

A mechanism is μ-GDP if telling two of its inputs apart is no easier than telling N(0, 1) from
N(μ, 1) (Dong, Roth & Su, JRSS B 2022); every (ε, δ) below is exact for that pair.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfcx, log_ndtr, ndtri

from qhu.errors import UserError


@dataclass(frozen=True)
class NoisySteps:
    """T steps x ← x − γ·(clip(g, C1) + λ·x) + N(0, σ²·Id) from a start inside a ball.

    The radius of the ball is C0, centred like the decay on a public point. By shifted
    interpolation (Bok, Su & Altschuler, arXiv 2403.00278), with ρ = 1 − γ·λ, runs from any two
    starts are μ-GDP apart for

        μ = (2·C0·ρ^T + 2·γ·C1·Σ_{k<T} ρ^k) / (σ·√(Σ_{k<T} ρ^{2k}))

    Raises:
        UserError: ρ is not in (0, 1], or there is no step.
    """

    radius: float
    clip: float
    lr: float
    decay: float
    steps: int

    def __post_init__(self) -> None:
        if not 0 < 1 - self.lr * self.decay <= 1:
            raise UserError(
                f"lr·decay must lie in [0, 1) for a certificate (got {self.lr * self.decay:g}): "
                "lower decay or lr"
            )
        if self.steps < 1:
            raise UserError("a certificate needs at least one noisy step: raise steps")

    def mu(self, sigma: float) -> float:
        """μ for noise of standard deviation σ per step and coordinate."""
        return self._distance() / sigma

    def sigma(self, mu: float) -> float:
        """Standard deviation of the noise, per step and coordinate, that gives μ."""
        return self._distance() / mu

    def _distance(self) -> float:
        rho = 1 - self.lr * self.decay
        powers = rho ** np.arange(self.steps)
        moved = 2 * self.radius * rho**self.steps + 2 * self.lr * self.clip * powers.sum()
        return float(moved / math.sqrt(np.square(powers).sum()))


def delta_of(epsilon: float, mu: float) -> float:
    """δ(ε) = Φ(−ε/μ + μ/2) − e^ε·Φ(−ε/μ − μ/2) of a μ-GDP mechanism."""
    return math.exp(_log_delta(epsilon, mu))


def epsilon_of(mu: float, delta: float) -> float:
    """Smallest ε ≥ 0 with which a μ-GDP mechanism is (ε, δ)-indistinguishable."""
    if _log_delta(0.0, mu) <= math.log(delta):
        return 0.0
    # Without its second, negative term, δ(ε) = Φ(−ε/μ + μ/2); rounding is given some room.
    upper = (mu**2 / 2 - mu * float(ndtri(delta))) * (1 + 1e-9)
    return float(brentq(lambda e: _log_delta(e, mu) - math.log(delta), 0.0, upper))


def mu_of(epsilon: float, delta: float) -> float:
    """Largest μ that still gives (ε, δ), for ε > 0."""
    z = float(ndtri(delta))
    lower = 2 * epsilon / (math.sqrt(z**2 + 2 * epsilon) - z)  # the bound of epsilon_of, inverted
    lower *= 1 - 1e-9
    upper = 2 * lower
    while _log_delta(epsilon, upper) < math.log(delta):
        upper *= 2
    return float(brentq(lambda m: _log_delta(epsilon, m) - math.log(delta), lower, upper))


def _log_delta(epsilon: float, mu: float) -> float:
    """ln δ(ε) without overflow: e^ε = φ(a)/φ(b), so that δ = Φ(a)·(1 − R(b)/R(a)), R = Φ/φ."""
    a, b = mu / 2 - epsilon / mu, -mu / 2 - epsilon / mu
    return float(log_ndtr(a) + np.log(-np.expm1(_log_ratio(b) - _log_ratio(a))))


def _log_ratio(t: float) -> float:
    """ln(Φ(t)/φ(t))."""
    if t < 0:
        return float(np.log(erfcx(-t / math.sqrt(2))) + math.log(math.pi / 2) / 2)
    return float(log_ndtr(t) + t**2 / 2 + math.log(2 * math.pi) / 2)
