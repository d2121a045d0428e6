"""Tensors stay on the device they are on, from the rows to the scores.

No accelerator is needed: ``elsewhere`` stands for one. The last test runs where there is one.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from elsewhere import ELSEWHERE, Away, Elsewhere

from qhu import pipeline, registry
from qhu.backends.named import open_backend
from qhu.engine.constants import Constants
from qhu.engine.program import compile_circuit
from qhu.model.circuit import build_ansatz
from qhu.record.store import Store
from qhu.settings.experiment import load_experiment
from qhu.settings.model import ModelSpec
from qhu.study import Study
from qhu.unlearn.quantum import StateOptions

CUDA = torch.cuda.is_available()
CIRCUITS = {"HeisenbergProgram": (3, 2), "UnitaryProgram": (3, 4), "StatevectorProgram": (6, 4)}
# Forward-mode derivatives, which the states' information takes, stop at the stand-in's dispatch.
ALL = [
    name
    for name in registry.method.names()
    if name not in ("none", "retrain")
    and not issubclass(registry.method[name].options, StateOptions)
]
STUDIES = {
    "stack": (["model.batch_norm=true"], ALL),
    "one by one": (["model.dropout=0.2", "training.patience=2"], ["finetune", "random_label"]),
    "chosen": (["scenarios={hard: {memorised: {top: 5, models: 4}, requests: 2}}"], ["scrub"]),
    "noisy": (["stages.unlearn=fake_manila", "model.layers=1"], ["finetune"]),
    "sampled": (["stages.evaluate=shots"], ["finetune"]),
}
SMALL = """
name: small
training: {epochs: 2}
unlearning: {steps: 5}
scenarios: {subset: {fraction: 0.1}}
methods: [finetune]
seeds: 0
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small experiment file in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    Path("backends.yaml").write_text("shots: {kind: aer, depolarizing: [0.01, 0.01], shots: 64}")
    Path("small.yaml").write_text(SMALL)
    return Path("small.yaml")


def program(kind):
    if kind == "NoisyProgram":
        isa = open_backend("fake_manila").isa(build_ansatz(ModelSpec(), 3))
        return compile_circuit(isa.ansatz, noise=isa.noise), isa.ansatz
    qubits, layers = CIRCUITS[kind]
    ansatz = build_ansatz(ModelSpec(layers=layers), qubits)
    return compile_circuit(ansatz), ansatz


def gradients(compiled, x, w):
    x, w = x.clone().requires_grad_(), w.clone().requires_grad_()
    outputs = compiled(x, w)
    return outputs, *torch.autograd.grad(outputs.square().sum(), (x, w))


@pytest.mark.parametrize("kind", [*CIRCUITS, "NoisyProgram"])
def test_every_program_computes_where_its_arguments_are(kind):
    compiled, ansatz = program(kind)
    assert type(compiled).__name__ == kind
    x, w = torch.rand(5, len(ansatz.inputs)), torch.rand(len(ansatz.weights))
    expected = gradients(compiled, x, w)
    with Elsewhere():
        found = gradients(compiled, x.to(ELSEWHERE), w.to(ELSEWHERE))
        assert all(isinstance(tensor, Away) for tensor in found)
        for there, here in zip(found, expected, strict=True):
            assert torch.equal(there.cpu(), here)


def test_a_constant_left_on_the_cpu_is_noticed(monkeypatch):
    compiled, ansatz = program("UnitaryProgram")
    on = Constants.on
    monkeypatch.setattr(Constants, "on", lambda self, device: on(self, torch.device("cpu")))
    x, w = torch.rand(5, len(ansatz.inputs)), torch.rand(len(ansatz.weights))
    with Elsewhere(), pytest.raises(RuntimeError, match="mixes devices"):
        compiled(x.to(ELSEWHERE), w.to(ELSEWHERE))


def everything(experiment, store, settings, methods):
    """Arrays of every model and of its outputs, and all scores, of a small study."""
    study = Study(load_experiment(experiment, settings, methods), Store(Path(store)))
    fits = pipeline.train(study, study.fits())
    cells = [pipeline.evaluate(study, cell) for cell in study.cells()]
    stages = [*fits, *(study.store.load(key) for one in cells for key in (one.model, one.outputs))]
    scores = [score.value for one in cells for score in one.scores.values()]
    return [stage.arrays for stage in stages], scores


def assert_close(found, expected, tolerance):
    for there, here in zip(found[0], expected[0], strict=True):
        for name, array in here.items():
            np.testing.assert_allclose(there[name], array, atol=tolerance, err_msg=name)
    np.testing.assert_allclose(found[1], expected[1], atol=tolerance)


@pytest.mark.parametrize("which", STUDIES)
def test_a_study_computes_on_its_device(small, monkeypatch, which):
    expected = everything(small, "here", *STUDIES[which])
    monkeypatch.setattr(Study, "torch_device", ELSEWHERE)
    with Elsewhere():
        assert_close(everything(small, "there", *STUDIES[which]), expected, 1e-6)


@pytest.mark.skipif(CUDA, reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_refused(small, qhu):
    code, _, errors = qhu("run", small, "-s", "device=cuda", "--out", "here")
    assert code == 2 and len(errors.strip().splitlines()) == 1
    assert "finds no CUDA device" in errors and "device=cpu" in errors
    assert not Path("here").exists()


@pytest.mark.skipif(not CUDA, reason="no CUDA device")
def test_a_study_on_cuda_gives_the_same_to_rounding(small):
    settings, methods = STUDIES["stack"]
    expected = everything(small, "here", settings, methods)
    found = everything(small, "there", [*settings, "device=cuda"], methods)
    assert_close(found, expected, 1e-2)
