"""What every registered dataset owes: run over the registry, and over each choice it offers."""

import dataclasses
import json
import pickle
import random
import socket
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Literal, get_args, get_origin

import numpy as np
import pytest
import torch

from qhu import registry
from qhu.data import mnist
from qhu.data.base import Dataset
from qhu.data.split import scale, split_rows
from qhu.errors import UserError
from qhu.settings.parts import DataSpec

DATASETS = registry.dataset.names()
PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"


def csv(folder):
    """The options of a table: 20 rows of two named classes."""
    lines = [f"{i},{i % 7},{'ab'[i % 2]}" for i in range(20)]
    path = folder / "rows.csv"
    path.write_text("\n".join(["first,second,label", *lines]))
    return {"path": str(path)}


def idx_files(folder):
    """The options of a folder: 20 images of two classes."""
    rows = np.arange(20)
    for holds, array in (
        ("images-idx3", np.broadcast_to(rows[:, None, None], (20, 4, 4))),
        ("labels-idx1", rows % 2),
    ):
        header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (folder / f"train-{holds}-ubyte").write_bytes(header + array.astype(np.uint8).tobytes())
    return {"folder": str(folder)}


STAND_INS = {"file": csv, "idx": idx_files}
"""Options of the datasets that cannot be loaded without: small files in a folder."""


def choices(field):
    """Values of an option that can be counted; nothing where they cannot."""
    if field.annotation is bool:
        return [True, False]
    return list(get_args(field.annotation)) if get_origin(field.annotation) is Literal else []


def variants():
    """Every dataset with its defaults, and with every other choice of one option."""
    for name in DATASETS:
        yield pytest.param((name, {}), id=name)
        for option, field in registry.dataset[name].options.model_fields.items():
            for value in choices(field):
                if value != field.default:
                    yield pytest.param((name, {option: value}), id=f"{name}-{option}-{value}")


def few_images(name):
    """A few of the shipped images and their labels."""
    with np.load(mnist.shipped(name)) as archive:
        return archive["x"][::20], archive["y"][::20]


def openml(remote, version, as_frame):
    """A few images in the place of a download."""
    name = next(name for name, (title, *_) in mnist.OPENML.items() if title == remote)
    x, y = few_images(name)
    return SimpleNamespace(data=x.reshape(len(x), -1), target=y.astype(str))


@pytest.fixture(scope="module", autouse=True)
def offline():
    """Nothing is downloaded: a dataset that must be brings the tests a stand-in."""

    def refuse(self, address):
        raise AssertionError(f"a dataset connects to {address}: give the test a stand-in")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr("sklearn.datasets.fetch_openml", openml)
        for name, (remote, version, _) in list(mnist.OPENML.items()):
            checksum = mnist.content_hash(*few_images(name))
            patch.setitem(mnist.OPENML, name, (remote, version, checksum))
        yield


@pytest.fixture(scope="module", params=variants())
def loading(request, tmp_path_factory):
    """A dataset's name and options, ready to be loaded."""
    name, chosen = request.param
    needed = STAND_INS[name](tmp_path_factory.mktemp(name)) if name in STAND_INS else {}
    return name, needed | chosen


@pytest.fixture(scope="module")
def data(loading):
    return load(loading)


def load(loading):
    name, options = loading
    return registry.dataset[name].make(registry.dataset.options(name, options))


def test_datasets_that_need_a_file_are_the_ones_with_a_stand_in():
    def needs(name):
        fields = registry.dataset[name].options.model_fields.values()
        return any(field.is_required() for field in fields)

    assert set(STAND_INS) == {name for name in DATASETS if needs(name)}


def test_rows_are_finite_floats_and_labels_number_the_classes(data):
    assert isinstance(data, Dataset)
    assert data.x.dtype == np.float64 and data.y.dtype == np.int64
    assert data.x.ndim in (2, 3) and data.y.shape == data.x.shape[:1]
    assert np.isfinite(data.x).all()
    assert len(data.classes) >= 2 and len(set(data.classes)) == len(data.classes)
    assert all(isinstance(name, str) and name.strip() for name in data.classes)
    assert set(np.unique(data.y)) == set(range(len(data.classes)))
    assert (data.x.reshape(len(data.x), -1).std(axis=0) > 0).any()


def test_loading_again_gives_the_same_and_draws_no_common_random_numbers(data, loading):
    before = common_states()
    again = load(loading)
    assert again.content == data.content and again.classes == data.classes
    assert common_states() == before


def common_states():
    """States of the generators that a whole process shares."""
    numpy_state = np.random.get_state()[1]  # noqa: NPY002 - watched, not drawn from
    return numpy_state.tobytes(), bytes(torch.get_rng_state()), random.getstate()


def test_who_changes_a_copy_changes_no_later_one(data, loading):
    copy = load(loading)
    copy.x[...] = 0
    copy.y[...] = 0
    assert load(loading).content == data.content != copy.content


def changes(data):
    """The dataset with one thing changed, each of the things that there are."""
    x, y = data.x.copy(), data.y.copy()
    x.flat[-1] = np.nextafter(x.flat[-1], np.inf)
    y[-1] = (y[-1] + 1) % len(data.classes)
    yield "a value", dataclasses.replace(data, x=x)
    yield "a label", dataclasses.replace(data, y=y)
    yield "an order", dataclasses.replace(data, x=data.x[::-1])
    yield "a row", dataclasses.replace(data, x=data.x[:-1], y=data.y[:-1])
    yield "a shape", dataclasses.replace(data, x=data.x[..., None])
    yield "a name", dataclasses.replace(data, classes=("renamed", *data.classes[1:]))
    yield "a byte order", dataclasses.replace(data, x=data.x.astype(data.x.dtype.newbyteorder()))


def test_the_content_tells_every_change(data):
    few = np.linspace(0, len(data.y) - 1, 20).astype(int)
    data = dataclasses.replace(data, x=data.x[few], y=data.y[few])
    contents = {what: changed.content for what, changed in changes(data)}
    assert data.content not in contents.values()
    assert len(set(contents.values())) == len(contents)
    named = (*data.classes, "without rows")
    twin = Dataset(np.asfortranarray(data.x), data.y.copy(), named)
    assert twin.content == data.content and twin.classes == data.classes


def test_it_travels_to_other_processes(data):
    copy = pickle.loads(pickle.dumps(data))
    assert copy.content == data.content and copy.classes == data.classes


def test_options_pass_through_json_and_the_experiment_file(loading):
    name, given = loading
    options = registry.dataset.options(name, given)
    written = json.loads(json.dumps(options.model_dump(mode="json")))
    assert registry.dataset.options(name, written) == options
    assert pickle.loads(pickle.dumps(options)) == options
    spec = DataSpec(source=name, options=given)
    assert registry.dataset.options(spec.source, spec.options) == options
    if name in STAND_INS:
        (argument,) = given.values()
        assert DataSpec.model_validate({"source": f"{name}:{argument}"}) == spec


@pytest.mark.parametrize("seed", [0, 1])
def test_a_split_parts_the_rows(data, seed):
    spec = DataSpec()
    split = split_rows(data, spec, seed)
    parts = np.concatenate([split.train, split.val, split.test])
    assert np.array_equal(np.sort(parts), np.arange(len(data.y)))
    assert np.array_equal(split.labels, data.y)
    assert set(data.y[split.train]) == set(data.y)
    assert len(split.test) == round(spec.test * len(data.y)) and len(split.val)
    assert np.array_equal(split.train, split_rows(data, spec, seed).train)
    assert not np.array_equal(split.train, split_rows(data, spec, seed + 1).train)
    scaled = scale(data, split)
    assert scaled.shape == data.x.shape and np.abs(scaled).max() <= np.float32(np.pi)


@pytest.mark.parametrize("name", DATASETS)
def test_explained_in_a_line_each_and_wrong_options_refused(name):
    entry = registry.dataset[name]
    assert entry.summary.endswith(".") or ";" in entry.summary
    assert 0 < len(entry.summary) <= 100
    assert all(field.description for field in entry.options.model_fields.values())
    page = PAGE.read_text()
    assert f"`{name}`" in page
    assert all(f"`{option}" in page for option in entry.options.model_fields)
    with pytest.raises(UserError, match=f"dataset '{name}'"):
        registry.dataset.options(name, {"no_such_option": 1})
