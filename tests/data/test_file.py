import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from qhu.data.file import FileOptions, file
from qhu.errors import UserError

IRIS = load_iris()


def read(path):
    return file(FileOptions(path=str(path)))


def rows_as_csv(header=None):
    names = IRIS.target_names[IRIS.target]
    lines = [",".join(map(str, [*x, y])) for x, y in zip(IRIS.data, names, strict=True)]
    return "\n".join([*([header] if header else []), *lines])


@pytest.mark.parametrize("header", [None, "sl,sw,pl,pw,kind"])
def test_a_csv_with_or_without_header_keeps_every_row(tmp_path, header):
    (tmp_path / "mine.csv").write_text(rows_as_csv(header))
    data = read(tmp_path / "mine.csv")
    np.testing.assert_array_equal(data.x, IRIS.data)
    np.testing.assert_array_equal(data.y, IRIS.target)
    assert data.classes == ("setosa", "versicolor", "virginica")


def test_a_label_column_is_found_by_name_and_pixels_may_be_numbered(tmp_path):
    (tmp_path / "mine.csv").write_text("Label,0,1\n7,10,11\n3,12,13\n7,14,15\n")
    data = read(tmp_path / "mine.csv")
    assert data.x.tolist() == [[10, 11], [12, 13], [14, 15]]
    assert data.y.tolist() == [1, 0, 1]
    assert data.classes == ("3", "7")


@pytest.mark.parametrize("names", [("X", "y"), ("x", "Y")])
def test_an_npz_of_images(tmp_path, names):
    x, y = np.arange(48).reshape(3, 4, 4), np.array([5.0, 2.0, 5.0])
    np.savez(tmp_path / "mine.npz", **dict(zip(names, (x, y), strict=True)))
    data = read(tmp_path / "mine.npz")
    np.testing.assert_array_equal(data.x, x)
    assert data.y.tolist() == [1, 0, 1]
    assert data.classes == ("2", "5")


def test_own_data_runs_from_yaml_alone(tiny, qhu):
    Path("mine.csv").write_text(rows_as_csv("sl,sw,pl,pw,kind"))
    code, out, errors = qhu("run", tiny, "-s", "data.source=file:mine.csv", "--seeds", "0-1")
    assert (code, errors) == (0, "")
    assert out.splitlines()[:4] == [
        "data: 150 rows × 4 features (sl, sw, pl, pw); classes setosa 50, versicolor 50,",
        "  virginica 50; label in column kind",
        "scenario subset: forgets 10 training rows",
        "scenario class: forgets 'setosa' (50 rows; 34 of training)",
    ]
    (record,) = Path("runs").glob("*/*/*/run.json")
    described = json.loads(record.read_text())["description"]
    assert described["classes"] == {"setosa": 50, "versicolor": 50, "virginica": 50}
    assert described["features"] == ["sl", "sw", "pl", "pw"]
    assert described["scenarios"]["class"] == {"label": "setosa", "rows": 50, "training": [34, 34]}
    forgotten = "forget the whole class setosa (50 rows; 34 of training)"
    assert forgotten in record.with_name("report.html").read_text()
    assert forgotten in record.with_name("methods.md").read_text()


def csv(text):
    return lambda path: path.with_suffix(".csv").write_text(text)


def npz(**arrays):
    return lambda path: np.savez(path.with_suffix(".npz"), **arrays)


ZEROS = np.zeros((4, 2))
LABELS = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "cannot read"),
        (lambda path: path.with_suffix(".npz").write_bytes(b"PK\3\4 cut"), "damaged"),
        (lambda path: path.with_suffix(".npz").write_bytes(b""), "damaged"),
        (npz(X=ZEROS), "lacks the array y: save it with X="),
        (npz(X=ZEROS[:3], y=LABELS), "3 rows but 4 labels"),
        (npz(X=ZEROS[0], y=LABELS), "X must be"),
        (npz(X=ZEROS.astype(str), y=LABELS), "not numbers"),
        (npz(X=np.array([{}] * 4), y=LABELS), "Python objects"),
        (npz(X=ZEROS, y=LABELS + 0.5), "not fractional numbers"),
        (npz(X=ZEROS, y=LABELS * 0), "all labels are '0'"),
        (npz(X=ZEROS + np.inf, y=LABELS), "NaN or infinite values in 4 rows"),
        (csv(""), "is not a table"),
        (csv("a,b,y\n1,2,0\n1,2,3,4\n"), "is not a table"),
        (csv("a,b,y\n1,x,0\n2,3,1\n"), "column 'b' is not numeric"),
        (csv("a,b,y\n1,,0\n2,3,1\n"), r"1 rows \(first: row 0\)"),
        (csv("a,b,y\n1,1,0\n2,3,\n"), "row 1 has no label"),
        (csv("y\n1\n2\n"), "X must be"),
    ],
)
def test_a_wrong_file_is_one_line_that_says_how_to_mend_it(tmp_path, write, message):
    write(tmp_path / "mine")
    found = list(tmp_path.iterdir())
    with pytest.raises(UserError, match=message) as caught:
        read(found[0] if found else tmp_path / "mine.csv")
    assert "\n" not in str(caught.value)


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"end in \.npz or \.csv"):
        read("mine.xlsx")
