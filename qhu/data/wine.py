"""The wines of three cultivars, as shipped with scikit-learn: 178 rows, 13 features, 3 classes."""

import numpy as np
from sklearn.datasets import load_wine

from qhu.data.base import Dataset
from qhu.registry import Options, dataset


@dataset("wine", cites=["aeberhard1994comparative"])
def wine(options: Options) -> Dataset:
    """Wines of three cultivars: 178 rows, 13 results of chemical analysis; no download."""
    bunch = load_wine()
    return Dataset(
        np.asarray(bunch.data, dtype=np.float64),
        np.asarray(bunch.target, dtype=np.int64),
        tuple(map(str, bunch.target_names)),
        tuple(map(str, bunch.feature_names)),
    )
