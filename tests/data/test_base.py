import numpy as np
import pytest

from qhu.data.base import Dataset
from qhu.errors import UserError

X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])


def test_content_is_all_that_a_network_learns_from():
    def content(x=X, y=Y, classes=("a", "b")):
        return Dataset(x, y, classes).content

    others = [
        content(x=X.reshape(6, 1, 2)),
        content(x=X + 1),
        content(x=X.astype(np.float32)),
        content(y=1 - Y),
        content(classes=("a", "c")),
        content(y=np.array([0, 1, 2, 1, 0, 1]), classes=("a", "b", "c")),
    ]
    assert content() == content(x=np.asfortranarray(X))
    assert len({content(), *others}) == 1 + len(others)


def test_a_class_without_rows_is_none():
    data = Dataset(X, np.array([3, 7, 3, 7, 7, 3]), tuple("0123456789"))
    assert data.classes == ("3", "7")
    assert data.y.tolist() == [0, 1, 0, 1, 1, 0] and data.y.dtype == np.int64
    assert data.content == Dataset(X, np.array([0, 1, 0, 1, 1, 0]), ("3", "7")).content


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        ([4] * 6, tuple("0123456789"), "all labels are '4': classification needs two or more"),
        ([0, 1] * 3, ("a", "a"), "two classes are called 'a': rename one"),
        ([0, 2] * 3, ("a", "b"), r"labels must lie in 0\.\.1"),
    ],
)
def test_what_cannot_be_classified_is_refused(y, classes, message):
    with pytest.raises(UserError, match=message):
        Dataset(X, np.array(y), classes)


@pytest.mark.parametrize(
    ("classes", "label", "number"),
    [
        ("setosa virginica", "virginica", 1),
        ("setosa virginica", 1, 1),
        ("1 2 3", 1, 0),
        ("1 2 3", "3", 2),
        ("0 1 2", 2, 2),
        ("3 7", 7, 1),
        ("None nan", "None", 0),
        ("False True", True, 1),
        ("false true", False, 0),
        ("-1 1", -1, 0),
    ],
)
def test_a_label_means_a_class_by_its_name_before_its_number(classes, label, number):
    names = tuple(classes.split())
    y = np.arange(6) % len(names)
    assert Dataset(X, y, names).class_number(label) == number


@pytest.mark.parametrize(
    ("classes", "label", "message"),
    [
        ("3 7", 1, "no class is called 1.*it may be '7', counted from 0"),
        ("01 02", 1, "it may be '01' or '02', counted from 0"),
        ("setosa virginica", "1", r"class '1' is absent; classes: 0 \(setosa\), 1 \(virginica\)"),
        ("setosa virginica", "setose", "did you mean 'setosa'"),
        ("setosa virginica", 2, "class 2 is absent"),
        ("setosa virginica", True, "class true is absent"),
        ("TRUE True no", True, "class true may be 'TRUE' or 'True'"),
        ("1 2 3", 0, "no class is called 0"),
    ],
)
def test_a_label_that_is_absent_or_could_mean_two_is_refused(classes, label, message):
    names = tuple(classes.split())
    data = Dataset(X, np.arange(6) % len(names), names)
    with pytest.raises(UserError, match=message) as caught:
        data.class_number(label)
    assert "\n" not in str(caught.value)
