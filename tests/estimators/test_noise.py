"""Noise models against closed forms."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qhu.estimators.noise import figures_noise
from qhu.estimators.noisy import NoisyEstimator

TIMES = (60e-9, 660e-9)


def value(noise, circuit, label):
    estimator = NoisyEstimator(noise, 0.0, np.random.default_rng(0))
    result = estimator.run([(circuit, SparsePauliOp(label))]).result()[0]
    return float(result.data.evs)


def flips(count):
    circuit = QuantumCircuit(1)
    for _ in range(count):
        circuit.x(0)
    return circuit


@pytest.mark.parametrize("count", [1, 2, 7])
def test_depolarizing_shrinks_z_by_one_minus_lambda_per_gate(count):
    noise = figures_noise((0.02, 0.3), None, None, TIMES)
    assert value(noise, flips(count), "Z") == pytest.approx((-1) ** count * 0.98**count, abs=1e-12)


def test_two_qubit_depolarizing_shrinks_every_pauli_alike():
    noise = figures_noise((0.0, 0.02), None, None, TIMES)
    circuit = QuantumCircuit(2)
    circuit.x(0)
    for _ in range(3):
        circuit.cz(0, 1)
    for label, sign in (("IZ", -1), ("ZI", 1), ("ZZ", -1)):
        assert value(noise, circuit, label) == pytest.approx(sign * 0.98**3, abs=1e-12)


@pytest.mark.parametrize("count", [1, 20])
def test_the_excited_state_decays_with_t1(count):
    t1 = 1e-6
    noise = figures_noise(None, None, (t1, 2 * t1), TIMES)
    circuit = QuantumCircuit(2)
    circuit.x(0)
    for _ in range(count):
        circuit.cz(0, 1)
    time = TIMES[0] + count * TIMES[1]
    assert value(noise, circuit, "IZ") == pytest.approx(1 - 2 * np.exp(-time / t1), abs=1e-12)


def test_coherence_decays_with_t2():
    """|+⟩ (h is no native gate: exact) through one cz, read in the X basis."""
    t1, t2 = 5e-6, 3e-6
    noise = figures_noise(None, None, (t1, t2), TIMES)
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cz(0, 1)
    decay = np.exp(-TIMES[1] / t2)
    # The rotation rz·sx·rz relaxes for one gate time: Z goes to 1 - (1 - Z)·exp(-t/t1).
    expected = 1 - (1 - decay) * np.exp(-TIMES[0] / t1)
    assert value(noise, circuit, "IX") == pytest.approx(expected, abs=1e-12)


def test_depolarizing_and_relaxation_compose():
    t1 = 2e-6
    noise = figures_noise((0.1, 0.1), None, (t1, t1), TIMES)
    expected = 1 - (1 + 0.9) * np.exp(-TIMES[0] / t1)
    assert value(noise, flips(1), "Z") == pytest.approx(expected, abs=1e-12)


def test_readout_confuses_each_state_by_its_own_figure():
    noise = figures_noise(None, (0.03, 0.1), None, TIMES)
    assert value(noise, flips(0), "Z") == pytest.approx(1 - 2 * 0.03, abs=1e-12)
    assert value(noise, flips(1), "Z") == pytest.approx(-1 + 2 * 0.1, abs=1e-12)
