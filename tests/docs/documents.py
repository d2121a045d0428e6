"""The documentation as it lies in the repository."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILT = {"_build", "generated", "runs"}
FENCE = re.compile(r"^```[^\n]*\n.*?^```$", re.MULTILINE | re.DOTALL)


def pages():
    """Every Markdown page, without those that a build makes."""
    found = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if not BUILT & set(page.parts)]


def place(page):
    """Path of a page within the repository."""
    return str(page.relative_to(ROOT))


def blocks(page, language):
    """Contents of the page's blocks of a language, in order."""
    fenced = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return fenced.findall(page.read_text())


def prose(page):
    """Text of a page without its blocks of code."""
    return FENCE.sub("", page.read_text())
