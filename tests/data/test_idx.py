import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from qhu.data.idx import IdxOptions, idx, read_folder
from qhu.data.mnist import ImageOptions, content_hash, fashion_mnist, mnist, shipped
from qhu.data.split import forget_rows, split_rows
from qhu.data.subset import balanced_rows
from qhu.errors import QhuError, UserError
from qhu.settings.parts import DataSpec, Scenario

SHARED = Path(__file__).parents[2] / "../shared/data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the original files are not here")


def packed(array, kind=None):
    header = struct.pack(">HBB", 0, 8, kind or array.ndim)
    sizes = b"".join(struct.pack(">I", n) for n in array.shape)
    return header + sizes + array.astype(np.uint8).tobytes()


def write_part(folder, part, rows, first=0, compress=False):
    """Image i is constant with the value i, its label i mod 3."""
    numbers = np.arange(first, first + rows)
    images = np.broadcast_to(numbers[:, None, None], (rows, 4, 5))
    for holds, array in (("images-idx3", images), ("labels-idx1", numbers % 3)):
        content = packed(array)
        path = folder / f"{part}-{holds}-ubyte{'.gz' * compress}"
        path.write_bytes(gzip.compress(content) if compress else content)


def test_digits_3_and_7_are_two_classes(tmp_path):
    """Neither noise nor a method that draws wrong labels can draw a digit that is not there."""
    labels = np.where(np.arange(40) % 2, 7, 3)
    images = np.broadcast_to(np.arange(40)[:, None, None], (40, 4, 5))
    for holds, array in (("images-idx3", images), ("labels-idx1", labels)):
        (tmp_path / f"train-{holds}-ubyte").write_bytes(packed(array))
    data = idx(IdxOptions(folder=str(tmp_path)))
    assert data.classes == ("3", "7")
    split = split_rows(data, DataSpec(label_noise=0.3), seed=0)
    assert set(split.labels) == {0, 1} and (split.labels != data.y).any()
    forget = forget_rows(data, split_rows(data, DataSpec(), 0), "s", Scenario(label=7), 0).forget
    assert set(labels[forget]) == {7}


@pytest.mark.parametrize("compress", [False, True])
def test_both_parts_are_merged_in_order(tmp_path, compress):
    write_part(tmp_path, "train", 6, compress=compress)
    write_part(tmp_path, "t10k", 4, first=6, compress=compress)
    data = idx(IdxOptions(folder=str(tmp_path)))
    assert data.x.shape == (10, 4, 5)
    assert data.x[:, 0, 0].tolist() == list(range(10))
    assert data.y.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
    assert data.classes == ("0", "1", "2")


def test_the_training_part_alone_is_enough(tmp_path):
    write_part(tmp_path, "train", 6)
    assert len(idx(IdxOptions(folder=str(tmp_path))).y) == 6


def test_the_subset_rule_draws_one_permutation_per_class_from_one_stream():
    y = np.array([1, 0, 0, 1, 0, 1, 0])
    generator = torch.Generator().manual_seed(0)
    zeros, ones = torch.randperm(4, generator=generator), torch.randperm(3, generator=generator)
    expected = [[1, 2, 4, 6][zeros[0]], [1, 2, 4, 6][zeros[1]], [0, 3, 5][ones[0]]]
    assert balanced_rows(y, 2)[:3].tolist() == expected
    assert np.bincount(y[balanced_rows(y, 2)]).tolist() == [2, 2]


@needs_shared
@pytest.mark.parametrize(
    ("name", "per_class", "make"), [("mnist", 200, mnist), ("fashion_mnist", 800, fashion_mnist)]
)
def test_the_shipped_subset_is_the_rule_applied_to_the_original_files(name, per_class, make):
    folder = str(SHARED / name.replace("_", "-"))
    chosen, ours = idx(IdxOptions(folder=folder, per_class=per_class)), make(ImageOptions())
    np.testing.assert_array_equal(chosen.x, ours.x)
    np.testing.assert_array_equal(chosen.y, ours.y)
    assert ours.x.shape == (per_class * 10, 28, 28)
    assert ours.y.tolist() == [label for label in range(10) for _ in range(per_class)]


@needs_shared
def test_the_full_set_comes_from_openml_and_is_checked(monkeypatch):
    """A local stub with the official pixels passes; one changed pixel does not."""
    x, y = read_folder(SHARED / "mnist")
    asked = []

    class Bunch:
        data = x.reshape(-1, 784).astype(np.int64)
        target = y.astype(str).astype(object)

    def fetch(name, **options):
        asked.append((name, options))
        return Bunch

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    data = mnist(ImageOptions(full=True))
    assert asked == [("mnist_784", {"version": 1, "as_frame": False})]
    assert data.x.shape == (70_000, 28, 28)
    assert np.array_equal(data.y, y)
    Bunch.data[123, 300] ^= 1
    with pytest.raises(UserError, match="mnist_784 from OpenML is not the original: delete it"):
        mnist(ImageOptions(full=True))


def test_without_a_connection_the_way_out_is_named(monkeypatch):
    def fetch(name, **options):
        raise OSError("no route to host")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    with pytest.raises(QhuError, match=r"cannot download Fashion-MNIST .*idx:FOLDER"):
        fashion_mnist(ImageOptions(full=True))


def test_the_shipped_archives_are_small_and_hashes_see_the_order():
    assert sum(shipped(name).stat().st_size for name in ("mnist", "fashion_mnist")) < 4.5e6
    x, y = np.zeros((2, 28, 28)), np.array([0, 1])
    assert content_hash(x, y) != content_hash(x, y[::-1])


def test_the_short_form_of_a_source_is_the_long_one(tmp_path):
    short = DataSpec(source="idx:/some/where", options={"per_class": 3})
    assert short == DataSpec(source="idx", options={"folder": "/some/where", "per_class": 3})
    for spec in ({"source": "iris:x"}, {"source": "idx:"}):
        with pytest.raises(UserError, match=r"its options in data\.options"):
            DataSpec(**spec)


def truncate(folder):
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])


def truncate_header(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(packed(np.arange(6))[:6])


def truncate_gzip(folder):
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(path.read_bytes())[:-12])


def garble_gzip(folder):
    (folder / "train-images-idx3-ubyte").write_bytes(b"\x1f\x8b" + bytes(40))


def swap(folder):
    images, labels = folder / "train-images-idx3-ubyte", folder / "train-labels-idx1-ubyte"
    one, other = images.read_bytes(), labels.read_bytes()
    images.write_bytes(other)
    labels.write_bytes(one)


def mix_parts(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(packed(np.arange(5) % 3))


def foreign(folder):
    (folder / "train-images-idx3-ubyte").write_bytes(b"\x89PNG\r\n\x1a\n" * 9)


def floats(folder):
    (folder / "train-images-idx3-ubyte").write_bytes(b"\0\0\x0d\x03" + bytes(12))


def remove(folder):
    (folder / "train-labels-idx1-ubyte").unlink()


def half_a_test_part(folder):
    (folder / "t10k-images-idx3-ubyte").write_bytes(packed(np.zeros((2, 4, 5))))


def other_size(folder):
    write_part(folder, "t10k", 3)
    (folder / "t10k-images-idx3-ubyte").write_bytes(packed(np.zeros((3, 5, 5))))


def too_many(folder):
    write_part(folder, "train", 2)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (truncate, "train-images-idx3-ubyte is truncated or damaged"),
        (truncate_header, "train-labels-idx1-ubyte is truncated or damaged"),
        (truncate_gzip, "train-images-idx3-ubyte is truncated or damaged"),
        (garble_gzip, "train-images-idx3-ubyte is truncated or damaged"),
        (swap, "train-images-idx3-ubyte holds labels, not images: are two files swapped"),
        (mix_parts, "train has 6 images but 5 labels"),
        (foreign, "is not an IDX file of unsigned bytes"),
        (floats, "is not an IDX file of unsigned bytes"),
        (remove, "neither train-labels-idx1-ubyte nor train-labels-idx1-ubyte.gz"),
        (half_a_test_part, "neither t10k-labels-idx1-ubyte nor"),
        (other_size, "differ in size"),
        (too_many, "class 0 has 1 rows: per_class must lie in 1..1"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_wrong_files_are_named(tmp_path, harm, message):
    write_part(tmp_path, "train", 6)
    harm(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        idx(IdxOptions(folder=str(tmp_path), per_class=2))
    assert "\n" not in str(caught.value)
