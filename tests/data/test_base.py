import numpy as np

from qhu.data.base import Dataset


def test_content_is_all_that_a_network_learns_from():
    """A class without rows is an output of the network, too."""
    x, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])

    def content(x=x, y=y, classes=("a", "b")):
        return Dataset(x, y, classes).content

    others = [
        content(x=x.reshape(6, 1, 2)),
        content(x=x + 1),
        content(x=x.astype(np.float32)),
        content(y=1 - y),
        content(classes=("a", "b", "c")),
    ]
    assert content() == content(x=np.asfortranarray(x))
    assert len({content(), *others}) == 1 + len(others)
