"""The site as it is built: no warning, every example there."""

import shutil
import subprocess
import sys

import pytest
from documents import ROOT

from qhu import registry
from qhu.backends.paid import PaidBackend

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("sphinx", reason="the docs extra is not installed")
    copy, html = tmp_path_factory.mktemp("site") / "qhu", tmp_path_factory.mktemp("html")
    ignored = shutil.ignore_patterns("_build", "generated", ".*", "runs", "ledger")
    shutil.copytree(ROOT, copy, ignore=ignored)
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", copy / "docs", html]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return html


@pytest.mark.parametrize("kind", ["method", "metric", "backend"])
def test_every_entry_has_an_example_figure_and_its_sources(site, kind):
    entries = getattr(registry, kind)
    for name in entries.names():
        page = (site / f"{kind}s" / f"{name}.html").read_text()
        is_paid = kind == "backend" and issubclass(entries[name].make, PaidBackend)
        assert ('id="example"' in page) != is_paid, name  # an example costs nothing
        assert ('id="sources"' in page) == bool(entries[name].cites), name


@pytest.mark.parametrize("name", ["first-study", "noisy-twin", "rehearsal"])
def test_tutorials_show_what_their_commands_print(site, name):
    page = (site / "tutorials" / f"{name}.html").read_text()
    assert "report: " in page
    assert "retrain" in page
