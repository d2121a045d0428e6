"""No link of the documentation leads nowhere."""

import re
from pathlib import Path

import pytest
from documents import BUILT, ROOT, pages, prose

from qhu import registry

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
OUTSIDE = ("http://", "https://", "mailto:")


def anchors(text):
    """Anchors of the headings, as GitHub and MyST form them."""
    names = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text))
    return {name.strip().replace(" ", "-") for name in names}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_within_the_repository(page):
    for link in LINK.findall(prose(page)):
        if link.startswith(OUTSIDE):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "generated" in target.parts:  # made by the build, which fails without it
            continue
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(prose(target)), link


def test_every_page_of_the_site_can_be_reached_from_its_first():
    docs, found, ahead = ROOT / "docs", set(), [ROOT / "docs" / "index.md"]
    while ahead:
        page = ahead.pop()
        found.add(page)
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), re.DOTALL):
            names = [line for line in block.splitlines() if line and not line.startswith(":")]
            ahead += [page.parent / f"{name}.md" for name in names]
    here = {page for page in docs.rglob("*.md") if page.parent.name != "example-plugin"}
    assert found == {page for page in here if not BUILT & set(page.parts)}


@pytest.mark.parametrize("name", registry.backend.names())
def test_every_backend_has_a_page_that_names_its_options(name):
    page = ROOT / "docs" / "backends" / f"{name}.md"
    told = page.read_text() + (ROOT / "docs" / "backends.md").read_text()
    told += (ROOT / "docs" / "hardware.md").read_text()
    for option in registry.backend[name].options.model_fields:
        assert f"`{option}`" in told, option


def test_links_and_anchors_are_really_looked_at(tmp_path):
    page = Path(tmp_path / "page.md")
    page.write_text("# A `name` of, things\n\n[x](nowhere.md) ```\n[y](b)\n```\n[z](#absent)\n")
    assert anchors(page.read_text()) == {"a-name-of-things"}
    with pytest.raises(AssertionError, match=r"nowhere\.md"):
        test_links_within_the_repository(page)
