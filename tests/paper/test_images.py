"""Image checkpoints in the released form, written by a second implementation of the network."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, roc_auc_score
from torch import nn

from qhu.data.base import Dataset
from qhu.paper import audit as module
from qhu.paper.audit import audit
from qhu.paper.checkpoint import load_checkpoint
from qhu.paper.release import ORACLES, released_study

QUBITS = {"mnist": 8, "fashion_mnist": 10}
METHODS = (
    "GA",
    "Fisher",
    "NegGradPlus",
    "CFk",
    "EUk",
    "SCRUB",
    "Certified",
    "Q-MUL",
    "LCA",
    "ADVUNI",
)
TAGS = ["teacher_full", *ORACLES.values()]
TAGS += [f"{name}_{letter}" for letter in "AB" for name in METHODS]
TAGS += ["SCRUB_A_simple", "SCRUB_B_simple"]


class Quantum(nn.Module):
    """State vector in plain numpy, wire 0 the most significant bit, time order RX, RY, RZ."""

    def __init__(self, layers, wires):
        super().__init__()
        self.weights = nn.Parameter(torch.rand(layers, 3, wires) * 2 * torch.pi)
        self.wires = wires

    def forward(self, x):
        return torch.tensor(np.array([self.run(row) for row in x.detach().double().numpy()]))

    def run(self, row):
        psi = np.zeros((2,) * self.wires, complex)
        psi[(0,) * self.wires] = 1
        weights = self.weights.detach().double().numpy()
        for number, layer in enumerate([np.stack([row] * 3), *weights]):
            for axis, angles in zip("xyz", layer, strict=True):
                for wire, angle in enumerate(angles):
                    psi = np.moveaxis(np.tensordot(rotation(axis, angle), psi, (1, wire)), 0, wire)
            for wire in range(self.wires) if number else ():
                both = [slice(None)] * self.wires
                both[wire] = both[(wire + 1) % self.wires] = 1
                psi[tuple(both)] *= -1
        odds = np.abs(psi) ** 2
        sums = [odds.sum(axis=tuple(set(range(self.wires)) - {w})) for w in range(self.wires)]
        return [zero - one for zero, one in sums]


def rotation(axis, angle):
    pauli = {"x": [[0, 1], [1, 0]], "y": [[0, -1j], [1j, 0]], "z": [[1, 0], [0, -1]]}[axis]
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * np.array(pauli)


class Released(nn.Module):
    """The released image network, its modules under their released names."""

    def __init__(self, wires):
        super().__init__()
        self.cnn = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        )
        self.to_angles = nn.Sequential(nn.Flatten(), nn.Linear(1568, wires))
        self.q_layer = Quantum(2, wires)
        self.fc1, self.fc2 = nn.Linear(wires, 32), nn.Linear(32, 10)

    def forward(self, x):
        angles = torch.pi * torch.tanh(self.to_angles(self.cnn(x[:, None])))
        return self.fc2(torch.relu(self.fc1(self.q_layer(angles).float())))


def save(network, path, tag):
    extra = {"epoch": 1, "best_val_acc": 0.5, "tag": tag}
    torch.save({"model_state_dict": network.state_dict(), "extra": extra}, path)


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_a_checkpoint_gives_the_logits_of_the_network_that_wrote_it(tmp_path, dataset):
    torch.manual_seed(1)
    network, study = Released(QUBITS[dataset]), released_study(dataset)
    save(network, tmp_path / "GA_A_best.pth", "GA_A")
    net = study.net("evaluate")
    net.load(load_checkpoint(tmp_path / "GA_A_best.pth", net, dataset))
    x = study.partition(0).samples[::700][:4]
    assert 0.9 < x.max() <= 1
    with torch.no_grad():
        np.testing.assert_allclose(net(x), network(x), atol=2e-6)


@pytest.fixture
def few(monkeypatch):
    """80 images per class: enough for a forget row of each."""
    study = released_study("mnist")
    rows = np.flatnonzero(np.arange(len(study.data.y)) % 200 < 80)
    study.data = Dataset(study.data.x[rows], study.data.y[rows], study.data.classes)
    monkeypatch.setattr(module, "released_study", lambda name: study)
    return study


def test_a_folder_of_image_checkpoints_is_audited(tmp_path, few):
    """Files below the folder are found; figures equal those of scikit-learn and the formulas."""
    data, x = few.data, few.partition(0).samples
    for number, tag in enumerate(TAGS):
        torch.manual_seed(number)
        (tmp_path / "best").mkdir(exist_ok=True)
        save(Released(8), tmp_path / "best" / f"{tag}_best.pth", tag)
    rows = audit(tmp_path, "mnist")
    found = {(row.scenario, row.method, row.metric): row for row in rows}
    published = pd.read_csv(module.PUBLISHED / "mnist.csv")
    assert sum(row.published is not None for row in rows) == published.iloc[:, 2:].count().sum()

    subsets = few.partition(0, "subset2pct").subsets()
    p, q = (outputs(number, x) for number in (TAGS.index("CFk_A"), TAGS.index("oracle_subsetA")))
    test, retain, forget = (subsets[name] for name in ("test", "retain", "forget"))

    def value(metric):
        return found["subset2pct", "CF-k1", metric].recomputed

    predicted, wanted = p.argmax(axis=1), q.argmax(axis=1)
    assert value("acc_test_unlearn") == accuracy_score(data.y[test], predicted[test])
    assert value("Agree_retain") == accuracy_score(wanted[retain], predicted[retain])
    assert value("KL_test") == pytest.approx((p * np.log(p / q))[test].sum(axis=1).mean(), abs=1e-5)
    np.random.seed(0)  # noqa: NPY002 - the release draws from the global stream
    for _ in range(2):
        np.random.randint(0, 10_000_000)  # noqa: NPY002
    strangers = retain[np.random.choice(len(retain), len(forget), replace=False)]  # noqa: NPY002
    for metric, others in (("MIA_AUC", strangers), ("MIA_AUC_test", test)):
        confidence = p.max(axis=1)[np.concatenate([forget, others])]
        members = np.arange(len(confidence)) < len(forget)
        assert value(metric) == pytest.approx(roc_auc_score(members, confidence), abs=1e-4)


def outputs(seed, x):
    """Probabilities of the network written under this seed, without qhu."""
    torch.manual_seed(seed)
    network = Released(8)
    with torch.no_grad():
        return torch.softmax(network(x).double(), dim=1).numpy()
