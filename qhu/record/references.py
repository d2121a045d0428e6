"""What to cite: BibTeX entries by key, shipped in ``references.bib`` or brought by a plugin."""

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape
from pybtex.backends.html import Backend
from pybtex.database import BibliographyData, parse_string
from pybtex.exceptions import PybtexError
from pybtex.plugin import find_plugin

from qhu.errors import QhuError, UnknownName, UserError, shortened

SHIPPED = Path(__file__).parent / "references.bib"
_STRINGS = re.compile(r"@\s*(string|preamble)", re.IGNORECASE)


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
        UserError: the text is not BibTeX, or an entry lacks what its kind must have.
    """
    style = find_plugin("pybtex.style.formatting", "plain")()
    try:
        entries = list(style.format_entries(_parsed(text).entries.values()))
        return {entry.key: Markup(entry.text.render(_Html())) for entry in entries}
    except (PybtexError, AttributeError, RecursionError) as error:  # an unknown kind: the second
        raise UserError(f"a reference is incomplete or of an unknown kind ({error})") from None


class _Html(Backend):
    """HTML with links to the web only, their addresses escaped: a text may hold any."""

    @staticmethod
    def format_href(url: str, text: str, external: bool = False) -> str:
        """A link, or its text alone."""
        if not url.startswith(("https://", "http://")):
            return text
        return f'<a href="{escape(url)}">{text}</a>'


@functools.cache
def _shipped() -> BibliographyData:
    return parse_string(SHIPPED.read_text(encoding="utf-8"), "bibtex")


def _parsed(text: str) -> BibliographyData:
    if _STRINGS.search(text):  # each could be twice as long as the one before
        raise UserError("@string and @preamble are not read: write the entries out")
    try:
        return parse_string(text, "bibtex")
    except PybtexError as error:
        first = shortened(text.strip().splitlines()[0])
        raise QhuError(f"not a BibTeX entry ({error}): {first}") from None
