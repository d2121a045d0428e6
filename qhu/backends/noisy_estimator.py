"""Expectation values of a noisy circuit, readout error included: exact, or sampled with a seed.

Aer's own ``EstimatorV2`` leaves readout error out and draws Gaussian noise from a seed that it
reuses in every PUB; this one works from the distribution of measured outcomes.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.base import BaseEstimatorV2
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from qhu.backends.measurement import Basis, bases, read, readout_matrices
from qhu.backends.merging import merge, split

METHOD = "density_matrix"


class NoisyEstimator(BaseEstimatorV2):
    """Estimator over a density matrix; PUBs that share a circuit run as one.

    Observables that commute qubit by qubit share their shots. The generator advances from call
    to call, so no two calls repeat their noise.

    Args:
        noise: noise of gates and readout; ``None`` for none.
        precision: standard error of an observable with values ±1 at its worst, 1/√shots; 0 for
            exact expectation values. Used where neither the call nor the PUB gives one.
        seed: source of shot noise; untouched while values are exact.
    """

    def __init__(
        self, noise: NoiseModel | None, precision: float, seed: np.random.Generator
    ) -> None:
        self._noise, self._precision, self._random = noise, precision, seed
        self._simulator = AerSimulator(
            method=METHOD,
            noise_model=noise,
            runtime_parameter_bind_enable=True,
            # A few qubits: threads cost more than they bring, and workers share the cores.
            max_parallel_threads=1,
        )

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob:
        """Estimate every PUB; see :class:`BaseEstimatorV2` for the shapes.

        Args:
            pubs: circuits without measurements, observables, parameter values.
            precision: standard error aimed at, for PUBs that give none; 0 is exact.
        """
        default = self._precision if precision is None else precision
        job = PrimitiveJob(self._run, [EstimatorPub.coerce(pub, default) for pub in pubs])
        job._submit()
        return job

    def _run(self, pubs: list[EstimatorPub]) -> PrimitiveResult:
        merged = merge(pubs)
        return split(merged, [self._estimate(group.pub) for group in merged])

    def _estimate(self, pub: EstimatorPub) -> PubResult:
        observables = [
            SparsePauliOp.from_sparse_observable(item)
            for item in pub.observables.sparse_observables_array().ravel()
        ]
        shots = shots_of(pub.precision)
        means: NDArray[np.float64] = np.zeros(pub.shape)
        variances: NDArray[np.float64] = np.zeros(pub.shape)
        for basis in bases(observables):
            outcomes = self._outcomes(pub, basis)
            if shots:
                outcomes = self._random.multinomial(shots, outcomes) / shots
            mean = outcomes @ basis.weights
            means += mean.T
            if shots:
                variances += (outcomes @ basis.weights**2 - mean**2).T / shots
        data = DataBin(evs=means, stds=np.sqrt(variances.clip(0)), shape=pub.shape)
        return PubResult(data, metadata={"target_precision": pub.precision, "shots": shots})

    def _outcomes(self, pub: EstimatorPub, basis: Basis) -> NDArray[np.float64]:
        """Distribution of the read outcomes per parameter set, shape (K, 2^n)."""
        gates = self._noise.basis_gates if self._noise else None
        circuit: QuantumCircuit = pub.circuit.compose(basis.rotation(gates))
        circuit.save_probabilities()
        values = pub.parameter_values.as_array(circuit.parameters)
        binds = {p: values[:, k].tolist() for k, p in enumerate(circuit.parameters)}
        result = self._simulator.run(circuit, parameter_binds=[binds] if binds else None).result()
        runs = range(len(result.results))
        outcomes = np.stack([result.data(k)["probabilities"] for k in runs])
        if self._noise:
            outcomes = read(outcomes, readout_matrices(self._noise, circuit.num_qubits))
        # Rounding leaves sums at 1 ± 1e-15 and values at -1e-17, which a sampler refuses.
        outcomes = outcomes.clip(0)
        outcomes = outcomes / outcomes.sum(axis=1, keepdims=True)
        # A circuit without parameters ran once, whatever the number of (empty) sets.
        return np.broadcast_to(outcomes, (pub.shape[1], outcomes.shape[1]))


def shots_of(precision: float | None) -> int:
    """Shots that give a precision: ⌈1/precision²⌉; 0 where values are exact."""
    return math.ceil(round(1 / precision**2, 6)) if precision else 0
