import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from qhu.seeding import numpy_stream, torch_stream

names = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=3)


@given(st.integers(0, 2**40), names)
def test_a_stream_depends_only_on_root_and_name(root, name):
    numpy_stream(root, "another").random(7)
    assert numpy_stream(root, *name).random() == numpy_stream(root, *name).random()
    first, again = torch_stream(root, *name), torch_stream(root, *name)
    assert torch.rand(3, generator=first).tolist() == torch.rand(3, generator=again).tolist()


def test_streams_are_uncorrelated():
    draws = [numpy_stream(root, name).random(2000) for root in range(3) for name in ("a", "b")]
    correlations = np.corrcoef(draws)[np.triu_indices(6, 1)]
    assert np.abs(correlations).max() < 0.1
