"""Run folders of strangers: a page that shows what they say, or one line."""

import csv

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from qhu.errors import UserError
from qhu.report import frames
from qhu.report.frames import load_run, read_predictions
from qhu.report.panels import numbered
from qhu.report.run.page import write_report

ODD = ["=1+1", "$x", "<script>alert(1)</script>", '" onload="alert(1)', "{{ 7 * 7 }}", "../../evil"]


@pytest.fixture(scope="module")
def page(tmp_path_factory, results, write_run):
    """The folder of a run whose methods and scenario have odd names."""
    few = results[(results["scenario"] == "class") & (results["seed"] < 2)]
    known = [m for m in few["method"].unique() if m not in ("none", "retrain", "floor")]
    few = few.replace(
        {"method": dict(zip(known, ODD, strict=False)), "scenario": {"class": ODD[5]}}
    )
    folder = write_run(tmp_path_factory.mktemp("odd") / "in" / "run", few, seeds=1)
    write_report(folder)
    return folder


def test_a_page_of_odd_names_shows_them(page, outline):
    text = (page / "report.html").read_text()
    read = outline(text)
    assert "script" not in read.tags
    assert all(address.startswith(("#", "data:,")) for address in read.addresses)
    assert "{{ 7 * 7 }}" in text and "&lt;script&gt;" in text


def test_its_files_stay_in_its_folder(page):
    outside = [path for path in page.parents[1].rglob("*") if page not in path.parents]
    assert outside == [page.parent, page] or set(outside) == {page.parent, page}


def test_its_tables_hold_no_formulas(page):
    rows = [row for file in page.glob("tables/*.csv") for row in csv.reader(file.open())]
    assert ["'=1+1"] in [row[:1] for row in rows]
    assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for row in rows for cell in row)


@pytest.mark.parametrize(
    "line",
    ["[" * 100_000, "[]", "1", '{"facts": 1}', '{"facts": [1]}', '{"step": ' + "9" * 5_000 + "}"],
)
def test_an_odd_history_is_one_line(run_folder, line):
    (run_folder / "history.jsonl").write_text(f"{line}\n")
    with pytest.raises(UserError, match=r"history\.jsonl, line 1: not JSON"):
        load_run(run_folder)


@pytest.mark.parametrize("file", ["experiment.yaml", "results.csv", "history.jsonl", "circuit.svg"])
@pytest.mark.parametrize("content", [b"", b"\0" * 99, b"\xff\xfe", b"[" * 9_999, b"=" * 9_999])
def test_a_file_of_anything_is_one_line_or_none(run_folder, file, content):
    (run_folder / file).write_bytes(content)
    try:
        write_report(run_folder)
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 1_000


def test_predictions_that_would_swell_are_not_read(tmp_path, monkeypatch):
    ones = pa.array([1]).take(pa.array([0] * 100_000))
    parquet.write_table(pa.table({"seed": ones}), tmp_path / "predictions.parquet")
    assert len(read_predictions(tmp_path, [1])) == 100_000
    monkeypatch.setattr(frames, "MAX_PREDICTIONS", 99_999)
    with pytest.raises(UserError, match="claims 100,000 rows"):
        read_predictions(tmp_path, [1])


def test_tables_are_read_no_further_than_their_bound(run_folder, monkeypatch):
    monkeypatch.setattr(frames, "MAX_TABLE", 100)
    with pytest.raises(UserError, match="longer than 100 bytes"):
        load_run(run_folder)


def test_files_of_a_page_differ_on_every_file_system():
    names = numbered(["a", "A", "a-1", "a", "b"])
    assert len({name.lower() for name in names}) == 5
    assert names[0] == "a" and names[4] == "b"


def test_a_table_without_rows_is_written(tmp_path):
    from qhu.record.folder import RunFolder

    RunFolder(tmp_path).write_table("x.csv", pd.DataFrame(columns=["a", "b"]))
    assert (tmp_path / "x.csv").read_text() == "a,b\n"
