import copy
import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import DensityMatrix, SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from qhu.engine.estimator import EngineEstimator
from qhu.engine.outcomes import Outcomes
from qhu.estimators.aer_outcomes import AerOutcomes
from qhu.estimators.measurement import bases
from qhu.estimators.noise import device_noise, figures_noise
from qhu.estimators.noisy import NoisyEstimator, shots_of
from qhu.layout.isa import compile_ansatz, reduce_ansatz, reduce_target
from qhu.layout.snapshots import snapshot

FIGURES = figures_noise((0.01, 0.05), (0.02, 0.07), (80e-6, 70e-6), (60e-9, 660e-9))


def make(noise=FIGURES, precision=0.0, seed=0, simulator=Outcomes):
    return NoisyEstimator(noise, precision, np.random.default_rng(seed), simulator)


def values(estimator, ansatz, rows):
    pubs = [(ansatz.circuit, o, rows) for o in ansatz.observables]
    return np.stack([r.data.evs for r in estimator.run(pubs).result()], axis=-1)


def by_hand(ansatz, noise, confusion, row):
    """Z values from Aer's density matrix and a readout confusion applied qubit by qubit."""
    circuit = ansatz.circuit.assign_parameters(row)
    touched = sorted({circuit.find_bit(q).index for i in circuit.data for q in i.qubits})
    circuit.save_density_matrix(touched)
    simulator = AerSimulator(method="density_matrix", noise_model=noise)
    rho = DensityMatrix(simulator.run(circuit).result().data()["density_matrix"])
    found = []
    for observable in ansatz.observables:
        ((_, (qubit,), _),) = observable.to_sparse_list()
        zero, one = rho.probabilities([touched.index(qubit)])
        up, down = confusion[qubit]
        found.append((1 - 2 * up) * zero - (1 - 2 * down) * one)
    return found


@pytest.mark.parametrize(("device", "qubits"), [("fake_brisbane", 4), ("fake_manila", 3)])
def test_reduced_model_equals_the_whole_device(device, qubits, make_ansatz, draw):
    backend = snapshot(device)
    ansatz = make_ansatz(qubits)
    isa = compile_ansatz(ansatz, backend.target, optimization_level=3, seed=0)
    small, kept = reduce_ansatz(isa)
    (row,) = draw(ansatz, 1)
    row = [
        dict(zip([*ansatz.inputs, *ansatz.weights], row, strict=True))[p]
        for p in isa.circuit.parameters
    ]
    confusion = {q: [backend.properties().readout_error(q)] * 2 for q in kept}
    expected = by_hand(isa, NoiseModel.from_backend(backend), confusion, row)
    noise = device_noise(reduce_target(backend.target, kept))
    assert small.circuit.num_qubits < backend.num_qubits
    np.testing.assert_allclose(values(make(noise), small, [row])[0], expected, atol=1e-12)


def test_without_noise_the_values_are_qiskits(make_ansatz, draw, exact):
    ansatz = make_ansatz(3, 2, ["ZII", "XYZ", "IXI"])
    ansatz.observables[1].coeffs[:] = 0.5
    order = ansatz.circuit.parameters
    rows = draw(ansatz, 5)
    at = {p: k for k, p in enumerate([*ansatz.inputs, *ansatz.weights])}
    got = values(make(NoiseModel()), ansatz, rows[:, [at[p] for p in order]])
    np.testing.assert_allclose(got, exact(ansatz, rows), atol=1e-12)


def test_readout_and_gate_noise_agree_with_aers_own_counts(make_ansatz, draw):
    """Truth by measurement: Aer's sampled counts, readout error included, within 5σ."""
    ansatz, shots = make_ansatz(3, observables=["ZZI", "IIZ"]), 200_000
    (row,) = draw(ansatz, 1)
    circuit = ansatz.circuit.assign_parameters(row).decompose()
    ansatz = type(ansatz)(circuit, (), (), ansatz.observables)
    exact = values(make(), ansatz, [])
    simulator = AerSimulator(method="density_matrix", noise_model=FIGURES, seed_simulator=1)
    counts = simulator.run(circuit.measure_all(inplace=False), shots=shots).result().get_counts()
    for got, mask in zip(exact, (0b110, 0b001), strict=True):
        signs = {key: (-1) ** (int(key, 2) & mask).bit_count() for key in counts}
        mean = sum(signs[key] * n for key, n in counts.items()) / shots
        assert abs(mean - got) < 5 / np.sqrt(shots)


def test_other_bases_are_measured_through_noisy_rotations():
    """⟨X⟩ of |+⟩ and ⟨Y⟩ of |+i⟩: one sx rotates, and loses its λ; readout takes its share."""
    noise = figures_noise((0.1, 0.0), (0.02, 0.02), None, (60e-9, 660e-9))
    for prepare, label in ((["h"], "X"), (["h", "s"], "Y")):
        circuit = QuantumCircuit(1)
        for gate in prepare:
            getattr(circuit, gate)(0)
        result = make(noise).run([(circuit, SparsePauliOp(label))]).result()
        assert float(result[0].data.evs) == pytest.approx(0.9 * 0.96, abs=1e-12)


def test_commuting_observables_share_a_basis():
    operators = [SparsePauliOp(["ZZ", "IX"]), SparsePauliOp("XI"), SparsePauliOp("II")]
    assert [basis.label for basis in bases(operators)] in (["ZZ", "XX"], ["XX", "ZZ"])
    assert len(bases([SparsePauliOp("ZI"), SparsePauliOp("IZ"), SparsePauliOp("ZZ")])) == 1


@pytest.mark.parametrize("other", [EngineEstimator(FIGURES), make(simulator=AerOutcomes)])
def test_every_way_to_an_exact_value_agrees(make_ansatz, draw, other):
    """Observables carried back, distributions of the engine, density matrices of Aer."""
    ansatz = make_ansatz(3, 1, ["ZII", "XYZ", "IXI", "YYI", "III"])
    circuit = transpile(ansatz.circuit, basis_gates=FIGURES.basis_gates, optimization_level=0)
    native, rows = type(ansatz)(circuit, (), (), ansatz.observables), draw(ansatz, 4)
    got = values(make(), native, rows)
    np.testing.assert_allclose(values(other, native, rows), got, atol=1e-10)


def test_merged_and_separate_calls_agree(make_ansatz, draw):
    ansatz = make_ansatz(3)
    rows = draw(ansatz, 4)
    together = values(make(), ansatz, rows)
    for k, row in enumerate(rows):
        for m, observable in enumerate(ansatz.observables):
            alone = make().run([(ansatz.circuit, observable, row)]).result()[0].data
            assert alone.evs.shape == alone.stds.shape == ()
            assert alone.evs == pytest.approx(together[k, m], abs=1e-12)


def test_shots_scatter_around_the_exact_value_by_their_standard_error(make_ansatz, draw):
    ansatz, shots, repeats = make_ansatz(2, observables=["IZ", "ZZ", "XI"]), 100, 2000
    (row,) = draw(ansatz, 1)
    exact = values(make(), ansatz, [row])[0]
    got = values(make(precision=shots**-0.5), ansatz, np.tile(row, (repeats, 1)))
    sigma = np.sqrt((1 - exact**2) / shots)
    assert np.all(np.abs(got.mean(axis=0) - exact) < 5 * sigma / np.sqrt(repeats))
    np.testing.assert_allclose(got.std(axis=0), sigma, rtol=5 / np.sqrt(2 * repeats))


def test_reported_errors_are_those_of_the_shots(make_ansatz, draw):
    ansatz = make_ansatz(2, observables=["IZ"])
    (row,) = draw(ansatz, 1)
    pub = (ansatz.circuit, ansatz.observables[0], row)
    exact = make().run([pub]).result()[0].data
    sampled = make(precision=0.01).run([pub]).result()[0]
    assert exact.stds == 0
    expected = np.sqrt((1 - exact.evs**2) / 10_000)
    assert sampled.data.stds == pytest.approx(expected, rel=0.1)
    assert sampled.metadata["shots"] == 10_000


def test_noise_repeats_with_the_seed_and_never_within_a_run(make_ansatz, draw):
    ansatz = make_ansatz(2)
    rows = np.repeat(draw(ansatz, 1), 8, axis=0)
    one, two = make(precision=0.05, seed=3), make(precision=0.05, seed=3)
    first = values(one, ansatz, rows)
    np.testing.assert_array_equal(first, values(two, ansatz, rows))
    assert not np.array_equal(first, values(one, ansatz, rows))
    assert len(np.unique(first[:, 0])) > 4
    assert not np.array_equal(first, values(make(precision=0.05, seed=4), ansatz, rows))


@pytest.mark.parametrize("shots", [1, 100, 1000, 1023, 4096, 1_000_000])
def test_precision_and_shots_convert_both_ways(shots):
    assert shots_of(shots**-0.5) == shots
    assert shots_of(0.0) == shots_of(None) == 0


def test_it_pickles_and_copies_with_its_noise(make_ansatz, draw):
    ansatz = make_ansatz(2)
    rows = draw(ansatz, 2)
    estimator = make(precision=0.1)
    clones = [pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator)]
    expected = values(estimator, ansatz, rows)
    for clone in clones:
        np.testing.assert_array_equal(values(clone, ansatz, rows), expected)
