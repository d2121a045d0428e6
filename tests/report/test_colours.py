"""Colours by numbers: methods stay apart for readers with a colour vision deficiency."""

import itertools

import numpy as np
import pytest

from qhu.report.styles import FIXED, METHODS, style

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
LOOKS = [style(method) for method in (*FIXED, *METHODS)]
APART = 11
"""Distance in CIELAB that is seen at a glance; 2.3 is just noticeable."""


def linear(colour):
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    ratio = TO_XYZ @ np.clip(rgb, 0, 1) / TO_XYZ.sum(axis=1)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
def test_methods_of_the_same_marker_differ_in_colour(vision):
    seen = {look: lab(np.asarray(VISION[vision]) @ linear(look.colour)) for look in LOOKS}
    for one, other in itertools.combinations(LOOKS, 2):
        if one.marker == other.marker:
            assert np.linalg.norm(seen[one] - seen[other]) > APART, (one, other)


def test_every_colour_stands_out_from_white_paper():
    for look in LOOKS:
        luminance = TO_XYZ[1] @ linear(look.colour)
        assert 1.05 / (luminance + 0.05) > 2, look
