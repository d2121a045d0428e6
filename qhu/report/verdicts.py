"""Verdicts on methods: their words and looks, the same on every page and screen."""

from collections.abc import Mapping
from typing import NamedTuple

from markupsafe import Markup

from qhu.report.figure_style import colour_of
from qhu.report.svg import shape

MARGIN = 0.05
"""Of a share of the forget rows, the largest difference from the oracle that does not matter: one
row in twenty. Of the AUC around ½: no attack that uses the score is then right more often than
55 %, nor has more true than false positives by over 10 percentage points."""
UTILITY_MARGIN = 0.02
"""Of the test accuracy below the oracle's: two wrong answers more in a hundred."""


class Conclusion(NamedTuple):
    """What a page says of a method with some verdict, and how it draws it."""

    words: str
    hue: str
    marker: str
    filled: bool = True

    @property
    def colour(self) -> str:
        """Its hue, unless the style of the figures has another for its words."""
        return colour_of(self.words, self.hue)


CONCLUSIONS: Mapping[str, Conclusion] = {
    "indistinguishable": Conclusion("forgot", "#0072B2", "o"),
    "forgot": Conclusion("forgot the rows", "#0072B2", "o", filled=False),
    "over-forgot": Conclusion("over-forgot", "#8A2A7B", "v"),
    "did not forget": Conclusion("did not forget", "#B34700", "^"),
    "cannot tell": Conclusion("cannot tell", "#696969", "o", filled=False),
}
"""By verdict, in the order in which pages show them."""


def mark(verdict: str) -> Markup:
    """The verdict's marker in its colour."""
    look = CONCLUSIONS[verdict]
    return shape(look.marker, look.colour, look.filled)


def chip(verdict: str) -> Markup:
    """The verdict in words behind its marker, in its colour."""
    look = CONCLUSIONS[verdict]
    return Markup('<span class="verdict" style="--hue: {}">{}{}</span>').format(
        look.colour, mark(verdict), look.words
    )


def place(verdict: str) -> int:
    """Where the verdict stands among all, for tables in that order."""
    return list(CONCLUSIONS).index(verdict)
