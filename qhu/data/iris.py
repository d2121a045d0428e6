"""Fisher's Iris, as shipped with scikit-learn: 150 rows, 4 features, 3 classes."""

from sklearn.datasets import load_iris

from qhu.data.arrays import from_arrays
from qhu.data.base import Dataset
from qhu.registry import Options, dataset


@dataset("iris", cites=["fisher1936use"])
def iris(options: Options) -> Dataset:
    """Fisher's Iris: 150 flowers, 4 measurements in cm, 3 species; no download."""
    bunch = load_iris()
    features = [name.removesuffix(" (cm)") for name in bunch.feature_names]
    return from_arrays("iris", bunch.data, bunch.target, bunch.target_names, features)
