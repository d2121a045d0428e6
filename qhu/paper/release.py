"""What arXiv 2512.19253 released: file and parameter names, and the experiments they belong to."""

from qhu.errors import UnknownName
from qhu.settings.experiment import load_experiment
from qhu.settings.shipped import experiments
from qhu.study import Study

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
# Module of qhu's network to the released one, by dataset.
IMAGES = {
    "front.1": "cnn.0",
    "front.4": "cnn.3",
    "front.8": "to_angles.1",
    "head.0": "fc1",
    "head.2": "fc2",
}
IRIS = {
    "head.0": "fc1",
    "head.1": "bn1",
    "head.3": "fc2",
    "head.4": "bn2",
    "head.6": "fc3",
    "head.9": "fc4",
}
MODULES = {"iris": IRIS, "mnist": IMAGES, "fashion_mnist": IMAGES}


def released_name(dataset: str, name: str) -> str:
    """Released name of a parameter or buffer that qhu calls ``name``."""
    if name == "quantum.weight":
        return "q_layer.weights"
    module, _, leaf = name.rpartition(".")
    return f"{MODULES[dataset][module]}.{leaf}"


def released_study(dataset: str) -> Study:
    """Data, rows and network of a released experiment, as the experiment ``paper-DATASET`` has it.

    Raises:
        UnknownName: nothing was released for the dataset.
    """
    if dataset not in MODULES:
        raise UnknownName("dataset of the release", dataset, MODULES)
    return Study(load_experiment(experiments()[f"paper-{dataset}"]))
