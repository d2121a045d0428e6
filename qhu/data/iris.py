"""Fisher's Iris, as shipped with scikit-learn: 150 rows, 4 features, 3 classes."""

import numpy as np
from sklearn.datasets import load_iris

from qhu.data.base import Dataset
from qhu.registry import Options, dataset


@dataset("iris", cites=["fisher1936use"])
def iris(options: Options) -> Dataset:
    """Fisher's Iris: 150 flowers, 4 measurements in cm, 3 species; no download."""
    bunch = load_iris()
    return Dataset(
        np.asarray(bunch.data, dtype=np.float64),
        np.asarray(bunch.target, dtype=np.int64),
        tuple(map(str, bunch.target_names)),
        tuple(name.removesuffix(" (cm)") for name in bunch.feature_names),
    )
