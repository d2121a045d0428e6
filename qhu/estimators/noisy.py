"""Expectation values of a noisy circuit, readout error included: exact, or sampled with a seed.

Aer's own ``EstimatorV2`` leaves readout error out and draws Gaussian noise from a seed that it
reuses in every PUB; this one works from the distribution of measured outcomes.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import DataBin, PrimitiveJob, PrimitiveResult, PubResult
from qiskit.primitives.base import BaseEstimatorV2
from qiskit.primitives.containers.estimator_pub import EstimatorPub, EstimatorPubLike
from qiskit.providers import BackendV2
from qiskit_aer.noise import NoiseModel

from qhu.engine.bindings import parameter_sets
from qhu.engine.cache import CircuitCache
from qhu.engine.lowering import lowered
from qhu.engine.observables import pauli_sums
from qhu.engine.options import EstimatorOptions
from qhu.engine.outcomes import Outcomes
from qhu.engine.readout import basis_rotation
from qhu.estimators.devices import NoiseSource
from qhu.estimators.measurement import Basis, bases
from qhu.estimators.merging import finished, merge, split

Distribution = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Parameter sets (K, P) to probabilities (K, 2**n) of the outcomes."""


class NoisyEstimator(BaseEstimatorV2):
    """Estimator over the distribution of outcomes; PUBs that share a circuit run as one.

    Observables that commute qubit by qubit share their shots. The generator advances from call
    to call, so no two calls repeat their noise.

    Circuits are in the native gates that the noise belongs to, ready to run. Of one that was
    transpiled for a whole device the idle qubits are left out; up to 10 may be used.

    Args:
        noise: noise of gates and readout: a noise model, a backend, or the name of a device whose
            snapshot ships with qiskit-ibm-runtime, such as ``fake_brisbane``.
        precision: standard error of an observable with values ±1 at its worst, 1/√shots; 0 for
            exact expectation values. Used where neither the call nor the PUB gives one.
        seed: source of shot noise, or a number that it starts from; untouched while values are
            exact.
        simulator: turns a circuit and its noise into distributions.

    Attributes:
        options: as of Qiskit's estimators; they hold the precision.
    """

    def __init__(
        self,
        noise: NoiseModel | BackendV2 | str,
        precision: float = 0.0,
        seed: np.random.Generator | int | None = None,
        simulator: Callable[[QuantumCircuit, NoiseModel], Distribution] = Outcomes,
    ) -> None:
        self._noise, self._random = NoiseSource(noise), np.random.default_rng(seed)
        self.options = EstimatorOptions(precision)
        self._simulator = simulator
        self._distributions = CircuitCache(self._distribution)

    def run(
        self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None
    ) -> PrimitiveJob:
        """Estimate every PUB; see :class:`BaseEstimatorV2` for the shapes.

        Args:
            pubs: circuits without measurements, observables, parameter values.
            precision: standard error aimed at, for PUBs that give none; 0 is exact.
        """
        default = self.options.default_precision if precision is None else precision
        # Worked on here and now: threads would draw their shots in any order.
        return finished(self._run([EstimatorPub.coerce(pub, default) for pub in pubs]))

    def _run(self, pubs: list[EstimatorPub]) -> PrimitiveResult:
        merged = merge(pubs)
        # All are compiled before the first is sampled: what is refused is refused at once.
        settings = [self._settings(group.pub) for group in merged]
        results = [self._estimate(g.pub, own) for g, own in zip(merged, settings, strict=True)]
        return split(merged, results)

    def _settings(self, pub: EstimatorPub) -> list[tuple[Basis, Distribution]]:
        """What is measured for a PUB, and how it is distributed."""
        observables = pauli_sums(pub.observables)
        if not pub.size:
            lowered(pub.circuit)
            return []
        small, qubits = self._noise.reduced(pub.circuit, observables)
        return [
            (basis, self._distributions.get(small.circuit, basis.label, qubits))
            for basis in bases(small.observables)
        ]

    def _estimate(
        self, pub: EstimatorPub, settings: Iterable[tuple[Basis, Distribution]]
    ) -> PubResult:
        sets = parameter_sets(pub)
        shots = shots_of(pub.precision)
        means: NDArray[np.float64] = np.zeros(pub.shape)
        variances: NDArray[np.float64] = np.zeros(pub.shape)
        for basis, distribution in settings:
            outcomes = distribution(sets)
            if shots:
                outcomes = self._random.multinomial(shots, outcomes) / shots
            mean = outcomes @ basis.weights
            means += mean.T
            if shots:
                variances += (outcomes @ basis.weights**2 - mean**2).T / shots
        data = DataBin(evs=means, stds=np.sqrt(variances.clip(0)), shape=pub.shape)
        return PubResult(
            data,
            metadata={
                "target_precision": pub.precision,
                "shots": shots,
                "circuit_metadata": pub.circuit.metadata,
            },
        )

    def _distribution(
        self, circuit: QuantumCircuit, basis: str, qubits: tuple[int, ...]
    ) -> Distribution:
        """Outcomes of a circuit on some qubits of the device that is measured in a basis."""
        noise = self._noise.on(qubits)
        rotated = circuit.compose(basis_rotation(basis, noise.basis_gates))
        return self._simulator(rotated, noise)


def shots_of(precision: float | None) -> int:
    """Shots that give a precision: ⌈1/precision²⌉; 0 where values are exact."""
    return math.ceil(round(1 / precision**2, 6)) if precision else 0
