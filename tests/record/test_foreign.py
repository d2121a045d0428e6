"""A module outside qhu is its files and what they import, or its version where it is installed."""

import importlib

import pytest

from qhu.record import foreign

PLUG = """
import helper
from pathlib import Path
PRIOR = Path(__file__).with_name("prior.csv").read_text()
def forget():
    import late
"""
FILES = {
    "plug.py": PLUG,
    "helper.py": "from nested import deep",
    "nested/__init__.py": "",
    "nested/deep.py": "from . import broken",
    "nested/broken.py": "{{ a template }}",
    "nested/weights.json": "[]",
    "late.py": "import installed",
    "prior.csv": "1,2",
    "installed.py": "X = 1",
    "installed-1.dist-info/RECORD": "installed.py,,\n",
    "installed-1.dist-info/METADATA": "Name: installed\nVersion: 1\n",
}


@pytest.fixture
def code(tmp_path, monkeypatch):
    """The hash of a module, of which nothing is imported, after an edit in its folder."""
    monkeypatch.syspath_prepend(tmp_path)

    def edited(name="plug.py", text=PLUG, of="plug", also=()):
        for path, content in (FILES | {name: text} | dict(also)).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
        importlib.invalidate_caches()
        foreign.distributions.cache_clear()
        return foreign.code_behind.__wrapped__(of)

    yield edited
    foreign.distributions.cache_clear()


def test_what_is_beside_a_module_counts_where_it_is_used(code):
    before = code()
    assert code() == before
    for name in ("notes.txt", "unused.py", "nested/__pycache__/deep.pyc", "nested/.deep.py.swp"):
        assert code(name, "X = 1") == before
    edits = {
        "plug.py": PLUG.replace("forget", "keep"),
        "helper.py": "from nested import deep\nX = 1",
        "nested/deep.py": "from . import broken\nX = 1",
        "nested/broken.py": "{{ another template }}",
        "nested/weights.json": "{}",
        "late.py": "import installed\nX = 1",
        "prior.csv": "1,3",
    }
    after = [code(name, text) for name, text in edits.items()]
    assert len({before, *after}) == 1 + len(edits)


def test_a_file_by_another_name_is_another_file(code):
    as_it_is = code("nested/one.txt", "1", of="nested")
    assert code("nested/two.txt", "1", of="nested") != as_it_is


def test_of_what_others_installed_the_version_counts(code):
    before = code()
    assert code("installed.py", "X = 2") == before
    newer = "Name: installed\nVersion: 2\n"
    assert code("installed-1.dist-info/METADATA", newer) != before


def test_a_plugin_that_is_installed_counts_with_its_helpers(code):
    """Modules of its own distribution are its own."""
    both = {"installed-1.dist-info/RECORD": "installed.py,,\nhelper.py,,\n"}
    using = {"installed.py": "import helper"}
    before = code(of="installed", also=both | using)
    after = code("helper.py", "X = 2", of="installed", also=both | using)
    assert after != before
    assert code("installed.py", "import helper\nX = 2", of="installed", also=both) != before


def test_an_editable_install_counts_with_its_files(code, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    here = {"elsewhere/installed.py": "X = 1"}
    assert code(also=here) != code(also={"elsewhere/installed.py": "X = 2"})


def test_what_of_qhu_no_key_holds_counts_where_a_plugin_uses_it(code, monkeypatch):
    """The statistics of reports are no part of qhu's own numbers."""

    def using(module):
        return code("plug.py", f"from qhu.{module} import something")

    digests = foreign.identity.sources()
    before = using("report.statistics"), using("engine.program")
    for name in ("qhu.report.statistics", "qhu.engine.program"):
        monkeypatch.setitem(digests._read, name, digests[name].__class__("x", frozenset(), False))
    after = using("report.statistics"), using("engine.program")
    assert after[0] != before[0]
    assert after[1] == before[1]
