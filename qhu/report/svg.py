"""Figures as files, and as SVG fit for one page: own ids, nothing executable or external."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.markers import MarkerStyle
from pypdf import PdfReader, PdfWriter

from qhu.errors import UserError
from qhu.report.figure_style import chosen
from qhu.report.styles import style

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable, readable aloud
    "text.parse_math": False,  # a dollar sign in a title is a dollar sign
    "svg.hashsalt": "qhu",  # the same data give the same file
    "pdf.fonttype": 42,  # fonts that journals accept
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "grid.color": "#ececec",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
}
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
NO_PDF_METADATA = dict.fromkeys(("Creator", "Producer", "CreationDate"))
SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan"}
DRAWN = SHAPES | {"svg", "g", "defs", "use", "symbol", "clipPath", "title", "desc"}
REFERENCE = re.compile(r"url\(#([^)]+)\)")
FUNCTIONS = "matrix|translate|rotate|scale|skewX|skewY|rgba?"
INERT = re.compile(rf"([^()\\]|\b({FUNCTIONS})\s*\([^()\\]*\))*")
"""A value that calls nothing but these: no other way to load something, no escapes to hide one."""


class Drawing(NamedTuple):
    """A figure: inline in the page, and to be kept as files under its name."""

    name: str
    markup: Markup
    svg: str
    figure: Figure


def draw(plot: Callable[[Axes], None], size: tuple[float, float], name: str, label: str) -> Drawing:
    """A plot, drawn.

    Args:
        plot: draws on the axes it is given.
        size: width and height in inches, in the usual style.
        name: unique in the report; makes its ids unique in the page.
        label: what it shows, for readers who do not see it.
    """
    text = io.StringIO()
    with rc_context({**STYLE, "font.size": chosen().font_size}):
        figure = Figure(chosen().sized(size))
        plot(figure.add_subplot())
        _powers(figure)  # before the layout, which else keeps room for formulas as plain letters
        ConstrainedLayoutEngine().execute(figure)  # once, not for every file
        _powers(figure)
        figure.savefig(text, format="svg", transparent=True, metadata=NO_METADATA)
    svg = text.getvalue()
    return Drawing(name, inline(svg, f"{name}-", label), svg, figure)


def _powers(figure: Figure) -> None:
    """Let matplotlib's own labels of logarithmic axes be read as formulas."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() != "linear":
                for label in axis.get_ticklabels(which="both"):
                    label.set_parse_math(True)


def as_pdf(drawings: Sequence[Drawing]) -> Iterator[bytes]:
    """Every drawing as a PDF file.

    Embedding a font takes longer than drawing: one document is made and taken apart.
    """
    if not drawings:
        return
    document = io.BytesIO()
    with rc_context(STYLE), PdfPages(document, metadata=NO_PDF_METADATA) as pages:
        for drawing in drawings:
            pages.savefig(drawing.figure, transparent=True)
    for page in PdfReader(document).pages:
        writer, file = PdfWriter(), io.BytesIO()
        writer.add_page(page)
        writer.metadata = None
        writer.write(file)
        yield file.getvalue()


def inline(text: str, prefix: str, label: str) -> Markup:
    """An SVG document as an inline element: shapes and text only, ids prefixed.

    Raises:
        UserError: the text is not SVG.
    """
    try:
        root = ElementTree.fromstring(text)
        _clean(root, prefix)
        root.attrib.update({"role": "img", "aria-label": label})
        return Markup(ElementTree.tostring(root, encoding="unicode"))
    except (ElementTree.ParseError, RecursionError) as error:
        raise UserError(f"circuit.svg is damaged ({error}): run the experiment again") from None


def marker(method: str) -> Markup:
    """The method's marker in its colour, as it appears in the figures."""
    colour, name = style(method)
    return shape(name, colour)


def shape(name: str, colour: str, filled: bool = True) -> Markup:
    """A marker of matplotlib as an inline element, as large as the letters beside it.

    The style of the page makes its own colour of ``--hue``, paler on a dark ground.
    """
    drawn = MarkerStyle(name)
    path = drawn.get_path().transformed(drawn.get_transform())
    outline = " ".join(
        "M" + "L".join(f"{x:.2f} {-y:.2f}" for x, y in np.asarray(polygon)) + "Z"
        for polygon in path.to_polygons()
    )
    return Markup(
        '<svg class="marker" style="--hue: {}" viewBox="-.55 -.55 1.1 1.1" aria-hidden="true">'
        '<path d="{}" fill="{}" stroke="currentColor" stroke-width="{}"/></svg>'
    ).format(colour, outline, "currentColor" if filled else "none", 0 if filled else 0.16)


def _clean(element: ElementTree.Element, prefix: str) -> None:
    """Drop what is not drawn and lead every reference to the prefixed id."""
    element.tag = _local(element.tag)
    attributes = {_local(name): value for name, value in element.attrib.items()}
    element.attrib.clear()
    for name, value in attributes.items():
        if name == "id":
            element.set(name, prefix + value)
        elif name == "href":
            if value.startswith("#"):
                element.set(name, f"#{prefix}{value[1:]}")
        elif not name.startswith("on") and INERT.fullmatch(REFERENCE.sub("", value)):
            element.set(name, REFERENCE.sub(rf"url(#{prefix}\1)", value))
    for child in list(element):
        if _local(child.tag) in DRAWN:
            _clean(child, prefix)
        else:
            element.remove(child)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
