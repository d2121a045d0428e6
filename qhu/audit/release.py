"""What arXiv 2512.19253 released: networks, file and parameter names, and the exact rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

from qhu import registry
from qhu.data.base import Dataset
from qhu.errors import UnknownName
from qhu.settings import ModelSpec

Rows = NDArray[np.int64]
SUBSET, FULL_CLASS = "subset2pct", "fullclass"
TEACHER = "teacher_full"
ORACLES = {SUBSET: "oracle_subsetA", FULL_CLASS: "oracle_fullclassB"}
LETTERS = {SUBSET: "A", FULL_CLASS: "B"}
# Row of the result table to name of the checkpoint; the rewound SCRUB has the plain name.
TAGS = {
    "GA": "GA_{}",
    "Fisher": "Fisher_{}",
    "NegGradPlus": "NegGradPlus_{}",
    "CF-k1": "CFk_{}",
    "EU-k1": "EUk_{}",
    "SCRUB": "SCRUB_{}_simple",
    "SCRUB(+R)": "SCRUB_{}",
    "Certified": "Certified_{}",
    "Q-MUL": "Q-MUL_{}",
    "LCA": "LCA_{}",
    "ADV-UNIFORM": "ADVUNI_{}",
}
QUANTUM = {"quantum.weight": "q_layer.weights"}


@dataclass(frozen=True)
class Release:
    """One released study.

    Attributes:
        model: the network, in qhu's terms.
        modules: qhu's name of each classical module to the released name.
    """

    model: ModelSpec
    modules: dict[str, str]

    def released_name(self, name: str) -> str:
        """Released name of a parameter or buffer that qhu calls ``name``."""
        module, _, leaf = name.rpartition(".")
        return QUANTUM.get(name) or f"{self.modules[module]}.{leaf}"


def _images(qubits: int) -> Release:
    modules = {"front.1": "cnn.0", "front.4": "cnn.3", "front.8": "to_angles.1"}
    model = ModelSpec(front="cnn", qubits=qubits, layers=2, hidden=(32,))
    return Release(model, {**modules, "head.0": "fc1", "head.2": "fc2"})


IRIS_HEAD = {"head.0": "fc1", "head.1": "bn1", "head.3": "fc2", "head.4": "bn2"}
RELEASES = {
    "iris": Release(
        ModelSpec(layers=6, head="deep"), {**IRIS_HEAD, "head.6": "fc3", "head.9": "fc4"}
    ),
    "mnist": _images(8),
    "fashion_mnist": _images(10),
}


def find_release(dataset: str) -> Release:
    """Released study of a dataset.

    Raises:
        UnknownName: nothing was released for it.
    """
    if dataset not in RELEASES:
        raise UnknownName("dataset of the release", dataset, RELEASES)
    return RELEASES[dataset]


def released_data(dataset: str) -> tuple[Dataset, NDArray[np.float32]]:
    """Rows as released, and as the released networks see them.

    Iris is scaled by all 150 rows, test rows included, as the release does; images are the shipped
    subsets, pixels divided by 255.
    """
    data: Dataset = registry.dataset[dataset].make(registry.dataset.options(dataset, None))
    if dataset == "iris":
        return data, MinMaxScaler((-np.pi, np.pi)).fit_transform(data.x).astype(np.float32)
    return data, (data.x / 255).astype(np.float32)


def released_rows(y: NDArray[np.int64]) -> dict[str, dict[str, Rows]]:
    """Row numbers of ``retain``, ``forget`` and ``test`` per scenario, in the released order.

    Args:
        y: (N,) labels.
    """
    train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=0, stratify=y)
    retain, forget = train_test_split(train, test_size=0.02, random_state=0, stratify=y[train])
    first = y[train] == 0
    return {
        SUBSET: {"retain": retain, "forget": forget, "test": test},
        FULL_CLASS: {"retain": train[~first], "forget": train[first], "test": test},
    }


def released_non_members(retain: Rows, count: int) -> Rows:
    """Rows that the released attack takes for non-members: a sample of the retain set.

    NumPy's global stream, seeded 0, first gave each of the two networks of the teacher's training
    a device seed; then the sample was drawn.
    """
    stream = np.random.RandomState(0)
    stream.randint(0, 10_000_000, size=2)
    return retain[stream.choice(len(retain), size=count, replace=False)]
