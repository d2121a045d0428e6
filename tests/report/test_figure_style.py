"""Colours, labels and sizes that a journal asks for, in figures and tables."""

import re
from pathlib import Path

import pytest
from pypdf import PdfReader

import qhu
from qhu.errors import UserError
from qhu.report.figure_style import FigureStyle, drawn_with, label_of, read_style
from qhu.report.run.page import write_report
from qhu.report.styles import style

STYLE = """
colours: {eu_k: "#123456", "did not forget": "#0A0B0C"}
labels:
  eu_k: "EU-k & friends_1"
  acc_forget: Accuracy of what is forgotten
width: 85 mm
font_size: 7
"""


@pytest.fixture
def few(results):
    """Results of four methods, which are drawn quickly."""
    chosen = results["method"].isin(["none", "retrain", "floor", "eu_k", "finetune"])
    return results[chosen & (results["scenario"] == "class")]


def test_a_style_reaches_figures_and_tables(tmp_path, write_run, few):
    folder = write_run(tmp_path / "run", few)
    (tmp_path / "style.yaml").write_text(STYLE)
    usual = style("finetune")
    page = qhu.Run(folder).report(style=tmp_path / "style.yaml").read_text()
    assert "EU-k" in (folder / "figures" / "class-acc_forget.svg").read_text()
    forest = (folder / "figures" / "class-forest-acc_forget.svg").read_text()
    assert "Accuracy of what is forgotten − oracle's" in forest
    assert "EU-k &amp; friends_1" in forest
    assert "#0a0b0c" in forest
    assert "#123456" in (folder / "figures" / "class-acc_forget.svg").read_text()
    assert "#123456" in page, "the page's markers are those of its figures"
    table = (folder / "tables" / "class-scores.tex").read_text()
    assert r"EU-k \& friends\_1 &" in table
    assert "& Accuracy of what is forgotten &" in table
    differences = (folder / "tables" / "class-differences.md").read_text()
    assert "Accuracy of what is forgotten − retrain" in differences
    assert "acc_forget" in (folder / "tables" / "class-scores.csv").read_text()
    assert style("finetune") == usual
    assert style("eu_k").colour != "#123456", "the style ends with the report"


def test_files_are_as_wide_as_asked_with_fonts_that_journals_take(tmp_path, write_run, few):
    folder = write_run(tmp_path / "run", few)
    write_report(folder, read_style({"width": "85 mm", "font_size": 7}))
    kinds = set()
    for file in folder.glob("figures/*.pdf"):
        (page,) = PdfReader(file).pages
        assert float(page.mediabox.width) / 72 * 25.4 == pytest.approx(85, abs=0.01)
        for font in page["/Resources"]["/Font"].values():
            kinds.add(font.get_object()["/Subtype"])
            described = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
            assert "/FontFile2" in described.get_object()
    assert kinds == {"/Type0"}
    svg = (folder / "figures" / "class-acc_forget.svg").read_text()
    letters = re.findall(r"font(?:-size)?: ([0-9.]+)px", svg)
    assert set(map(float, letters)) == {7.0}


WRONG = {
    "no hash": ({"colours": {"eu_k": "0072B2"}}, "six hexadecimal digits in quotes"),
    "short": ({"colours": {"eu_k": "#fff"}}, "six hexadecimal digits"),
    "word": ({"colours": {"eu_k": "red"}}, "six hexadecimal digits"),
    "comment": ({"colours": {"eu_k": None}}, r"in quotes, such as \"#0072B2\" \(got None\)"),
    "number": ({"colours": {"eu_k": 7}}, "six hexadecimal digits"),
    "empty": ({"labels": {"eu_k": " "}}, "the label of eu_k must be a line"),
    "lines": ({"labels": {"eu_k": "a\nb"}}, "the label of eu_k must be a line"),
    "no unit": ({"width": "85"}, "a width has a unit"),
    "wide": ({"width": "85 in"}, "a figure is 1.5 to 20 in wide"),
    "key": ({"colors": {}}, "did you mean 'colours'"),
    "letters": ({"font_size": 0}, "font_size"),
}


@pytest.mark.parametrize(("given", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_style_is_refused(given, message):
    with pytest.raises(UserError, match=message):
        read_style(given)


def test_names_are_those_of_the_run(tmp_path, write_run, few):
    folder = write_run(tmp_path / "run", few)
    refused = {
        "did you mean 'eu_k'": {"colours": {"eu_kk": "#123456"}},
        "did you mean 'did not forget'": {"colours": {"did not forgot": "#123456"}},
        "did you mean 'acc_forget'": {"labels": {"acc_forgett": "x"}},
        "calls eu_k and finetune alike": {"labels": {"eu_k": "x", "finetune": "x"}},
        "calls eu_k and scrub alike": {"labels": {"eu_k": "scrub"}},
    }
    for message, given in refused.items():
        with pytest.raises(UserError, match=message):
            write_report(folder, read_style(given))
    assert not (folder / "report.html").exists()


def test_a_file_for_many_runs_may_name_what_others_have(tmp_path, write_run, few):
    folder = write_run(tmp_path / "run", few)
    write_report(folder, read_style({"labels": {"scrub": "SCRUB", "acc_test": "test accuracy"}}))


def test_a_style_ends_with_its_block():
    with drawn_with(FigureStyle(labels={"eu_k": "EU"})):
        assert label_of("eu_k") == "EU"
    assert label_of("eu_k", "usual") == "usual"


def test_no_mapping_is_no_style(tmp_path):
    (tmp_path / "style.yaml").write_text("- a\n")
    with pytest.raises(UserError, match="must be a mapping of settings"):
        read_style(tmp_path / "style.yaml")
    with pytest.raises(UserError, match=r"cannot read .*absent\.yaml"):
        read_style(tmp_path / "absent.yaml")


def test_the_style_file_of_howto_md_is_read(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "howto.md").read_text()
    (file := tmp_path / "style.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    assert read_style(file).labels["scrub"] == "SCRUB"
