"""Rows and settings as Python has them: frames, arrays, tensors, bunches and NumPy's numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris

import qhu as package
from qhu.data.file import FileOptions, file
from qhu.data.given import FrameOptions, from_given, keep
from qhu.errors import UserError
from qhu.settings.parts import DataSpec, Scenario

IRIS, CANCER = load_iris(as_frame=True), load_breast_cancer()
NAMED = IRIS.data.assign(species=IRIS.target_names[IRIS.target])
TENSORS = (torch.tensor(IRIS.data.to_numpy(), requires_grad=True), torch.tensor(IRIS.target))
COLUMN = IRIS.target.to_frame()


def given(what, **options):
    return from_given(what, FrameOptions(**options))


@pytest.mark.parametrize(
    ("what", "options"),
    [
        (NAMED, {}),
        (NAMED, {"label": "species"}),
        (NAMED.assign(Id=np.arange(150)), {"label": 4}),
        (NAMED.assign(x=0.0).set_index("x"), {"drop": []}),
        (NAMED.convert_dtypes(), {}),
        (NAMED.astype({"species": "category"}), {}),
        (load_iris(), {}),
        (IRIS, {}),
        ((IRIS.data, NAMED.species), {}),
        ((IRIS.data.to_numpy().tolist(), NAMED.species.tolist()), {}),
        (TENSORS, {}),
        ((IRIS.data, COLUMN), {}),
    ],
)
def test_every_form_holds_the_same_rows(what, options):
    data = given(what, **options)
    np.testing.assert_array_equal(data.x, IRIS.data)
    np.testing.assert_array_equal(data.y, IRIS.target)
    assert data.classes in (("setosa", "versicolor", "virginica"), ("0", "1", "2"))
    assert data.features in (tuple(IRIS.feature_names), ())


def test_a_bunch_keeps_the_numbers_of_its_classes():
    """Sorted by name, benign would be class 0."""
    data = given(CANCER)
    assert data.classes == ("malignant", "benign")
    np.testing.assert_array_equal(data.y, CANCER.target)


def test_images_and_odd_labels(tmp_path):
    pixels = load_digits()
    data = given((pixels.images, pixels.target))
    assert data.x.shape == (1797, 8, 8) and data.classes == tuple("0123456789")
    assert given((np.eye(4), [True, False] * 2)).classes == ("False", "True")
    assert given((np.eye(4), ["None", "NA"] * 2)).classes == ("NA", "None")
    assert given((np.eye(4), ["10", "9"] * 2)).classes == ("9", "10")
    assert given((np.eye(4), np.array([3.0, 7.0] * 2))).classes == ("3", "7")


@pytest.mark.parametrize("what", [NAMED.assign(Id=np.arange(150)), CANCER, TENSORS])
def test_what_is_kept_is_read_as_the_same(tmp_path, what):
    data = given(what)
    path = keep(data, tmp_path)
    read = file(FileOptions(path=str(path)))
    assert read.content == data.content
    assert (read.features, read.remarks) == (data.features, data.remarks)
    assert keep(read, tmp_path) == path and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("what", "options", "message"),
    [
        (NAMED, {"label": "spices"}, "column 'spices' is absent.*did you mean 'species'"),
        (NAMED.mask(NAMED == 5.1), {}, r"no value in \d+ rows \(first: row 0\)"),
        (NAMED.assign(species=None), {"label": "species"}, "row 0 has no label"),
        (NAMED.assign(day="Monday"), {"label": "species"}, "column 'day' is not numeric"),
        ((IRIS.data, IRIS.target[:-1]), {}, "150 rows but 149 labels"),
        (([[1, 2], [3]], [0, 1]), {}, "differ in length"),
        ((np.eye(4), np.eye(4)), {}, r"y \(N,\)"),
        (TENSORS, {"label": 1}, "label and drop are for a DataFrame"),
        (3, {}, r"give a DataFrame, \(X, y\) or what sklearn\.datasets loads \(got 3\)"),
        ({"X": np.eye(4)}, {}, "give a DataFrame"),
    ],
)
def test_what_is_no_data_is_refused_in_a_line(what, options, message):
    with pytest.raises(UserError, match=message) as caught:
        given(what, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("names", [{"classes": ["a"]}, {"features": ["a", "b"]}])
def test_names_that_do_not_fit_an_archive_are_refused(tmp_path, names):
    np.savez(tmp_path / "x.npz", X=np.eye(4), y=[0, 1, 0, 1], **names)
    with pytest.raises(UserError, match="names"):
        file(FileOptions(path=str(tmp_path / "x.npz")))


def test_settings_take_the_values_of_numpy_pandas_and_torch():
    experiment = package.Experiment(
        name=np.str_("np"),
        seeds=np.arange(3),
        training={"epochs": np.int64(4), "paired": np.bool_(True), "lr": np.float64(0.25)},
        scenarios={
            "ids": {"ids": torch.tensor([3, 1])},
            "label": {"label": np.int32(1)},
            "share": {"fraction": np.float64(0.5)},
        },
        methods=np.array(["finetune"]),
        metrics=pd.Series(["acc"]),
    )
    assert experiment.seeds == (0, 1, 2) and experiment.metrics == ("acc",)
    assert experiment.training.epochs == 4 and experiment.training.lr == 0.25
    assert experiment.scenarios["ids"].ids == (3, 1)
    assert experiment.scenarios["label"] == Scenario(label=1)
    for seeds in (range(3), (0, 1, 2), [np.int64(0), 1, 2], "0-2"):
        assert package.Experiment(**experiment.model_dump(exclude={"seeds"}), seeds=seeds)
    assert DataSpec(options={"path": Path("a.csv")}).options == {"path": "a.csv"}
    with pytest.raises(ValueError, match="integer"):
        package.Experiment(**experiment.model_dump(exclude={"seeds"}), seeds=np.arange(3.0))


SETTINGS = {
    "name": "mine",
    "training": {"epochs": 1},
    "unlearning": {"steps": 1},
    "scenarios": {"class": {"label": "virginica"}},
    "methods": ["finetune"],
    "metrics": ["acc"],
    "seeds": np.arange(1),
}


def test_rows_of_a_caller_are_run_found_again_and_part_of_the_key(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first = package.run(SETTINGS, data=NAMED, label="species")
    again = package.run({**SETTINGS, "data": {"source": NAMED, "test": np.float64(0.2)}})
    assert again.folder == first.folder
    assert "150 rows × 4 features (sepal length (cm)" in capsys.readouterr().out
    changed = package.run(package.Experiment(**SETTINGS), data=NAMED.assign(more=NAMED.index % 3))
    assert changed.folder != first.folder
    resumed = package.run(first.folder / "experiment.yaml", out=first.folder)
    assert resumed.results.equals(first.results)


@pytest.mark.parametrize(
    ("settings", "arguments", "message"),
    [
        ({"seeds": [0.5]}, {"data": NAMED}, "^experiment: seeds"),
        ({"data": {"source": NAMED, "options": {"labl": "x"}}}, {}, "did you mean 'label'"),
        ({"data": {"source": NAMED, "tset": 0.2}}, {}, "data.tset"),
        ({}, {"data": Path("absent.csv")}, "cannot read absent.csv"),
        ({}, {"data": "iris", "label": "x"}, "label"),
        ({}, {"data": "file:absent.csv", "label": "x"}, "cannot read absent.csv"),
    ],
)
def test_wrong_data_is_refused_before_anything_is_written(
    tmp_path, monkeypatch, settings, arguments, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(package.UserError, match=message):
        package.run({**SETTINGS, **settings}, **arguments)
    assert not list(tmp_path.iterdir())
