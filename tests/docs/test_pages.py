"""What the build adds to pages, without the build."""

import importlib
import sys

import pytest
from documents import ROOT, blocks

from qhu import registry


@pytest.fixture
def docs(monkeypatch, tmp_path):
    """The module that completes pages; commands run in an empty folder."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    module = importlib.import_module("pages")
    monkeypatch.setattr(module.illustrate, "FOLDER", tmp_path)
    yield module
    for name in ("pages", "illustrate"):
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
