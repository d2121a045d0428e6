"""Smaller tasks of a dataset: what is chosen, what is combined, and that nothing leaks."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_wine

from qhu.checks import check
from qhu.data.base import Dataset
from qhu.data.iris import iris
from qhu.data.mnist import ImageOptions, mnist
from qhu.data.partition import Partition
from qhu.data.reduction import chosen_part, principal_components, sample_shape
from qhu.data.split import forget_rows, scale, split_rows
from qhu.data.wine import wine
from qhu.errors import UserError
from qhu.registry import Options
from qhu.settings.experiment import make_experiment
from qhu.settings.parts import DataSpec, Scenario
from qhu.study import Study

IRIS, WINE = iris(Options()), wine(Options())


@pytest.fixture(scope="module")
def digits():
    return mnist(ImageOptions())


def test_the_wines_are_those_of_scikit_learn():
    bunch = load_wine()
    np.testing.assert_array_equal(WINE.x, bunch.data)
    np.testing.assert_array_equal(WINE.y, bunch.target)
    assert WINE.features[0] == "alcohol" and len(WINE.features) == 13
    assert np.bincount(WINE.y).tolist() == [59, 71, 48]


def test_features_are_chosen_by_name_or_number_in_the_order_asked():
    by_name = chosen_part(IRIS, DataSpec(features=("petal width", "sepal length")))
    by_number = chosen_part(IRIS, DataSpec(features=(3, 0)))
    np.testing.assert_array_equal(by_name.x, IRIS.x[:, [3, 0]])
    assert by_name.features == by_number.features == ("petal width", "sepal length")
    assert by_name.content == by_number.content != IRIS.content


def test_a_name_is_meant_before_a_number():
    named = Dataset(IRIS.x, IRIS.y, IRIS.classes, ("3", "2", "1", "0"))
    np.testing.assert_array_equal(chosen_part(named, DataSpec(features=(3,))).x, IRIS.x[:, [0]])
    unnamed = dataclasses.replace(IRIS, features=())
    np.testing.assert_array_equal(chosen_part(unnamed, DataSpec(features=(3,))).x, IRIS.x[:, [3]])
    odd = Dataset(IRIS.x, IRIS.y, ("1", "2", "3"))
    assert chosen_part(odd, DataSpec(classes=(1, 3))).classes == ("1", "3")
    with pytest.raises(UserError, match=r"data\.classes: no class is called 0, .* it may be '1'"):
        chosen_part(odd, DataSpec(classes=(0, 1)))


def test_columns_of_a_table_are_chosen_as_its_header_calls_them(tmp_path):
    path = tmp_path / "rows.csv"
    rows = [f"{i},{i * i % 7},{-i},{'ab'[i % 2]}" for i in range(20)]
    path.write_text("\n".join(["height,width,depth,label", *rows]))
    study = Study(experiment(source=f"file:{path}", features=["depth", "height"]))
    assert study.data.features == ("depth", "height")
    np.testing.assert_array_equal(study.data.x[:, 0], -study.data.x[:, 1])


def test_classes_that_are_not_kept_do_not_exist(digits):
    two = chosen_part(digits, DataSpec(classes=(5, 3), per_class=7))
    assert two.classes == ("5", "3")
    assert np.bincount(two.y).tolist() == [7, 7]
    of = {row.tobytes(): label for row, label in zip(digits.x, digits.y, strict=True)}
    assert [two.classes[y] for y in two.y] == [str(of[row.tobytes()]) for row in two.x]
    noisy = split_rows(two, DataSpec(label_noise=0.5), 0)
    assert set(noisy.labels) == {0, 1}


@pytest.mark.parametrize(
    ("data", "asked", "message"),
    [
        (
            IRIS,
            {"features": ("petal",)},
            "'petal' is absent.*; features: 0 .sepal length., 1 .sepal width",
        ),
        (IRIS, {"features": (4,)}, "4 is absent"),
        (IRIS, {"features": (-1,)}, "-1 is absent"),
        (IRIS, {"features": (0, "sepal length")}, "stands twice"),
        (IRIS, {"classes": ("setosa", "rose")}, "'rose' is absent.*; classes: 0 .setosa"),
        (IRIS, {"classes": (1, 1)}, "stands twice"),
        (WINE, {"per_class": 49}, r"class 2 has 48 rows"),
    ],
)
def test_what_does_not_exist_is_refused(data, asked, message):
    with pytest.raises(UserError, match=message) as refused:
        chosen_part(data, DataSpec(**asked))
    assert "\n" not in str(refused.value)


def test_images_have_no_columns(digits):
    with pytest.raises(UserError, match="these samples are images"):
        chosen_part(digits, DataSpec(features=(0,)))
    assert sample_shape(digits, DataSpec(pca=4, width=6)) == (6,)
    with pytest.raises(UserError, match=r"data\.width 900 holds no samples of shape \(28, 28\)"):
        sample_shape(digits, DataSpec(width=900))


def test_components_are_the_eigenvectors_of_the_covariance():
    rows = np.arange(0, 150, 2)
    ours = principal_components(IRIS.x, rows, 3)
    centred = IRIS.x - IRIS.x[rows].mean(axis=0)
    variances, vectors = np.linalg.eigh(np.cov(IRIS.x[rows].T))
    expected = centred @ vectors[:, np.argsort(variances)[::-1][:3]]
    signs = np.sign((ours * expected).sum(axis=0))
    np.testing.assert_allclose(ours, expected * signs, atol=1e-10)


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 100), st.sampled_from(["angles", "none"]), st.sampled_from(["train", "retain"])
)
def test_test_rows_decide_no_component_nor_do_forget_rows_where_that_is_asked(seed, how, rows):
    spec = DataSpec(pca=2, scale=how, scale_rows=rows)
    split = split_rows(WINE, spec, seed)
    parted = forget_rows(WINE, split, "class", Scenario(label=1), seed, spec)
    x = WINE.x.copy()
    x[split.test] *= 3
    x[split.val] += 5
    if rows == "retain":
        x[parted.forget] -= 7

    def samples(x):
        data = dataclasses.replace(WINE, x=x)
        whole = Partition(data, spec, split, dataclasses.replace(parted, retain=split.train))
        return Partition(data, spec, split, parted, whole).samples[parted.retain].numpy()

    np.testing.assert_array_equal(samples(x), samples(WINE.x))
    assert np.abs(samples(WINE.x)).max() > 0


def test_components_do_not_depend_on_units_where_features_are_scaled():
    split, spec = split_rows(WINE, DataSpec(), 0), DataSpec(pca=2)
    in_other_units = dataclasses.replace(WINE, x=WINE.x * np.logspace(-3, 3, 13))
    ours, other = (scale(data, split, spec) for data in (WINE, in_other_units))
    np.testing.assert_allclose(ours, other, atol=1e-5)
    assert np.allclose(ours[split.train].min(axis=0), -np.pi)


def test_a_width_repeats_the_features_in_turn():
    split = split_rows(IRIS, DataSpec(), 0)
    once = scale(IRIS, split)
    np.testing.assert_array_equal(
        scale(IRIS, split, DataSpec(width=6)), once[:, [0, 1, 2, 3, 0, 1]]
    )


def experiment(**data):
    given = {"scenarios": {"most": {"fraction": 0.9}}, "methods": ["finetune"], "seeds": [0]}
    return make_experiment({"name": "small", "data": data, **given}, "here")


def test_a_study_is_made_of_the_part_that_is_asked_for():
    study = Study(experiment(source="wine", features=[0, 12], width=4, per_class=40))
    assert (study.shape, len(study.data.y)) == ((4,), 120)
    assert study.net("train").theta.mask("quantum").sum() == 2 * 3 * 4
    plain = Study(experiment(source="wine"))
    assert study.fingerprint != plain.fingerprint
    assert study.key("any", "train", 0) != plain.key("any", "train", 0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"source": "iris", "pca": 5}, "have fewer features"),
        ({"source": "iris", "width": 3}, r"choose data\.features or set data\.pca"),
        ({"source": "wine", "pca": 13}, "retains 12 rows in scenario 'most'"),
        ({"source": "mnist", "pca": 4, "scale": "unit"}, "components are no pixels"),
        ({"source": "iris", "classes": ["setosa"]}, "must hold 2 entries or more"),
    ],
)
def test_what_cannot_be_reduced_is_refused_before_anything_is_computed(data, message):
    with pytest.raises(UserError, match=message):
        check(Study(experiment(**data)))
