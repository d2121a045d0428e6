"""What the build adds to pages, without the build."""

import importlib
import re
import sys

import pytest
from documents import ROOT, blocks

from qhu import registry
from qhu.report.panels import Panel
from qhu.report.svg import draw
from qhu.settings.reference import options_of, settings_reference


@pytest.fixture
def docs(monkeypatch, tmp_path):
    """The module that completes pages; commands run in an empty folder."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    module = importlib.import_module("pages")
    monkeypatch.setattr(module.illustrate, "FOLDER", tmp_path)
    yield module
    for name in ("pages", "illustrate", "reference", "settings"):
        del sys.modules[name]


def test_every_command_of_a_tutorial_is_run_and_its_output_shown(docs, monkeypatch):
    ran = []
    monkeypatch.setattr(docs.illustrate, "shell", lambda lines: ran.append(lines) or "printed\n")
    for path in sorted((ROOT / "docs" / "tutorials").iterdir()):
        source, before = [path.read_text()], len(ran)
        docs.complete(None, f"tutorials/{path.stem}", source)
        assert ran[before:] == blocks(path, "sh") != []
        assert source[0].count("```text\nprinted\n```") == len(ran) - before


def test_the_page_of_attacks_gets_their_sources(docs):
    source = [(ROOT / "docs" / "evidence" / "attacks.md").read_text()]
    docs.complete(None, "evidence/attacks", source)
    sources = source[0].split("## Sources")[1]
    assert len(registry.attack.names()) > sources.count("\n- ") >= 6  # two by one source
    assert "Hayes" in sources


def test_a_command_that_fails_ends_the_build(docs):
    with pytest.raises(RuntimeError, match="no such thing"):
        docs.complete(None, "tutorials/x", ["```sh\necho no such thing >&2; exit 3\n```\n"])
    source = ["```sh\nls\n```\n"]
    docs.complete(None, "tutorials/x", source)
    assert source == ["```sh\nls\n```\n"], "nothing was printed"


def test_the_page_of_settings_has_every_one_and_leads_to_each_name_once(docs):
    source = ["# Settings\n"]
    docs.complete(None, "settings", source)
    blocks_ = re.findall(r"^````\{confval\} (\S+)\n(.*?)^````$", source[0], re.M | re.S)
    entries = [*settings_reference(), *options_of("backends", "NAME.")]
    sections = {e.name for e in entries if "." not in e.name and "section" in e.kind}
    assert sorted(name for name, _ in blocks_) == sorted(
        e.name for e in entries if e.name not in sections
    )
    assert {f"## {name}\n" in source[0] for name in sections} == {True}
    indexed = [name for name, text in blocks_ if ":no-index:" not in text]
    assert sorted(indexed) == sorted({name for name, _ in blocks_})
    assert all(entry.meaning in source[0] for entry in entries)


def test_a_figure_says_what_is_seen_and_has_its_caption_as_text(docs):
    drawing = draw(lambda axes: axes.plot([1, 2]), (2, 2), "some-name", "losses <of> the teacher")
    text = docs._example(Panel(drawing, "The teacher alone."))
    assert ":alt: losses <of> the teacher\n\nThe teacher alone.\n" in text
    assert (docs.illustrate.FOLDER / "some-name.svg").read_text() == drawing.svg


def test_the_site_brings_its_fonts():
    static = ROOT / "docs" / "_static"
    asked = re.findall(r'url\("([^"]+)"\)', (static / "site.css").read_text())
    fonts = {str(file.relative_to(static)) for file in static.rglob("*.woff2")}
    assert set(asked) == fonts != set()
    assert "https:" not in (ROOT / "docs/_templates/custom_templates/extra_head.html").read_text()
