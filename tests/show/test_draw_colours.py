"""Colours are told apart by all readers, and texts stand out from what they are written on."""

import math
import re
from itertools import combinations

import pytest

from autodiff import Value, draw
from autodiff.show.picture.colours import CHOSEN, FILL, HALO, INK, LINE, QUIET, heat

np = pytest.importorskip("numpy", reason="NumPy is not installed")

# How a linear RGB colour is seen: Machado, Oliveira and Fernandes 2009, "A Physiologically-based Model for Simulation
# of Color Vision Deficiency", at full severity.
SIGHT = {
    "all cones": np.eye(3),
    "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green cones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "no blue cones": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """Return the CIE L*a*b* of a linear RGB colour: a distance of about 2 can just be seen."""
    x = np.array(XYZ) @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    x, y, z = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one, other):
    """Return the contrast of the Web Content Accessibility Guidelines 2.1."""
    darker, lighter = sorted(np.array(XYZ)[1] @ linear(colour) for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(("colours", "least"), [(FILL, 7), (LINE, 14)])
def test_kinds_of_boxes_are_told_apart(sight, colours, least):
    seen = {kind: lab(np.array(SIGHT[sight]) @ linear(colour)) for kind, colour in colours.items()}
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > least, f"{one} and {other}"


@pytest.mark.parametrize("paper", [HALO, *FILL.values(), *CHOSEN.values()])
@pytest.mark.parametrize("ink", [INK, QUIET])
def test_texts_can_be_read(paper, ink):
    assert contrast(ink, paper) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
def test_heat_grows_darker_for_every_reader(sight):
    lightness = [lab(np.array(SIGHT[sight]) @ linear(heat(size, 1.0)))[0] for size in (0, 0.01, 0.1, 0.3, 0.6, 1)]
    assert lightness == sorted(lightness, reverse=True)
    assert contrast(INK, heat(1.0, 1.0)) >= 4.5


def test_what_is_not_finite_has_a_tint_of_its_own_and_takes_none_from_others():
    x, y, z = Value(1.0, "x"), Value(2.0, "y"), Value(0.0, "z")
    for value, gradient in ((x, math.inf), (y, 4.0), (z, math.nan)):
        value.grad = gradient
    drawing = draw(x + y + z, heat=True)
    fill = {
        node.label: re.search(rf'<g id="{drawing.node_id(node)}".*?fill="(#\w+)"', drawing.svg, re.DOTALL)[1]
        for node in (x, y, z)
    }
    assert fill["x"] == fill["z"] not in ("#ffffff", "#e69f00")
    assert fill["y"] == "#e69f00"
