import re
import unicodedata
from html import unescape
from html.parser import HTMLParser

import pytest

from qhu import registry
from qhu.errors import QhuError, UnknownName
from qhu.record.references import SHIPPED, formatted, resolve
from qhu.settings.model import DEFAULTS

ENTRIES = [
    (kind, name)
    for kind in ("method", "metric", "dataset", "backend", "attack", *DEFAULTS)
    for name in getattr(registry, kind).names()
]
MINE = "@misc{mine_2026, author = {Müller, Eva}, title = {Forget $x$}, year = {2026}}"


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_what_is_registered_cites_what_exists(kind, name):
    cites = getattr(registry, kind)[name].cites
    assert len(resolve(cites)) == len(cites)
    if kind == "method" and name not in ("none", "retrain"):
        assert cites


def test_every_shipped_reference_can_be_printed_and_its_key_tells_author_and_year():
    references = formatted(SHIPPED.read_text())
    assert len(references) == SHIPPED.read_text().count("\n@")
    for key, text in references.items():
        author, year = re.match(r"([a-z]+)(\d{4})[a-z]+$", key).groups()
        assert year in text
        names = re.sub("<.*?>", "", unescape(text.split(".\n")[0]))
        letters = re.sub(r"[^a-z]", "", unicodedata.normalize("NFKD", names).lower())
        assert author in letters


def test_a_plugin_brings_its_own_entry():
    found = resolve([MINE, "holm1979simple"])
    assert list(found) == ["mine_2026", "holm1979simple"]
    text = formatted("\n".join(found.values()))
    assert "Eva Müller" in text["mine_2026"]
    assert "Holm" in text["holm1979simple"]


def test_an_unknown_key_offers_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'holm1979simple'"):
        resolve(["holm1979"])


@pytest.mark.parametrize(
    "field",
    [
        "url = {javascript:alert(1)}",
        "url = {data:text/html,x}",
        'url = {https://x/"><script>alert(1)</script>}',
        'doi = {"><script>alert(1)</script>}',
        "note = {<script>alert(1)</script>}",
        r"note = {\href{javascript:alert(1)}{x}}",
    ],
)
def test_a_reference_brings_no_markup_of_its_own(field):
    entry = f"@misc{{k, author = {{A <b>}}, title = {{T & U}}, year = {{2026}}, {field}}}"
    text = formatted(entry)["k"]
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append((tag, dict(attributes)))
    parser.feed(text)
    assert {tag for tag, _ in tags} <= {"a", "em", "span"}
    assert all(attributes.keys() <= {"href", "class"} for _, attributes in tags)
    assert all(a["href"].startswith("https://") for tag, a in tags if tag == "a")


@pytest.mark.parametrize(
    "text",
    [
        "@foo{k, title = {x}}",
        "@article{k, title = {x}}",
        '@string{a = "xxxxxxxx"}@string{b = a # a}@misc{k, title = b}',
        "@article{k, title = {" + "{" * 3000 + "}" * 3000 + "}}",
    ],
)
def test_odd_bibtex_of_a_folder_is_one_line(text):
    with pytest.raises(QhuError) as refused:
        formatted(text)
    assert "\n" not in str(refused.value)


def test_what_is_not_bibtex_is_one_line():
    with pytest.raises(QhuError, match=r"^not a BibTeX entry [^\n]*$"):
        resolve(["@misc{broken,\n title = {"])
