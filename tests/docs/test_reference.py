"""The reference is derived from the code, and so whole."""

import importlib
import sys

import pytest
from documents import ROOT

import qhu


@pytest.fixture
def reference(monkeypatch):
    """The module that writes the pages."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    yield importlib.import_module("reference")
    del sys.modules["reference"]


def test_every_module_of_the_package_is_on_one_page(reference):
    files = [file.relative_to(ROOT / "qhu") for file in (ROOT / "qhu").rglob("*.py")]
    named = {".".join(["qhu", *file.with_suffix("").parts]) for file in files}
    documented = [module for modules in reference.packages().values() for module in modules]
    assert len(set(documented)) == len(documented)
    bare = {name for name in named - set(documented) if not name.endswith(".__init__")}
    assert not {name for name in bare if importlib.import_module(name).__doc__}
    assert set(documented) <= {name.removesuffix(".__init__") for name in named}


def test_every_public_name_is_on_the_first_page(reference):
    page = reference.public()
    for name in set(qhu.__all__) - {"__version__"}:
        assert f"## qhu.{name}\n" in page
    assert "autofunction:: qhu.api.evaluate" in page, "not the package of that name"


def test_formulas_are_no_markup_and_code_stays(reference):
    lines = ["|p − q| of ``f(*a)`` and *b"]
    reference.plain(None, "function", "f", None, None, lines)
    assert lines == [r"\|p − q\| of ``f(*a)`` and \*b"]
