"""What the tests of pictures read from a figure: its texts, whether they collide, its ink, its arrows."""

import itertools
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt
from matplotlib.collections import Collection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text

import lossbook
from lossbook.plotting import style
from tools.book import LANGUAGES


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


def collisions(drawn: list[Text]) -> list[tuple[str, str]]:
    """Texts that lie on each other."""
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in drawn]  # without an arrow
    return [(a, b) for (a, box_a), (b, box_b) in itertools.combinations(boxes, 2) if box_a.overlaps(box_b)]


def texts_by_language(draw: Callable[[], object]) -> dict[str, list[str]]:
    """What a picture says in each language, after a check that no glyph is missing and no text lies on another or on a curve."""
    said = {}
    for language in LANGUAGES:
        lossbook.set_language(language)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "Glyph … missing"
            draw()
            drawn = texts(plt.gcf())
        assert collisions(drawn) == [], language
        assert under_legends(plt.gcf()) == 0, language
        said[language] = [text.get_text() for text in drawn]
        plt.close("all")
    return said


def under_legends(figure) -> int:
    """How many points of curves lie under a legend."""
    count = 0
    for ax in figure.axes:
        if ax.get_legend():
            points = np.concatenate([ax.transData.transform(line.get_xydata()) for line in ax.lines])
            count += ax.get_legend().get_window_extent().count_contains(points[np.isfinite(points).all(1)])
    return int(count)


def foreign_ink(figure) -> set[str]:
    """Colors of words other than black, and of anything else that are neither black nor the style's."""
    wordy = {colors.to_hex(text.get_color()) for text in texts(figure)} - {"#000000"}
    faces = [patch.get_facecolor() for patch in figure.findobj(Patch) if patch is not figure.patch]
    inks = [face for face in faces if face[3] > 0]
    inks += [line.get_color() for line in figure.findobj(Line2D)]
    inks += [color for lines in figure.findobj(Collection) for color in lines.get_edgecolor()]
    return wordy | {colors.to_hex(ink) for ink in inks} - {"#000000", *style.COLORS}


def words(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def arrows(ax) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Start and end of every arrow."""
    return [(text.xyann, text.xy) for text in ax.texts if isinstance(text, Annotation) and text.arrow_patch]
