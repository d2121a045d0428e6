"""What a spreadsheet would execute is shown; what it reads as numbers stays."""

import csv
import io

import pandas as pd
import pytest

from qhu.record.csv_text import csv_text


def cells(frame):
    return list(csv.reader(io.StringIO(csv_text(frame))))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "=cmd|'/C x'!A0"]
)
def test_a_formula_becomes_text_in_cells_and_heads(text):
    head, row = cells(pd.DataFrame({text: [text], "categories": pd.Categorical([text])}))
    shown = "'" + text.replace("\r", " ")
    assert [head[0], *row] == [shown] * 3


def test_numbers_and_names_stay_as_they_are():
    frame = pd.DataFrame({"value": [-0.5, None], "at": ["-0.5", "1e-05"], "name": ["a-b", "CF-k1"]})
    assert csv_text(frame) == frame.to_csv(index=False)
