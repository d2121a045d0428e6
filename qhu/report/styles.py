"""One colour and marker per method: the same in every figure."""

import zlib
from collections.abc import Iterable
from typing import NamedTuple

from qhu.report.figure_style import colour_of

REFERENCE_METHODS = ("none", "retrain", "floor")
"""Rows that every other is read against, always shown first."""

# Okabe and Ito's colours, without yellow (too pale on white) and black (kept for the oracle).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "<")
PLUGIN_MARKERS = ("D", "v", "p", "h")
METHODS = (
    "finetune",
    "random_label",
    "gradient_ascent",
    "neggrad_plus",
    "fisher_forgetting",
    "ewc_ascent",
    "cf_k",
    "eu_k",
    "scrub",
    "scrub_rewind",
    "noisy_finetune",
    "qmul",
    "lca",
    "adv_uniform",
    "ssd",
    "salun",
    "bad_teacher",
    "influence",
    "qfi_dampening",
    "null_space_ascent",
    "natural_gradient",
    "entanglement_pruning",
    "parameter_noise",
)


class Style(NamedTuple):
    """How a method is drawn."""

    colour: str
    marker: str


FIXED = {"none": Style("#666666", "X"), "retrain": Style("#000000", "*")}
FIXED["floor"] = Style("#999999", "P")


def style(method: str) -> Style:
    """The method's own colour and marker; a name that is not built in gets them by its hash."""
    usual = _usual(method)
    return usual._replace(colour=colour_of(method, usual.colour))


def _usual(method: str) -> Style:
    if method in FIXED:
        return FIXED[method]
    if method in METHODS:
        number = METHODS.index(method)
        return Style(COLOURS[number % len(COLOURS)], MARKERS[number // len(COLOURS)])
    number = zlib.crc32(method.encode())
    colour = COLOURS[number % len(COLOURS)]
    return Style(colour, PLUGIN_MARKERS[number // len(COLOURS) % len(PLUGIN_MARKERS)])


def in_order(methods: Iterable[str]) -> list[str]:
    """Distinct methods, the honest rows first, the others as they come."""
    distinct = list(dict.fromkeys(methods))
    return [m for m in REFERENCE_METHODS if m in distinct] + [
        m for m in distinct if m not in REFERENCE_METHODS
    ]
