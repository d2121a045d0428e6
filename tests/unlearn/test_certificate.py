"""The accountant against high-precision reference values, relative tolerance 1e-3."""

import math

import pytest

from qhu.errors import UserError
from qhu.unlearn.certificate import NoisySteps, delta_of, epsilon_of, mu_of

ROOT2 = math.sqrt(2)


def close(value, expected, rel=1e-3):
    return value == pytest.approx(expected, rel=rel)


@pytest.mark.parametrize(
    ("epsilon", "mu", "delta"),
    [
        (1, 0.2, 1.7546e-8),
        (1, 0.5, 6.8296e-3),
        (1, 1, 0.12694),
        (1.004, ROOT2, 0.28535),
        (2, 2, 0.33190),
        (5, 1, 5.7937e-7),
        (0, 1, 0.38292),
    ],
)
def test_delta(epsilon, mu, delta):
    assert close(delta_of(epsilon, mu), delta)


@pytest.mark.parametrize(
    ("mu", "epsilon"),
    [
        (0.1, 0.3407),
        (0.25, 0.9263),
        (0.5, 1.9931),
        (1, 4.3772),
        (ROOT2, 6.5730),
        (2, 9.9973),
        (5, 33.104),
        (10, 91.817),
        (600, 182557.9),
        (76786.67, 2.9484e9),
        (1e10, 5e19),
    ],
)
def test_epsilon(mu, epsilon):
    assert close(epsilon_of(mu, 1e-5), epsilon)


@pytest.mark.parametrize(
    ("epsilon", "mu", "delta"),
    [
        (0.5, 0.14221, 1e-5),
        (1, 0.26805, 1e-5),
        (2, 0.50155, 1e-5),
        (3, 0.71912, 1e-5),
        (5, 1.12124, 1e-5),
        (8, 1.66603, 1e-5),
        (10, 2.00045, 1e-5),
        (0.5, 0.12411, 1e-6),
        (1, 0.23670, 1e-6),
        (2, 0.44833, 1e-6),
        (5, 1.02036, 1e-6),
        (10, 1.84813, 1e-6),
    ],
)
def test_mu(epsilon, mu, delta):
    assert close(mu_of(epsilon, delta), mu)
    assert close(epsilon_of(mu_of(epsilon, delta), delta), epsilon, rel=1e-9)


def test_indistinguishable_from_the_start():
    assert epsilon_of(1e-6, 1e-5) == 0


@pytest.mark.parametrize(
    ("claimed", "exact"), [(0.5, 0.334), (1, 0.712), (2, 1.525), (3, 2.397), (5, 4.288)]
)
def test_the_published_theorem_is_conservative(claimed, exact):
    mu = 2 * claimed / (3 * math.sqrt(math.log(1e5)))
    assert close(epsilon_of(mu, 1e-5), exact, rel=2e-3)  # the reference has three digits


@pytest.mark.parametrize(
    ("run", "sigma"), [((1, 1, 0.01, 0, 100), 2.0358), ((1, 0.1, 0.01, 0, 500), 0.68284)]
)
def test_noise_of_the_published_theorem(run, sigma):
    """σ² = 9·ln(1/δ)/(ε²·T)·(C0 + γ·C1·T)² at ε = 1 is exactly μ = .19648."""
    radius, clip, lr, _, steps = run
    by_theorem = 3 * math.sqrt(math.log(1e5) / steps) * (radius + lr * clip * steps)
    assert close(by_theorem, sigma)
    assert close(NoisySteps(*run).mu(by_theorem), 0.19648)


@pytest.mark.parametrize(
    ("run", "sigma", "mu", "epsilon"),
    [
        ((1, 1, 0.01, 0, 100), 1, 0.4, 1.5550),
        ((1, 0.1, 0.01, 5, 1000), 0.5, 0.02498, 0.07488),
        ((1, 0.1, 0.01, 5, 50), 0.1, 0.59758, 2.43384),
        ((0, 1, 1e-3, 0, 225), 5e-5, 600, 182557.9),
        ((28.57, 1, 1e-3, 0, 225), 5e-5, 76786.67, 2.9484e9),
    ],
)
def test_what_a_run_certifies(run, sigma, mu, epsilon):
    steps = NoisySteps(*run)
    assert close(steps.mu(sigma), mu)
    assert close(epsilon_of(steps.mu(sigma), 1e-5), epsilon)


@pytest.mark.parametrize(
    ("run", "sigma", "total"),
    [
        ((1, 1, 0.01, 0, 100), 1.49225, 14.9225),
        ((1, 0.1, 0.01, 5, 1000), 0.046596, 0.14923),
        ((1, 0.1, 0.01, 0, 500), 0.50052, 11.1919),
        ((0.01, 10, 1e-4, 750, 10), 0.037660, 0.088078),
    ],
)
def test_noise_that_a_target_needs(run, sigma, total):
    steps = NoisySteps(*run)
    found = steps.sigma(mu_of(1, 1e-5))
    assert close(found, sigma)
    rho = 1 - steps.lr * steps.decay
    assert close(found * math.sqrt(sum(rho ** (2 * k) for k in range(steps.steps))), total)


@pytest.mark.parametrize(
    ("claimed", "exact"), [(0.5, 0.34962), (1, 0.74467), (2, 1.59661), (5, 4.49969)]
)
def test_certified_removal(claimed, exact):
    assert close(epsilon_of(claimed / math.sqrt(2 * math.log(1.5e5)), 1e-5), exact)


@pytest.mark.parametrize(("claimed", "exact"), [(0.5, 0.35257), (1, 0.75098), (5, 4.54010)])
def test_output_perturbation(claimed, exact):
    assert close(epsilon_of(claimed / math.sqrt(2 * math.log(1.25e5)), 1e-5), exact)


@pytest.mark.parametrize(
    ("epsilon", "ratio", "steps", "delta"),
    [
        (1, 1, 1, 0.126937),
        (1, 1, 2, 4.9818e-4),
        (1, 2, 1, 0.50986),
        (1, 2, 2, 0.21603),
        (1, 2, 3, 0.064857),
        (1, 2, 5, 2.4830e-4),
        (2, 3, 3, 0.26639),
    ],
)
def test_model_clipping(epsilon, ratio, steps, delta):
    found = 1.0
    for _ in range(steps):
        found *= delta_of(math.log(1 + (math.exp(epsilon) - 1) / found), ratio)
    assert close(found, delta)


def test_a_torus_of_angles_needs_more_noise_than_a_reset():
    assert close(math.pi * math.sqrt(24) / mu_of(1, 1e-5), 57.417)


@pytest.mark.parametrize(
    "run", [(1, 1, 0.1, 10, 5), (1, 1, 0.1, 11, 5), (1, 1, 0.1, -1, 5), (1, 1, 0.1, 1, 0)]
)
def test_runs_that_no_certificate_covers(run):
    with pytest.raises(UserError):
        NoisySteps(*run)
