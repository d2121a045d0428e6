import re
from html import unescape

import pytest

from qhu.errors import UserError
from qhu.report.svg import as_pdf, draw, inline, marker

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
        r'<path style="fill: \75rl(http://example.org/a)"/>',
        '<path style="fill: image-set(&quot;http://example.org/a&quot;)"/>',
        '<path fill="expression(alert(1))"/>',
        '<path style="fill: URL(http://example.org/a)"/>',
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


@pytest.mark.parametrize("body", ["<g>" * 5_000 + "</g>" * 5_000, "&b;"])
def test_a_bomb_is_refused(body):
    entities = "".join(f'<!ENTITY {x} "{f"&{y};" * 99}">' for x, y in ("bc", "cd", "de", "ef"))
    text = f'<!DOCTYPE svg [{entities}<!ENTITY f "{"x" * 999}">]>{SVG.format(body)}'
    with pytest.raises(UserError, match=r"circuit\.svg is damaged"):
        inline(text, "p-", "a drawing")


def test_what_matplotlib_draws_with_stays():
    style = "stroke: rgb(0, 0, 0); fill: #fff; font: 10px 'DejaVu Sans', sans-serif"
    move = "translate(3.6 4) rotate(-90) scale(0.1 -0.1)"
    assert cleaned(f'<g transform="{move}" style="{style}"/>').count("rotate(-90)") == 1


@pytest.mark.parametrize(
    "title", ["cost in $", "$x$", "$a$ and $b$", r"$\frac{$", "100 % & <b> _^{"]
)
def test_a_dollar_is_a_dollar_in_every_text(title):
    def plot(axes):
        axes.plot([1, 2], [0.001, 10], label=title)
        axes.set_xticks([1, 2], [title, title])
        axes.set(xlabel=title, ylabel=title, title=title, yscale="log")
        axes.legend()

    drawing = draw(plot, (6, 4), "p", "a line")
    texts = [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", drawing.svg)]
    assert texts.count(title) == 6
    assert "mathdefault" not in drawing.markup  # powers of ten stay powers
    assert len(list(as_pdf([drawing]))) == 1


def test_marker_has_the_methods_colour():
    assert "--hue: #009E73" in marker("gradient_ascent")


@pytest.mark.parametrize("scale", ["log", "symlog"])
def test_formulas_of_axes_take_no_room_as_letters(scale):
    """Labels such as 10⁻¹ are formulas, whose source is five times as long."""

    def plot(axes):
        axes.plot([1, 2], [0.001, 1000])
        axes.set_yscale(scale)

    (axes,) = draw(plot, (4.6, 3.2), "name", "label").figure.axes
    assert axes.get_position().x0 < 0.15
