"""What a journal asks of figures and tables: colours, labels and sizes, the same in all of them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from qhu.errors import UnknownName, UserError, brief
from qhu.record.documents import read_document
from qhu.registry import Options, parse

FONT_SIZE = 10.0
"""Points of the letters of a figure, unless a style says otherwise."""
_HEX = re.compile("#[0-9A-Fa-f]{6}")
_LENGTH = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(mm|cm|in|pt)")
INCHES = {"mm": 1 / 25.4, "cm": 1 / 2.54, "in": 1.0, "pt": 1 / 72.27}
"""Of the units of a width; a point is TeX's."""
NARROWEST, WIDEST = 1.5, 20.0
"""Inches that a figure may have across."""


class FigureStyle(Options):
    """Contents of a style file, such as ``colours: {scrub: "#0072B2"}``."""

    colours: dict[str, str] = {}
    """hex colours by method, or by verdict in words, such as ``did not forget``"""
    labels: dict[str, str] = {}
    """what methods and scores are called in figures and in tables for papers"""
    width: str | None = None
    """of a figure, such as ``85 mm`` or ``3.35 in``; null: as the page has it"""
    font_size: float = Field(FONT_SIZE, ge=4, le=20)
    """points of the letters; rows of figures grow and shrink with them"""

    @field_validator("colours", mode="before")
    @classmethod
    def _well_formed(cls, given: Any) -> Any:
        for name, colour in given.items() if isinstance(given, Mapping) else ():
            if not isinstance(colour, str) or not _HEX.fullmatch(colour):
                raise ValueError(
                    f"the colour of {name} must be six hexadecimal digits in quotes, such as "
                    f'"#0072B2" (got {brief(colour)})'
                )
        return given

    @field_validator("labels")
    @classmethod
    def _shown(cls, labels: dict[str, str]) -> dict[str, str]:
        for name, text in labels.items():
            if not text.strip() or not text.isprintable() or len(text) > 80:
                raise ValueError(f"the label of {name} must be a line of up to 80 characters")
        return labels

    @field_validator("width")
    @classmethod
    def _has_unit(cls, width: str | None) -> str | None:
        if width is not None and not NARROWEST <= _inches(width) <= WIDEST:
            raise ValueError(f"a figure is {NARROWEST:g} to {WIDEST:g} in wide")
        return width

    def sized(self, size: tuple[float, float]) -> tuple[float, float]:
        """Width and height in inches of a figure that has ``size`` on the page."""
        width = _inches(self.width) if self.width else size[0]
        return width, size[1] * self.font_size / FONT_SIZE


def _inches(width: str) -> float:
    size = _LENGTH.fullmatch(width)
    if size is None:
        raise ValueError("a width has a unit: write it as 85 mm, 8.5 cm, 3.35 in or 240 pt")
    return float(size[1]) * INCHES[size[2]]


_USUAL = FigureStyle()
_CHOSEN: ContextVar[FigureStyle] = ContextVar("figure style", default=_USUAL)


@contextmanager
def drawn_with(style: FigureStyle) -> Iterator[None]:
    """Figures and tables that are made in the block have the style, as of matplotlib's contexts."""
    token = _CHOSEN.set(style)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def chosen() -> FigureStyle:
    """The style of what is made here."""
    return _CHOSEN.get()


def colour_of(name: str, usual: str) -> str:
    """The colour of a method or a verdict; ``usual``, unless the style has another."""
    return chosen().colours.get(name, usual)


def label_of(name: str, usual: str = "") -> str:
    """What a method or a score is called; ``usual`` or its name, unless the style has a label."""
    return chosen().labels.get(name, usual or name)


def points(size: float) -> float:
    """The size of letters that have ``size`` points in a figure of the usual style."""
    return size * chosen().font_size / FONT_SIZE


def read_style(given: Any) -> FigureStyle:
    """A style from its file, from settings as in one, or as it is.

    Raises:
        UserError: the file cannot be read, or a setting is wrong.
    """
    if isinstance(given, FigureStyle):
        return given
    if isinstance(given, Mapping):
        return _parsed(given, "style")
    return _parsed(read_document(Path(given)), str(given))


def _parsed(given: Any, where: str) -> FigureStyle:
    if not isinstance(given, Mapping):
        raise UserError(f"{where} must be a mapping of settings such as colours, labels, width")
    style: FigureStyle = parse(FigureStyle, given, where)
    return style


def check_names(
    style: FigureStyle, rows: Iterable[str], scores: Iterable[str], verdicts: Iterable[str]
) -> None:
    """Refuse a style that names what there is not, or calls two things alike.

    Args:
        style: the style.
        rows: methods that a run may have.
        scores: scores that it may have.
        verdicts: in words.

    Raises:
        UnknownName: with the nearest name.
        UserError: two methods or two scores have one label.
    """
    methods, of_scores = set(rows), set(scores)
    allowed = {"colours": {*methods, *verdicts}, "labels": methods | of_scores}
    for part, names in allowed.items():
        for name in getattr(style, part):
            if name not in names:
                raise UnknownName(f"name in {part} of the style", name, names)
    for kind in (methods, of_scores):
        shown: dict[str, str] = {}
        for name in sorted(kind):
            other = shown.setdefault(style.labels.get(name, name), name)
            if other != name:
                raise UserError(
                    f"the style calls {other} and {name} alike: give each its own label"
                )
