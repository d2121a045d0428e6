"""What to cite: BibTeX entries by key, shipped in ``references.bib`` or brought by a plugin."""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markupsafe import Markup
from pybtex.database import BibliographyData, parse_string
from pybtex.exceptions import PybtexError
from pybtex.plugin import find_plugin

from qhu.errors import QhuError, UnknownName

SHIPPED = Path(__file__).parent / "references.bib"


def resolve(cites: Iterable[str]) -> dict[str, str]:
    """The BibTeX entries of citations, by key, each once.

    Args:
        cites: keys of ``references.bib``, or whole entries (``@article{key, …}``).

    Raises:
        UnknownName: a key that is not shipped.
        QhuError: an entry that is not BibTeX.
    """
    entries: dict[str, Any] = {}
    for cite in cites:
        if cite.lstrip().startswith("@"):
            entries |= _parsed(cite).entries
        elif cite in _shipped().entries:
            entries[cite] = _shipped().entries[cite]
        else:
            raise UnknownName("reference", cite, _shipped().entries)
    return {
        key: BibliographyData({key: entry}).to_string("bibtex") for key, entry in entries.items()
    }


def formatted(text: str) -> dict[str, Markup]:
    """Every entry of a BibTeX text as a reference in HTML, by key, sorted by author.

    Raises:
        QhuError: the text is not BibTeX.
    """
    style = find_plugin("pybtex.style.formatting", "plain")()
    html = find_plugin("pybtex.backends", "html")()
    entries = style.format_entries(_parsed(text).entries.values())
    return {entry.key: Markup(entry.text.render(html)) for entry in entries}


@functools.cache
def _shipped() -> BibliographyData:
    return parse_string(SHIPPED.read_text(), "bibtex")


def _parsed(text: str) -> BibliographyData:
    try:
        return parse_string(text, "bibtex")
    except PybtexError as error:
        raise QhuError(f"not a BibTeX entry ({error}): {text.strip().splitlines()[0]}") from None
