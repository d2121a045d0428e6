import numpy as np
import pytest

from qhu.metrics.evidence import Evidence, Outputs


@pytest.fixture(scope="session")
def make_evidence():
    """Builds evidence on 10 rows of 2 classes; what is not given is drawn at random."""

    def make(model=None, oracle=None, teacher=None, labels=None, subsets=None, angles=None):
        rng = np.random.default_rng(3)
        labels = np.tile([0, 1], 5) if labels is None else np.asarray(labels)
        rows = len(labels)

        def outputs(given):
            given = dict(given or {})
            drawn = {
                "probabilities": rng.dirichlet([1, 1], rows),
                "features": rng.normal(size=(rows, 3)),
                "theta": rng.normal(size=4 if angles is None else len(angles)),
            }
            return Outputs(**{**drawn, **{k: np.asarray(v) for k, v in given.items()}})

        parts = {"retain": range(4), "forget": range(4, 7), "test": range(7, rows)}
        return Evidence(
            labels=labels,
            subsets={k: np.asarray(list(v), np.int64) for k, v in (subsets or parts).items()},
            model=outputs(model),
            oracle=outputs(oracle),
            teacher=outputs(teacher),
            angles=np.zeros(4, bool) if angles is None else np.asarray(angles),
        )

    return make
