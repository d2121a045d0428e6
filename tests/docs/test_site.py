"""The site as it is built: no warning, every example there."""

import json
import re
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


def test_no_page_asks_another_host_for_anything(site):
    asked = re.compile(
        r"<(?:link|script|img|iframe|source)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>"
        r"|url\([\"']?(?:https?:)?//[^)]*\)|@import[^;]*//[^;]*;"
    )
    texts = {path: path.read_text() for kind in ("html", "css") for path in site.rglob(f"*.{kind}")}
    assert len(texts) > 100
    assert {str(path): hit[0] for path, text in texts.items() if (hit := asked.search(text))} == {}
    assert (site / "_static" / "fonts" / "OFL.txt").exists()


def test_captions_can_be_searched_and_figures_say_what_is_seen(site):
    page = (site / "methods" / "scrub.html").read_text()
    (figure,) = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert "minus the oracle" in re.search(r'alt="([^"]*)"', figure)[1]
    assert "Pale band" in re.sub(r"<[^>]+>", "", figure)
    index = (site / "searchindex.js").read_text().partition("(")[2].rpartition(")")[0]
    found = json.loads(index)
    assert found["docnames"].index("methods/scrub") in found["terms"]["pale"]


@pytest.mark.parametrize("name", ["first-study", "noisy-twin"])
def test_tutorials_show_what_their_commands_print(site, name):
    page = (site / "tutorials" / f"{name}.html").read_text()
    assert "report: " in page
    assert "retrain" in page


@pytest.mark.parametrize("name", ["first-study", "own-parts", "rehearsal"])
def test_notebooks_show_their_answers_and_what_they_link_is_there(site, name):
    page = site / "notebooks" / f"{name}.html"
    links = [link for link in re.findall(r'href="([^"#]+)"', page.read_text()) if ":" not in link]
    assert [link for link in links if link.endswith("report.html")]
    assert all((page.parent / link).exists() for link in links)
    assert "did not forget" in page.read_text() or name == "rehearsal"  # of a single seed
    assert "━" not in page.read_text(), "progress is for who waits"
