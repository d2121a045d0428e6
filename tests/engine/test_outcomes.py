"""Outcome distributions under noise against Aer's density matrices and closed forms."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noisy_circuits import aer_outcomes, native_circuits, noise_model
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit_aer.noise import NoiseModel

from qhu.backends.named import open_backend
from qhu.engine.ansatz import Ansatz
from qhu.engine.noise import Noise
from qhu.engine.outcomes import Outcomes
from qhu.errors import UserError
from qhu.model.circuit import build_ansatz
from qhu.settings.model import ModelSpec


def draw(circuit: QuantumCircuit, rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-3, 3, (rows, circuit.num_parameters))


def by_aer(circuit: QuantumCircuit, noise: NoiseModel, rows: np.ndarray) -> np.ndarray:
    return aer_outcomes(Ansatz(circuit, tuple(circuit.parameters), (), ()), noise, rows)


@settings(deadline=None, max_examples=25)
@given(native_circuits(), st.integers(0, 99))
def test_random_circuits_and_errors(ansatz: Ansatz, seed: int) -> None:
    circuit, noise = ansatz.circuit, noise_model(seed, ansatz.circuit.num_qubits)
    rows = draw(circuit, 2, seed)
    found = Outcomes(circuit, noise)(rows)
    np.testing.assert_allclose(found, by_aer(circuit, noise, rows), atol=1e-8)
    assert (found >= 0).all() and np.allclose(found.sum(axis=1), 1, atol=1e-14)


@pytest.mark.parametrize("device", ["fake_brisbane", "fake_torino", "fake_manila"])
def test_devices(device: str) -> None:
    isa = open_backend(device).isa(build_ansatz(ModelSpec(), 4))
    rows = draw(isa.ansatz.circuit, 2, 0)
    found = Outcomes(isa.ansatz.circuit, isa.noise)(rows)
    np.testing.assert_allclose(found, by_aer(isa.ansatz.circuit, isa.noise, rows), atol=1e-8)


def test_chosen_qubits_in_their_order_are_the_marginal_of_all() -> None:
    circuit = QuantumCircuit(3)
    for qubit, gate in enumerate(("sx", "x", "sx")):
        getattr(circuit, gate)(qubit)
        circuit.rx(Parameter(f"a{qubit}"), qubit)
    circuit.cz(0, 1)
    circuit.sx(1)
    circuit.ecr(1, 2)
    noise, rows = noise_model(0, 3), draw(circuit, 3, 0)
    whole = Outcomes(circuit, noise)(rows).reshape(3, 2, 2, 2)  # bit 0 is the last axis
    for qubits, marginal in (([2, 0], "kcba->kac"), ([1], "kcba->kb")):
        some = Outcomes(circuit, noise, qubits)(rows)
        expected = np.einsum(marginal, whole).reshape(3, -1)
        np.testing.assert_allclose(some, expected, atol=1e-12)


def test_any_number_of_sets_gives_what_each_gives_alone() -> None:
    circuit = QuantumCircuit(2)
    circuit.sx(0)
    circuit.cz(0, 1)
    circuit.rx(Parameter("a"), 0)
    outcomes, rows = Outcomes(circuit, noise_model(0, 2)), draw(circuit, 2500, 0)
    together = outcomes(rows)
    assert together.shape == (2500, 4)
    for k in (0, 1023, 1024, 2499):
        np.testing.assert_allclose(together[k], outcomes(rows[k : k + 1])[0], atol=1e-14)


def test_ten_qubits_read_through_their_errors() -> None:
    """A GHZ state: each of its two branches is misread qubit by qubit."""
    circuit, noise = QuantumCircuit(10), NoiseModel()
    circuit.h(0)
    rates = [(0.01 * (q + 1), 0.005 * (q + 2)) for q in range(10)]
    for qubit, (up, down) in enumerate(rates):
        noise.add_readout_error([[1 - up, up], [down, 1 - down]], [qubit])
        if qubit:
            circuit.cx(qubit - 1, qubit)
    branches = [[[1 - up, up] for up, _ in rates], [[down, 1 - down] for _, down in rates]]
    expected = sum(reduce(np.kron, branch[::-1]) for branch in branches) / 2
    found = Outcomes(circuit, noise)(np.zeros((1, 0)))
    np.testing.assert_allclose(found[0], expected, atol=1e-12)


def test_without_parameters_every_set_is_the_same() -> None:
    found = Outcomes(QuantumCircuit(2), NoiseModel())(np.zeros((3, 0)))
    assert found.tolist() == [[1, 0, 0, 0]] * 3


def test_a_qubits_own_readout_error_prevails_over_the_common_one() -> None:
    model = NoiseModel()
    model.add_readout_error([[0.9, 0.1], [0.2, 0.8]], [1])
    model.add_all_qubit_readout_error([[0.7, 0.3], [0.4, 0.6]])
    noise = Noise(model)
    assert noise.confusion(0).tolist() == [[0.7, 0.3], [0.4, 0.6]]
    assert noise.confusion(1).tolist() == [[0.9, 0.1], [0.2, 0.8]]


def test_too_many_qubits_are_refused() -> None:
    with pytest.raises(UserError, match=r"up to 10 qubits .* takes 11: use fewer"):
        Outcomes(QuantumCircuit(11), NoiseModel())
