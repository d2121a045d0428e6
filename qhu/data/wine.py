"""The wines of three cultivars, as shipped with scikit-learn: 178 rows, 13 features, 3 classes."""

from sklearn.datasets import load_wine

from qhu.data.arrays import from_arrays
from qhu.data.base import Dataset
from qhu.registry import Options, dataset


@dataset("wine", cites=["aeberhard1994comparative"])
def wine(options: Options) -> Dataset:
    """Wines of three cultivars: 178 rows, 13 results of chemical analysis; no download."""
    bunch = load_wine()
    return from_arrays("wine", bunch.data, bunch.target, bunch.target_names, bunch.feature_names)
