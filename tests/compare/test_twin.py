"""Parts of a recorded noise, and shots, against independent values."""

import numpy as np
import pytest
import torch

from qhu import registry
from qhu.compare.twin import Twin
from qhu.estimators.aer_outcomes import AerOutcomes
from qhu.estimators.noisy import NoisyEstimator
from qhu.model.circuit import build_ansatz
from qhu.settings.model import ModelSpec

FIGURES = {"depolarizing": [0.02, 0.05], "readout": [0.02, 0.1]}


@pytest.fixture(scope="module")
def ansatz():
    return build_ansatz(ModelSpec(layers=1), 3)


def twin(ansatz, **options):
    kind = registry.backend["aer"]
    backend = kind.make("twin", registry.backend.options("aer", options))
    backend.layer(ansatz, 0)
    return Twin.of(backend.effective(), ansatz)


def angles(seed=0, rows=4):
    return torch.from_numpy(np.random.default_rng(seed).uniform(-3, 3, (rows, 3))).float()


def weights(ansatz):
    return torch.from_numpy(np.random.default_rng(9).uniform(-3, 3, len(ansatz.weights))).float()


def test_the_steps_are_no_noise_that_of_gates_and_all(ansatz):
    x, w = angles(), weights(ansatz)
    exact, gates, full = (program(x, w) for program in twin(ansatz, **FIGURES).programs)
    alone = {name: twin(ansatz, **{name: FIGURES[name]}) for name in FIGURES}
    torch.testing.assert_close(exact, twin(ansatz, depolarizing=[0, 0]).programs[2](x, w))
    torch.testing.assert_close(gates, alone["depolarizing"].programs[2](x, w))
    # P(1|0) = 0.02 and P(0|1) = 0.1 read <Z> as 0.08 + 0.88 <Z>
    torch.testing.assert_close(full, 0.08 + 0.88 * gates)
    torch.testing.assert_close(alone["readout"].programs[1](x, w), exact)


def test_a_backend_without_noise_has_one_step(ansatz):
    exact = Twin.of({"kind": "statevector", "shots": None}, ansatz)
    assert exact.noisy is None and exact.measurement is None
    assert len({id(program) for program in exact.programs}) == 1


@pytest.mark.parametrize(
    "options", [FIGURES, {"device": "fake_manila", "layout": [3, 1, 2], "optimization_level": 1}]
)
def test_shots_have_the_mean_and_covariance_of_the_distribution(ansatz, options):
    """Against Aer's expectation values, ⟨Z⟩ and ⟨ZZ⟩, through a permuting layout."""
    x, w, shots, times = angles(rows=2), weights(ansatz), 50, 4000
    noisy = twin(ansatz, **options, shots=shots)
    drawn = torch.stack(noisy.measurement.draw(x, w, times, np.random.default_rng(1))).double()
    isa = noisy.noisy.ansatz
    estimator = NoisyEstimator(noisy.noisy.noise, 0.0, np.random.default_rng(0), AerOutcomes)
    pairs = [one.compose(other).simplify() for one in isa.observables for other in isa.observables]
    names = [p.name for p in isa.circuit.parameters]
    order = [[p.name for p in (*isa.inputs, *isa.weights)].index(name) for name in names]
    rows = torch.hstack([x, w.expand(2, -1)]).double().numpy()[:, order]
    found = estimator.run([(isa.circuit, [[o] for o in (*isa.observables, *pairs)], rows)])
    values = np.asarray(found.result()[0].data.evs)
    means, products = values[:3], values[3:].reshape(3, 3, 2)
    covariance = (products - means[:, None] * means[None]) / shots
    spread = 5 / np.sqrt(times)
    for row in range(2):
        measured = drawn[:, row].numpy()
        error = np.sqrt(np.diag(covariance[..., row])) * spread
        assert (np.abs(measured.mean(axis=0) - means[:, row]) < error + 1e-9).all()
        np.testing.assert_allclose(
            np.cov(measured.T), covariance[..., row], atol=2 * spread / shots
        )
