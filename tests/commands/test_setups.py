"""Task and network of an experiment in numbers."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from qhu.commands.setups import setup_of
from qhu.settings.experiment import make_experiment
from qhu.study import Study

REST = {"name": "small", "scenarios": {"subset": {"fraction": 0.1}}, "methods": ["finetune"]}


def study(seeds=(0, 1), **parts):
    return Study(make_experiment({**REST, "seeds": list(seeds), **parts}, "here"))


def test_parts_of_the_network_are_counted():
    setup = setup_of(study(model={"layers": 2, "hidden": [16]}), linear=False)
    assert (setup.samples, setup.classes, setup.inputs, setup.qubits) == (150, 3, 4, 4)
    assert setup.parameters == {"front": 0, "quantum": 2 * 3 * 4, "head": 4 * 16 + 16 + 16 * 3 + 3}
    assert setup.two_qubit == 2 * 4, "a ring per layer"
    assert setup.majority == pytest.approx(1 / 3) and math.isnan(setup.linear)


def test_a_classical_twin_has_no_circuit():
    setup = setup_of(study(model={"quantum": False, "hidden": [19]}), linear=False)
    assert (setup.qubits, setup.depth, setup.two_qubit) == (0, 0, 0)
    assert setup.parameters == {"front": 0, "quantum": 0, "head": 155}


def test_a_linear_model_sees_what_the_network_sees_and_no_test_row():
    ours = study(data={"source": "wine", "features": [0, 1, 2, 3], "scale_rows": "train"})
    accuracies = []
    for seed in (0, 1):
        partition = ours.partition(seed)
        x, y = partition.samples.numpy(), ours.data.y
        fitted = LogisticRegression(max_iter=1000).fit(x[partition.train], y[partition.train])
        accuracies.append((fitted.predict(x[partition.test]) == y[partition.test]).mean())
    assert setup_of(ours, linear=True).linear == pytest.approx(np.mean(accuracies))


def test_rows_are_the_same_whatever_is_seen_of_them():
    """Features of one dataset are two tasks on the same rows; noise in labels is another."""
    rows = {
        name: setup_of(study(data=data), linear=False).rows
        for name, data in {
            "iris": {},
            "petals": {"features": [2, 3]},
            "components": {"pca": 2},
            "split": {"test": 0.3},
            "labels": {"label_noise": 0.1},
            "wine": {"source": "wine"},
        }.items()
    }
    assert rows["iris"] == rows["petals"] == rows["components"]
    assert len({rows[name] for name in ("iris", "split", "labels", "wine")}) == 4
