import re

import pytest

from qhu.errors import UserError
from qhu.report.svg import draw, inline, marker

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def cleaned(body):
    return inline(SVG.format(body), "p-", "a drawing")


def test_ids_and_references_get_the_prefix():
    text = cleaned(
        '<defs><path id="a"/></defs><use xlink:href="#a"/><g style="clip-path: url(#a)"/>'
    )
    assert 'id="p-a"' in text
    assert 'href="#p-a"' in text
    assert "url(#p-a)" in text


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        '<g onclick="alert(1)"/>',
        '<use xlink:href="http://example.org/a.svg#b"/>',
        '<path style="fill: url(http://example.org/a)"/>',
        '<image xlink:href="http://example.org/a.png"/>',
        "<foreignObject><body>alert(1)</body></foreignObject>",
        "<style>@import url(http://example.org/a.css)</style>",
        "<metadata>http://example.org</metadata>",
        '<a href="javascript:alert(1)"><text>x</text></a>',
    ],
)
def test_nothing_executable_or_external_stays(body):
    text = cleaned(body)
    assert "alert" not in text
    assert "example.org" not in text


def test_text_stays_escaped():
    assert "&lt;b&gt;" in cleaned("<text>&lt;b&gt;</text>")


def test_what_is_not_svg_is_refused():
    with pytest.raises(UserError, match=r"circuit\.svg is damaged"):
        inline("<svg", "p-", "a drawing")


def test_a_drawing_is_the_same_each_time_and_names_no_address():
    drawn, again = (
        draw(lambda axes: axes.plot([0, 1], [0, 1]), (2, 2), "p", "a line") for _ in range(2)
    )
    assert drawn[:3] == again[:3]
    one = drawn.markup
    assert "http" not in one
    assert 'aria-label="a line"' in one
    ids = re.findall(r'\bid="([^"]*)"', one)
    assert len(set(ids)) == len(ids)


def test_marker_has_the_methods_colour():
    assert '"#009E73"' in marker("gradient_ascent")
