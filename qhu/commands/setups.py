"""Task and network of an experiment in numbers, to be read beside its scores."""

import math

import numpy as np
from qiskit import QuantumCircuit, transpile
from sklearn.linear_model import LogisticRegression

from qhu.data.partition import Partition
from qhu.model.circuit import build_ansatz, encoded_features
from qhu.record.identity import digest
from qhu.report.ablation.setup import Setup
from qhu.study import Study

BASIS = ("rz", "sx", "x", "cz")


def setup_of(study: Study, linear: bool) -> Setup:
    """What an experiment is made of.

    Args:
        study: the experiment.
        linear: whether a linear model is fitted on the rows of every seed.
    """
    partitions = [study.partition(seed) for seed in study.experiment.seeds]
    circuit = _compiled(study)
    return Setup(
        rows=digest([study.data.classes, *map(_rows, partitions)]),
        samples=len(study.data.y),
        classes=len(study.data.classes),
        inputs=math.prod(study.shape),
        majority=float(np.mean([_majority(partition) for partition in partitions])),
        linear=float(np.mean([_linear(p) for p in partitions])) if linear else math.nan,
        qubits=circuit.num_qubits,
        depth=circuit.depth(),
        two_qubit=circuit.num_nonlocal_gates(),
        parameters=_parameters(study),
    )


def _rows(partition: Partition) -> list[list[int]]:
    split = partition.split
    return [part.tolist() for part in (split.train, split.val, split.test, split.labels)]


def _majority(partition: Partition) -> float:
    """Accuracy on the test rows of the training rows' commonest class."""
    commonest = np.bincount(partition.labels[partition.train]).argmax()
    return float((partition.labels[partition.test] == commonest).mean())


def _linear(partition: Partition) -> float:
    """Accuracy on the test rows of a logistic regression on what the network sees."""
    x, y = partition.samples.flatten(1).numpy(), partition.labels
    model = LogisticRegression(max_iter=1000).fit(x[partition.train], y[partition.train])
    return float(model.score(x[partition.test], y[partition.test]))


def _compiled(study: Study) -> QuantumCircuit:
    """The circuit in the gates of today's devices, as if all qubits were coupled."""
    model = study.experiment.model
    if not model.quantum:
        return QuantumCircuit()
    ansatz = build_ansatz(model, encoded_features(model, study.shape))
    return transpile(
        ansatz.circuit, basis_gates=list(BASIS), optimization_level=1, seed_transpiler=0
    )


def _parameters(study: Study) -> dict[str, int]:
    """Trainable numbers by part of the network."""
    theta = study.net("train").theta
    sizes = dict.fromkeys(("front", "quantum", "head"), 0)
    for name, entries in theta.slices.items():
        sizes[name.partition(".")[0]] += entries.stop - entries.start
    return sizes
