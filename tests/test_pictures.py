"""Pictures: what they show is computed right, in every language, without a missing glyph or colliding texts."""

import hashlib
import itertools
import subprocess
import sys
import warnings

import matplotlib
import pytest
import torch
from matplotlib import colors
from matplotlib import pyplot as plt
from matplotlib.text import Text
from torch.testing import assert_close

import lossbook
from lossbook import pictures, style
from lossbook.plot import curve
from tools.book import LANGUAGES

matplotlib.use("agg")

PICTURES = {name: getattr(pictures, name) for name in pictures.__all__} | {
    "plot": lambda: lossbook.plot("l1", "mse"),
    "plot gradient": lambda: lossbook.plot("l1", "mse", quantity="gradient"),
}
every_picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)


@pytest.fixture(autouse=True)
def clean():
    lossbook.set_style()
    yield
    plt.close("all")
    matplotlib.rcdefaults()
    lossbook.set_language("en")


# ---- the style ----------------------------------------------------------------------------------


def luminance(color: str) -> float:
    """Of a color as WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colors.to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", ["white", "#121212"])
@pytest.mark.parametrize("color", style.COLORS)
def test_colors_stand_out_on_light_and_on_dark(color, page):
    assert contrast(color, page) >= 3


def test_a_pale_color_would_fail():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#e69f00", "white") < 3  # orange of Okabe and Ito
    assert contrast("navy", "#121212") < 3


def test_curves_differ_without_color():
    assert len(set(style.LINES)) == len(style.LINES) == len(set(style.COLORS)) == len(style.COLORS)
    ax = lossbook.plot(*(lambda p, y, n=n: (p - y).abs() ** n for n in []), "l1", "mse")
    assert [line.get_linestyle() for line in ax.lines if line.get_linestyle() != "None"] == ["-", "--"]


@every_picture
def test_nothing_is_white_or_gray(draw):
    """On the site black becomes the color of the text; a white box or a gray word would not follow it."""
    draw()
    for ax in plt.gcf().axes:
        assert ax.get_facecolor()[3] == 0
    assert {text.get_color() for text in texts(plt.gcf())} == {"black"}


# ---- in every language ----------------------------------------------------------------------------


def texts(figure) -> list[Text]:
    """The texts that are drawn, and nothing that is hidden or outside the axes' limits."""
    drawn = []
    draw = Text.draw

    def record(self, renderer, *args, **kwargs):
        if self.get_visible() and self.get_text():
            drawn.append(self)
        draw(self, renderer, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", record)
        figure.canvas.draw()
    return drawn


def collisions(figure) -> list[tuple[str, str]]:
    """Texts that lie on each other."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    return [(a, b) for (a, box_a), (b, box_b) in itertools.combinations(boxes, 2) if box_a.overlaps(box_b)]
