"""Pictures: what they show is computed right, in every language, without a missing glyph or colliding texts."""

import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt
from matplotlib.text import Annotation

import lossbook
from lossbook.lessons import pictures
from lossbook.plotting import style
from tests.package.drawn import arrows, collisions, foreign_ink, texts, texts_by_language, under_legends, words
from tools.book import LANGUAGES

PICTURES = {name: getattr(pictures, name) for name in pictures.__all__}
every_picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)


pytestmark = pytest.mark.usefixtures("styled")


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
    ax = lossbook.plot("l1", "mse")
    curves = [line for line in ax.lines if line.get_marker() == "None"]
    assert [line.get_linestyle() for line in curves] == list(style.LINES[:2])
    assert len(set(style.LINES)) == len(style.LINES) == len(set(style.COLORS)) == len(style.COLORS)


@every_picture
def test_only_black_ink_and_the_colors_are_used(draw):
    """On the site black ink becomes the color of the text; a white box or a gray word would not follow it."""
    draw()
    assert foreign_ink(plt.gcf()) == set()


def test_foreign_ink_is_found():
    ax = style.panel(facecolor="white")
    ax.plot([0, 1], color="lime")
    ax.bar([0], [1], color="pink")
    ax.text(0, 0, "gray", color="gray")
    ax.text(0, 1, "blue", color=style.BLUE)
    assert foreign_ink(ax.figure) == {"#00ff00", "#ffc0cb", "#808080", style.BLUE}


# ---- in every language ----------------------------------------------------------------------------


@every_picture
def test_every_picture_is_legible_in_every_language(draw, caplog):
    said = texts_by_language(draw)
    assert len(set(map(tuple, said.values()))) == len(LANGUAGES), "each language has words of its own"
    assert len({tuple(re.findall(r"[\d.]+", " ".join(words))) for words in said.values()}) == 1, "and the same numbers"
    assert caplog.messages == [], "a notebook would show what matplotlib logs"


def test_a_missing_glyph_and_a_collision_are_found():
    ax = style.panel()
    ax.text(0, 0, "鑫")
    with pytest.warns(UserWarning, match="Glyph 37995"):
        ax.figure.canvas.draw()
    ax.text(0.01, 0.01, "loss")
    with pytest.warns(UserWarning, match="Glyph 37995"):
        assert ("鑫", "loss") in collisions(texts(ax.figure))


def test_a_legend_on_a_curve_is_found():
    ax = style.panel()
    ax.plot([0, 1], [0, 1], label="loss")
    ax.legend(loc="upper right")
    ax.figure.canvas.draw()
    assert under_legends(ax.figure) == 1


DIGEST = """
import hashlib, io
import matplotlib
matplotlib.use("agg")
import lossbook
from lossbook import pictures
from lossbook.plotting import style
lossbook.set_style()
lossbook.set_language("zh")
plt = style.pyplot()
for name in pictures.__all__:
    getattr(pictures, name)()
    file = io.BytesIO()
    plt.gcf().savefig(file, format="svg", bbox_inches="tight", metadata=style.METADATA)
    print(name, hashlib.sha256(file.getvalue()).hexdigest())
    assert b"<text" in file.getvalue() and b"<dc:date>" not in file.getvalue()
"""


def run(code: str, **environment: str) -> str:
    """What a new Python prints."""
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_picture_is_the_same_file_in_every_process():
    first, second = run(DIGEST, PYTHONHASHSEED="1"), run(DIGEST, PYTHONHASHSEED="2")
    assert first == second
    assert len(first.splitlines()) == len(pictures.__all__)


def test_pictures_without_matplotlib_say_how_to_get_it():
    code = """
import sys
sys.modules["matplotlib"] = sys.modules["numpy"] = None  # as if not installed
import lossbook
for call in (lossbook.set_style, lossbook.pictures.outlier, lambda: lossbook.plot("l1")):
    try:
        call()
    except ModuleNotFoundError as error:
        print(error)
"""
    message = 'Pictures need matplotlib, which is not installed. Install it with: pip install "lossbook[plot]"\n'
    assert run(code) == 3 * message


# ---- what they show -------------------------------------------------------------------------------


def test_only_the_optimizer_changes_the_model():
    ax = pictures.training_loop()
    names = {text.get_position(): text.get_text() for text in ax.texts if text.get_bbox_patch()}
    joined = [
        (names[start], names[end], text.arrow_patch.get_linestyle())
        for text in ax.texts
        if isinstance(text, Annotation)
        for start, end in [(text.xyann, text.xy)]
    ]
    assert joined == [
        ("x", "model", "-"),
        ("model", "ŷ", "-"),
        ("ŷ", "loss", "-"),
        ("y", "loss", "-"),
        ("loss", "gradients", "--"),
        ("gradients", "optimizer", "--"),
        ("optimizer", "model", ":"),
    ]


def score(threshold: float) -> tuple[float, float]:
    """Accuracy and cross-entropy of the six samples, one at a time."""
    samples = list(zip((1, 2, 3, 4, 5, 6), (0, 0, 1, 0, 1, 1), strict=True))
    right = sum((x > threshold) == bool(label) for x, label in samples)
    p = [1 / (1 + math.exp(threshold - x)) for x, _ in samples]
    losses = [-math.log(q if label else 1 - q) for q, (_, label) in zip(p, samples, strict=True)]
    return right / 6, sum(losses) / 6


def test_accuracy_is_flat_and_the_loss_leads_downhill():
    top, bottom = pictures.accuracy_and_loss()
    thresholds, accuracy = top.lines[0].get_data()
    loss = bottom.lines[0].get_ydata()
    for i in range(5, 601, 50):
        assert (accuracy[i], loss[i]) == pytest.approx(score(thresholds[i]), abs=1e-6)
    steps = [a for a in np.diff(accuracy) if not math.isnan(a)]
    assert len(steps) > 580
    assert set(steps) == {0.0}, "only gaps part the stairs"

    ((start, end),) = arrows(bottom)
    assert start == pytest.approx((1.5, score(1.5)[1]), abs=1e-6)
    slope = (score(1.501)[1] - score(1.499)[1]) / 0.002
    assert (end[1] - start[1]) / (end[0] - start[0]) == pytest.approx(slope, abs=1e-4)
    assert slope < 0
    assert arrows(top) == []


def test_the_outlier_moves_the_mean_alone():
    before, after = pictures.outlier()
    assert words(before) == ["mean 3", "median 3"]
    assert words(after) == ["mean 20", "median 3"]
    for ax, values, mean in ((before, [1, 2, 3, 4, 5], 3), (after, [1, 2, 3, 4, 90], 20)):
        points, mean_line, median_line = (line.get_ydata() for line in ax.lines)
        assert points.tolist() == values
        assert list(mean_line) == [mean, mean]
        assert list(median_line) == [3, 3]


def test_the_best_constant_is_the_median_or_the_mean():
    values = (1, 2, 3, 4, 90)
    expected = [(1, 3, "median 3"), (2, 20, "mean 20")]
    for ax, (power, best, word) in zip(pictures.best_constant(values), expected, strict=True):
        curve_line, dot = ax.lines
        for c, loss in zip(*(data[::40] for data in curve_line.get_data()), strict=True):
            assert loss == pytest.approx(sum(abs(v - c) ** power for v in values) / 5)
        assert dot.get_xdata()[0] == pytest.approx(best)
        assert dot.get_ydata()[0] == pytest.approx(min(curve_line.get_ydata()))
        assert words(ax) == [word]


def test_one_hot_codes_are_equally_far_apart():
    line, triangle = pictures.one_hot_distances()
    assert [word for word in words(line) if word] == ["0", "cat", "1", "dog", "2", "rabbit", "1", "1", "2"]
    assert words(triangle).count("√2") == 3
    assert {"(1, 0, 0)", "(0, 1, 0)", "(0, 0, 1)"} <= set(words(triangle))
    lengths = [math.dist(*side.get_xydata()) for side in triangle.lines]
    assert lengths == pytest.approx([math.sqrt(2)] * 3)
    assert triangle.get_aspect() == 1


def test_softmax_in_two_moves():
    logits, exponentials, probabilities = pictures.softmax_bars()
    widths = [[bar.get_width() for bar in ax.patches] for ax in (logits, exponentials, probabilities)]
    assert widths[0] == [1, 2, 3, 4]
    assert widths[1] == pytest.approx([math.exp(z) for z in (1, 2, 3, 4)])
    assert widths[2] == pytest.approx([math.exp(z) / sum(widths[1]) for z in (1, 2, 3, 4)])
    assert sum(widths[2]) == pytest.approx(1)
    assert words(logits) == ["1", "2", "3", "4"]
    assert words(exponentials) == ["2.72", "7.39", "20.09", "54.60"]
    assert words(probabilities) == ["0.032", "0.087", "0.237", "0.644"]
    assert probabilities.get_title() == "÷ sum 84.79"


def test_temperature_evens_out_the_probabilities():
    axes = pictures.temperature()
    assert [ax.get_title() for ax in axes] == ["T = 0.5", "T = 1", "T = 2", "T = 10"]
    assert [words(ax)[0] for ax in axes] == ["0.87", "0.67", "0.51", "0.37"]
    for ax, degree in zip(axes, (0.5, 1, 2, 10), strict=True):
        shares = [math.exp(z / degree) for z in (2, 1, 0)]
        assert [bar.get_width() for bar in ax.patches] == pytest.approx([share / sum(shares) for share in shares])


def test_the_negative_log_of_a_small_probability_is_large():
    ax = pictures.negative_log()
    line, dots = ax.lines
    for p, loss in zip(*line.get_data(), strict=True):
        assert loss == pytest.approx(-math.log(p), abs=1e-6)
    assert dots.get_ydata().tolist() == pytest.approx([-math.log(p) for p in (0.99, 0.5, 0.0321)])
    assert words(ax) == ["−ln 0.99 = 0.01", "−ln 0.5 = 0.69", "−ln 0.0321 = 3.44"]
