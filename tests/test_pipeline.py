"""The stages, called one by one."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from qhu import pipeline, steps, training
from qhu.experiment import load_experiment
from qhu.record.store import Store
from qhu.study import Fit, Study

BACKENDS = {
    "statevector": {"kind": "statevector"},
    "shots": {"kind": "aer", "depolarizing": [0.01, 0.01], "shots": 100},
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_predictions_are_made_a_few_rows_at_a_time(tiny, backend, monkeypatch):
    Path("backends.yaml").write_text(yaml.safe_dump(BACKENDS))
    settings = [f"stages.evaluate={backend}", "training.epochs=1"]
    study = Study(load_experiment(tiny, settings), Store(Path("whole")))
    (teacher,) = pipeline.train(study, [Fit("teacher", 0)])
    whole = pipeline.predict(study, teacher, 0).arrays
    for limit in ("ROWS_AT_ONCE", "CACHED"):
        monkeypatch.setattr(f"qhu.model.hybrid.{limit}", 64)
    again = Study(load_experiment(tiny, settings), Store(Path("parts")))
    sizes, make = set(), again.net

    def watched(*which):
        net = make(*which)
        net.quantum.register_forward_pre_hook(lambda _, rows: sizes.add(len(rows[0])))
        return net

    monkeypatch.setattr(again, "net", watched)
    parts = pipeline.predict(again, teacher, 0).arrays
    assert sizes == {64, 22}
    for name, array in whole.items():
        np.testing.assert_allclose(parts[name], array, atol=1e-6)


def test_all_seeds_of_a_kind_train_as_one_stack(tiny, monkeypatch):
    study = Study(load_experiment(tiny, ["training.epochs=1", "seeds=0-2"]), Store(Path("store")))
    sizes, fit_stack = [], training._fit_stack

    def counted(net, jobs, spec):
        sizes.append(len(jobs))
        return fit_stack(net, jobs, spec)

    monkeypatch.setattr(training, "_fit_stack", counted)
    for batch in steps.batches(study):
        pipeline.train(study, batch)
    assert sizes == [3] * 5  # the teachers, and per scenario the oracles and the floors


def test_training_waits_for_that_of_earlier_studies(tiny):
    """Half of a shared stack in the store would be a smaller stack, with other last bits."""
    one, other = (Study(load_experiment(tiny), Store(Path("store"))) for _ in range(2))
    first = steps.steps(one)
    trained = {step for step in first if step.title == "training"}
    later = [step for step in steps.steps(other, first) if step.title == "training"]
    assert trained and later
    assert all(step.needs == trained for step in later)
