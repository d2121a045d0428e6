"""Notebooks of the site: cells that anybody can run; the build of the site executes them."""

import ast
import json
import re

import pytest
import yaml
from documents import ROOT, place

import qhu

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.md"))
CELL = re.compile(
    r"^```\{code-cell\}\n(?:---\n(.*?)\n---\n|:(.*?)\n\n)?(.*?)^```$", re.MULTILINE | re.DOTALL
)


def cells(page):
    """Settings and code of the page's cells."""
    found = CELL.findall(page.read_text())
    return [(yaml.safe_load(block or line) or {}, code) for block, line, code in found]


def python(page):
    """All Python of the page, as it is executed."""
    return "\n".join(code for _, code in cells(page))


def test_there_are_a_first_study_own_parts_and_a_rehearsal():
    assert {page.stem for page in NOTEBOOKS} == {"first-study", "own-parts", "rehearsal"}


@pytest.mark.parametrize("page", NOTEBOOKS, ids=place)
def test_a_notebook_needs_nothing_but_the_public_names(page):
    used = set()
    for node in ast.walk(ast.parse(python(page))):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("qhu"), node.module
        if isinstance(node, ast.Import):
            assert all(name.name == "qhu" or "qhu" not in name.name for name in node.names)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "qhu":
            used.add(node.attr)
    assert used and used <= set(qhu.__all__)


@pytest.mark.parametrize("page", NOTEBOOKS, ids=place)
def test_a_notebook_can_be_read_and_downloaded(page):
    header = yaml.safe_load(page.read_text().split("---\n")[1])
    assert header["file_format"] == "mystnb"
    assert f"{{nb-download}}`{page.stem}.ipynb`" in page.read_text()


@pytest.mark.parametrize("page", NOTEBOOKS, ids=place)
def test_every_figure_of_a_notebook_has_a_caption_and_says_what_is_seen(page):
    for settings, code in cells(page):
        if "plt." in code or ".draw(" in code:
            assert settings["mystnb"]["figure"]["caption"]
            assert settings["mystnb"]["image"]["alt"]


@pytest.mark.parametrize("page", NOTEBOOKS, ids=place)
def test_the_code_of_a_notebook_fits_its_box(page):
    assert not [line for _, code in cells(page) for line in code.splitlines() if len(line) > 88]


@pytest.mark.slow
@pytest.mark.parametrize("page", NOTEBOOKS, ids=place)
def test_a_notebook_runs(page, tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="the docs extra is not installed")
    read = pytest.importorskip("myst_nb.core.read")
    notebook = read.read_myst_markdown_notebook(page.read_text(), path=page)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any("text/html" in output.get("data", {}) for output in outputs)
    assert "Traceback" not in json.dumps(notebook)
