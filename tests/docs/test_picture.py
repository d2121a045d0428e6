"""The picture of a result: there, shown, readable in the dark, and made by a command."""

import importlib
import re
import sys
from xml.etree import ElementTree

import pytest
from documents import ROOT

from qhu import registry

SVG = "{http://www.w3.org/2000/svg}"
TINY = (
    "experiments/iris.yaml -s 'scenarios={class: {label: setosa}}' -s training.epochs=1 "
    "-s unlearning.steps=2 --methods finetune --seeds 0-1"
)


@pytest.fixture
def picture(monkeypatch):
    """The module that makes it."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    yield importlib.import_module("picture")
    for name in ("picture", "illustrate"):
        del sys.modules[name]


def grounded(root):
    """Whether all of the picture lies on a ground that is no hole."""
    first = next(iter(root))
    size = [first.get("width"), first.get("height")]
    return first.tag == f"{SVG}rect" and size == root.attrib["viewBox"].split()[2:]


def test_the_picture_is_small_shown_and_on_paper_of_its_own(picture):
    assert picture.PICTURE.stat().st_size < 150_000
    assert "](docs/_static/iris.svg)" in (ROOT / "README.md").read_text()
    assert "```{figure} _static/iris.svg" in (ROOT / "docs" / "index.md").read_text()
    assert grounded(ElementTree.parse(picture.PICTURE).getroot())


def test_the_picture_shows_methods_and_verdicts_of_today(picture):
    texts = set(re.findall(r">([\w ]+)</text>", picture.PICTURE.read_text()))
    assert {"floor", "oracle", "forgot", "did not forget"} <= texts
    named = {text for text in texts if "_" in text}
    assert len(named) > 5 and named <= set(registry.method.names())


def test_a_figure_without_a_ground_is_noticed(picture):
    bare = f'<svg xmlns="{SVG[1:-1]}" width="2pt" viewBox="0 0 2 3"><path d="M 0 0"/></svg>'
    assert not grounded(ElementTree.fromstring(bare))
    assert grounded(ElementTree.fromstring(picture.grounded(bare)))


@pytest.mark.slow
def test_the_picture_can_be_made_again(picture, tmp_path, monkeypatch):
    monkeypatch.setattr(picture.illustrate, "FOLDER", tmp_path / "generated")
    monkeypatch.setattr(picture.illustrate, "NOTEBOOKS", tmp_path)
    picture.make(TINY, tmp_path / "made.svg")
    assert grounded(ElementTree.parse(tmp_path / "made.svg").getroot())
    assert ">finetune</text>" in (tmp_path / "made.svg").read_text()
