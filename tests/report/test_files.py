import io
import re
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from qhu.record.references import resolve
from qhu.report.run.page import write_report


@pytest.fixture(scope="module")
def folder(tmp_path_factory, results, write_run):
    methods = ["none", "retrain", "floor", "scrub", "lca"]
    few = results[results["method"].isin(methods)]
    folder = write_run(tmp_path_factory.mktemp("files") / "run", few, seeds=2)
    write_report(folder)
    return folder


def names(folder, kind):
    return {path.stem for path in (folder / "figures").glob(f"*.{kind}")}


def test_every_figure_of_the_page_is_a_file_in_both_forms(folder):
    page = (folder / "report.html").read_text()
    drawn = len(re.findall(r'<figure class="plot">', page))
    assert names(folder, "svg") == names(folder, "pdf")
    assert len(names(folder, "svg")) == drawn
    assert {"subset-forest-acc_forget", "class-acc_test_kept", "curve-0-teacher"} <= names(
        folder, "pdf"
    )


def test_svg_files_stand_alone_and_name_the_methods(folder):
    for path in (folder / "figures").glob("*.svg"):
        root = ElementTree.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        text = " ".join(root.itertext())
        if not path.stem.startswith("curve"):
            assert "scrub" in text and "lca" in text


def test_pdf_files_hold_one_page_with_embedded_true_type_text(folder):
    for path in (folder / "figures").glob("*.pdf"):
        (page,) = PdfReader(io.BytesIO(path.read_bytes())).pages
        fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
        assert {font["/Subtype"] for font in fonts} <= {"/TrueType", "/Type0"}
        if not path.stem.startswith("curve"):
            assert "scrub" in page.extract_text()


def test_tables_methods_and_references_lie_beside_the_page(folder):
    stems = ("subset-scores", "subset-differences", "class-scores", "class-differences")
    wanted = {f"{stem}.{kind}" for stem in stems for kind in ("csv", "md", "tex")}
    assert {path.name for path in (folder / "tables").iterdir()} == wanted
    cited = set(re.findall(r"@([\w-]+)", (folder / "methods.md").read_text()))
    assert cited <= set(
        re.findall(r"^@\w+\{([^,]+),", (folder / "references.bib").read_text(), re.M)
    )
    assert resolve(cited)


def test_written_again_the_files_are_the_same(folder):
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.suffix in (".svg", ".pdf", ".tex")}
    write_report(folder)
    assert {p: p.read_bytes() for p in before} == before


def test_scenarios_that_differ_in_signs_only_get_files_of_their_own(tmp_path, results, write_run):
    few = results[results["method"].isin(["none", "retrain"]) & (results["seed"] < 2)]
    few = few[few["metric"] == "acc_forget"].replace(
        {"scenario": {"subset": "a/b", "class": "a b"}}
    )
    folder = write_run(tmp_path / "run", few, seeds=1)
    write_report(folder)
    assert {"a-b-acc_forget", "a-b-1-acc_forget"} <= names(folder, "svg")
