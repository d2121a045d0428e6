import numpy as np

from qhu.record.store import Store


def test_arrays_come_back_as_they_were(tmp_path):
    """Batch norm counts its batches in an array without dimensions."""
    arrays = {"count": np.array(7), "turned": np.arange(6.0).reshape(2, 3).T, "none": np.empty(0)}
    store = Store(tmp_path)
    store.put("ab12", arrays, {"steps": 1})
    found = store.load("ab12")
    assert found.facts == {"steps": 1}
    for name, array in arrays.items():
        assert found.arrays[name].shape == array.shape
        np.testing.assert_array_equal(found.arrays[name], array)
