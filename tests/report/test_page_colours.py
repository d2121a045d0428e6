"""Colours of the pages by numbers: what is read stands out from its ground, light and dark."""

import re
from pathlib import Path

import numpy as np
import pytest

from qhu.report import styles, templates, verdicts
from qhu.report.paper_claims import table

CSS = (Path(templates.HERE) / "report.css").read_text()
READ, SEEN = 4.5, 3.0
"""Least contrast of letters and of marks, WCAG 2.2, 1.4.3 and 1.4.11."""


def variables(scheme):
    """Colours of the page by name, those of the dark page in place of the light ones."""
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    block = light + dark if scheme == "dark" else light
    return dict(re.findall(r"--([\w-]+): ([^;]+);", block))


def rgb(colour):
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def luminance(colour):
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return np.array([0.2126, 0.7152, 0.0722]) @ linear


def contrast(colour, ground):
    low, high = sorted(map(luminance, (colour, ground)))
    return (high + 0.05) / (low + 0.05)


def grounds(scheme):
    """What letters stand on: the page, rows that are tinted, warnings."""
    its = variables(scheme)
    *tint, share = map(float, re.findall(r"[\d.]+", its["tint"]))
    page = rgb(its["page"])
    return page, page + (np.array(tint) / 255 - page) * share / 100, rgb(its["alarm"])


def shown(hue, scheme):
    """A colour of a verdict or marker: ``color-mix(in srgb, hue, white pale)``."""
    share = float(variables(scheme)["pale"].removesuffix("%")) / 100
    return rgb(hue) + (1 - rgb(hue)) * share


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_from_every_ground_of_the_page(scheme):
    for name in ("ink", "soft", "accent", "loud"):
        for ground in grounds(scheme):
            assert contrast(rgb(variables(scheme)[name]), ground) >= READ, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "looks", [verdicts.CONCLUSIONS, table.STANDINGS], ids=["methods", "claims"]
)
def test_verdicts_can_be_read_on_every_ground_of_the_page(scheme, looks):
    for verdict, look in looks.items():
        for ground in grounds(scheme)[:2]:
            assert contrast(shown(look.colour, scheme), ground) >= READ, verdict


def test_markers_are_seen_on_a_dark_page():
    for method in (*styles.FIXED, *styles.METHODS):
        mark = shown(styles.style(method).colour, "dark")
        assert contrast(mark, grounds("dark")[0]) >= SEEN, method


def test_verdicts_and_markers_take_their_colour_from_the_style_of_the_page():
    """A colour that is written into an element cannot be a paler one on a dark page."""
    for element in (verdicts.chip("cannot tell"), verdicts.mark("over-forgot")):
        assert not re.search(r'(fill|stroke|[^-]color)(="|: )#', element)
    assert "color: color-mix(in srgb, var(--hue), white var(--pale))" in CSS


def test_colours_are_named_once_and_not_used_by_their_numbers():
    rules = re.sub(r":root \{.*?\}", "", CSS, flags=re.DOTALL)
    assert not re.search(r"#[0-9a-f]{3,8}\b", rules)
