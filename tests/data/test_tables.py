"""Tables as people have them: what is read, and what is asked instead of guessed."""

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from qhu.data.file import FileOptions, file
from qhu.errors import UserError

IRIS, WINE, CANCER, DIGITS = load_iris(), load_wine(), load_breast_cancer(), load_digits()


def lines(rows):
    return "\n".join(",".join(map(str, row)) for row in rows)


def numbered(bunch):
    return np.column_stack([bunch.data, bunch.target])


KAGGLE = "Id,SepalLengthCm,SepalWidthCm,PetalLengthCm,PetalWidthCm,Species\n" + lines(
    [i, *x, f"Iris-{IRIS.target_names[y]}"]
    for i, (x, y) in enumerate(zip(IRIS.data, IRIS.target, strict=True), 1)
)
UCI_WINE = lines([y + 1, *x] for x, y in zip(WINE.data, WINE.target, strict=True))
UCI_CANCER = lines(
    [842302 + 37 * i, "MB"[y], *x]
    for i, (x, y) in enumerate(zip(CANCER.data, CANCER.target, strict=True))
)
PANDAS = pd.DataFrame(numbered(IRIS)).to_csv(index=False)
INDEXED = pd.DataFrame(numbered(IRIS)).to_csv()
TWICE = pd.read_csv(io.StringIO(INDEXED)).to_csv()
GERMAN = KAGGLE.replace(",", ";").replace(".", ",")


@pytest.fixture
def read(tmp_path):
    def read(content, ending=".csv", **options):
        path = tmp_path / f"mine{ending}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file(FileOptions(path=str(path), **options))

    return read


def same_rows(data, bunch):
    np.testing.assert_array_equal(data.x, bunch.data)
    np.testing.assert_array_equal(data.y, bunch.target)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (KAGGLE, {}),
        (KAGGLE, {"label": "Species", "drop": ["Id"]}),
        (KAGGLE, {"label": 5, "drop": [0]}),
        (KAGGLE.replace("\n", "\r\n"), {}),
        (KAGGLE.replace("\n", "\r"), {}),
        (b"\xef\xbb\xbf" + KAGGLE.encode(), {}),
        (KAGGLE.replace(",", ", "), {}),
        (KAGGLE.replace(",", ";"), {}),
        (KAGGLE.replace(",", "\t"), {"separator": "tab"}),
        (KAGGLE.replace(",", "   "), {}),
        (KAGGLE.replace(",", "|"), {}),
        (KAGGLE.replace(",", "~"), {"separator": "~"}),
        (GERMAN, {}),
        (GERMAN, {"separator": ";", "decimal": ","}),
        ("\n".join(f"{line}," for line in KAGGLE.split("\n")), {}),
        (KAGGLE.replace("Species\n", "Species,\n"), {}),
        ("# from a colleague\n\n" + KAGGLE.replace("\n51,", "\n\n# the second half\n51,"), {}),
        ('"Id","sepal; length ""cm""",b,c,d,kind\n' + KAGGLE.split("\n", 1)[1], {}),
        (KAGGLE.split("\n", 1)[1], {"drop": [0]}),
        (PANDAS, {}),
        (INDEXED, {}),
        (TWICE, {}),
        (numbered(IRIS), {}),
    ],
)
def test_iris_is_iris_however_it_is_written(read, content, options):
    content = lines(content) if isinstance(content, np.ndarray) else content
    same_rows(read(content, **options), IRIS)


def test_what_was_read_is_said(read):
    data = read(KAGGLE)
    assert data.features == ("SepalLengthCm", "SepalWidthCm", "PetalLengthCm", "PetalWidthCm")
    assert data.remarks == ("label in column Species", "dropped Id")
    assert data.classes == ("Iris-setosa", "Iris-versicolor", "Iris-virginica")
    assert "1 comment lines left out" in read("#\n" + KAGGLE).remarks
    kept = read(KAGGLE, drop=[]).remarks
    assert "counting the rows, kept as a feature (if it is none, drop it): Id" in kept
    assert "constant b" in read("a,b,k\n1,7,x\n2,7,y\n4,7,x\n").remarks


@pytest.mark.parametrize("ending", [".csv", ".data", ".txt", ".CSV"])
def test_wine_has_three_classes_named_in_the_first_column(read, ending):
    data = read(UCI_WINE, ending)
    same_rows(data, WINE)
    assert data.classes == ("1", "2", "3") and data.features == ()
    assert [data.class_number(label) for label in (1, 2, 3)] == [0, 1, 2]


def test_thirty_features_of_cells(read):
    titled = "id,diagnosis," + ",".join(CANCER.feature_names) + ",\n" + UCI_CANCER
    data = read(titled)
    assert data.features == tuple(CANCER.feature_names) and data.classes == ("B", "M")
    np.testing.assert_array_equal(data.x, CANCER.data)
    np.testing.assert_array_equal(data.x, read(UCI_CANCER, drop=[0]).x)


def test_digits_with_and_without_numbers_of_columns(read):
    rows = numbered(DIGITS).astype(int)
    same_rows(read(lines(rows)), DIGITS)
    same_rows(read(pd.DataFrame(rows).to_csv(index=False)), DIGITS)
    first = np.column_stack([DIGITS.target, DIGITS.data]).astype(int)
    same_rows(read(lines(first), label=0), DIGITS)


@pytest.mark.parametrize(
    "names",
    [
        ["None", "mild"],
        ["NA", "EU"],
        ["nan", "null", "None", "N/A"],
        ["True", "False"],
        ["y", "n"],
        ["-1", "1"],
        ["1", "2", "10"],
        ["a b", "c, d"],
    ],
)
@pytest.mark.parametrize("header", ["a,b,kind\n", ""])
def test_classes_keep_their_names(read, names, header):
    rows = [[i * 1.5, i % 7 + 0.5, f'"{names[i % len(names)]}"'] for i in range(40)]
    data = read(header + lines(rows))
    order = sorted(names, key=int) if names[0].lstrip("-").isdigit() else sorted(names)
    assert data.classes == tuple(order)
    assert [data.classes[y] for y in data.y] == [names[i % len(names)] for i in range(40)]


def rows(*columns, count=30):
    return lines([column(i) for column in columns] for i in range(count))


X, B = (lambda i: i * 1.5), (lambda i: "xy"[i % 2])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pd.DataFrame(numbered(IRIS)[:, 2:]).to_csv(index=False), r"line 1: 0,1,2; line 2: 1\.4"),
        ("1100.5,1101.0,kind\n" + rows(X, X, B), "give header: true or header: false"),
        ("2019,2020,2021\n" + rows(X, X, lambda i: i % 3), "give header"),
        (KAGGLE.split("\n", 1)[1].replace("5.1", "5.l", 1), "give header"),
        (KAGGLE.split("\n", 1)[1], r"drop: \[0\], or drop: \[\].*columns: 0 \(1, 2, 3, …\)"),
        (UCI_CANCER, r"column 0 may number the rows.*842302.*1 \(M, M, M, …\).*…; 31"),
        ("id,a,k\n" + rows(lambda i: i % 5, X, B), "called like an index"),
        ("a,b,c\n" + rows(lambda i: i % 2, X, lambda i: i % 3), r"it may be the first column \(2"),
        ("a,b,c\n" + rows(X, X, X), "none of these, not even the last"),
        ("a,b,c\n" + rows(B, X, B), "'a', 'c' hold text, and one is the label"),
        ("y,a,label\n" + rows(X, X, B), "both hold labels"),
        ("x,y,kind\n" + rows(X, X, B), "column 'kind' is not numeric.*or give label"),
        ("a,a,k\n" + rows(X, X, B), "one name, 'a'"),
        ("a,b\n" + rows(X, X, B), "the first line has 2 cells and the next 3"),
        (KAGGLE.replace("\n7,4.6", "\n7,?"), r"row 6 \(line 8\), column 'SepalLengthCm'"),
        (KAGGLE.replace("\n7,4.6", "\n7,"), r"row 6 \(line 8\), column 'SepalLengthCm'"),
        (KAGGLE.replace("\n7,4.6", "\n7,NaN"), r"row 6 \(line 8\), column 'SepalLengthCm'"),
        ("#\n\n" + KAGGLE.replace("\n7,4.6", "\n7,?"), r"row 6 \(line 10\)"),
        (KAGGLE.replace("\n7,4.6", "\n7,1,4.6"), "line 8 has 7 cells and others have 6"),
        (KAGGLE.replace("0.3,Iris-setosa", "0.3,?"), r"row 6 has no label.*line 8"),
        ("a,k\n" + rows(X, lambda i: [0, 1, "nan"][i % 3]), "row 2 has no label"),
        ("a,b,k\n" + rows(lambda i: 2**53 + 1 + i, X, B), r"line 4.*9007199254740995.*2\*\*53"),
        ("a;b;k\n" + rows(lambda i: f"{i + 1},234", X, B).replace(",", ";"), "columns"),
        ("a,b,k\n" + rows(lambda i: f'"{i + 1},234"', X, B), "thousands or decimals"),
        (
            "a,b,k\n" + rows(lambda i: f'"{i},5"', X, B),
            "decimal commas and column 1 decimal points",
        ),
        (KAGGLE.encode("utf-16"), "NUL bytes; save it as text in UTF-8"),
        ("a,k\n1,café\n2,x\n".encode("latin-1"), r"line 2 holds the byte 0xe9 \(byte 9"),
    ],
)
def test_what_could_be_two_things_is_asked_in_a_line(read, content, message):
    if message == "columns":
        content, message = content.replace(";234", ",234"), "thousands or decimals"
    with pytest.raises(UserError, match=message) as caught:
        read(content)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "Spices"}, r"column 'Spices' is absent \(did you mean 'Species'"),
        ({"label": 9}, "column 9 is absent; columns: 0 \\(Id\\)"),
        ({"drop": ["Nothing"]}, "column 'Nothing' is absent"),
        ({"drop": ["Species"], "label": 5}, "drop holds the label"),
        ({"drop": [0, 1, 2, 3, 4]}, "X must be"),
        ({"separator": ";"}, "X must be"),
    ],
)
def test_options_that_do_not_fit_the_table_are_refused(read, options, message):
    with pytest.raises(UserError, match=message):
        read(KAGGLE, **options)


def test_the_answers_to_what_is_asked(read):
    two = pd.DataFrame(numbered(IRIS)[:, 2:]).to_csv(index=False)
    assert read(two, header=True).x.shape == (150, 2)
    assert read(two, header=False, label=2).x.shape == (151, 2)
    assert read(UCI_CANCER, drop=[]).x.shape == (569, 31)
    grouped = "a,b,k\n" + rows(lambda i: f'"{i + 1},234"', lambda i: i, B)
    assert read(grouped, decimal=",").x[1].tolist() == [2.234, 1]
    below_one = "\n".join(f"0,{i}25;{i * 2};{B(i)}" for i in range(10))
    assert read("a;b;k\n" + below_one).x[3, 0] == 0.325
    either = "a,b,c\n" + rows(lambda i: i % 2, X, lambda i: i % 3)
    assert read(either, label="a").classes == ("0", "1")
    named = "Label,0,1\n" + rows(lambda i: i % 2, X, lambda i: i % 3)
    assert read(named, label="1").classes == ("0", "1", "2")


@pytest.mark.parametrize("separator", ["", ";;", "a", "1", ".", '"', "\n"])
def test_what_cannot_part_cells_is_no_separator(separator):
    with pytest.raises(ValueError, match="give one character"):
        FileOptions(path="mine.csv", separator=separator)


def test_archives_take_no_options_of_tables(tmp_path):
    np.savez(tmp_path / "mine.npz", X=IRIS.data, y=IRIS.target)
    with pytest.raises(UserError, match="label, drop is for tables"):
        file(FileOptions(path=str(tmp_path / "mine.npz"), label="y", drop=[]))
