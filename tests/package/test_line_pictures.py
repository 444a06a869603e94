"""Pictures of a line's error and of the way down it: every number against one that was computed by hand."""

import io
import math

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt

from lossbook.lessons import pictures
from lossbook.lessons.pictures import line
from lossbook.lessons.pictures.line import line_error
from tests.package.drawn import arrows, texts, words
from tools.book.pictures import svg_difference

pytestmark = pytest.mark.usefixtures("styled")


def mse(slope: float, intercept: float, points) -> float:
    return sum((slope * x + intercept - y) ** 2 for x, y in points) / len(points)


THREE = [(1, 2), (2, 4), (3, 6)]


def test_tried_slopes_and_their_errors():
    ax = pictures.error_of_slope()
    parabola, dots = ax.lines
    assert dots.get_xydata().tolist() == [[-3, 36], [-2, 9], [-1, 0], [0, 9], [1, 36]]
    assert words(ax) == ["36", "9", "0", "9", "36"]
    for slope, error in parabola.get_xydata()[::25]:
        assert error == pytest.approx((3 + 3 * slope) ** 2)


def test_tried_slopes_on_other_points():
    parabola, dots = pictures.error_of_slope((1, 2, 3), (2, 4, 6), tried=(1, 2.5)).lines
    assert dots.get_ydata().tolist() == pytest.approx([14 / 3, 14 / 12])
    assert parabola.get_xdata()[[0, -1]].tolist() == [0.75, 2.75]


def test_on_a_contour_every_line_is_as_wrong():
    ax = pictures.error_contours()
    [contours] = ax.collections
    largest = max(mse(a, b, THREE) for a in (-0.8, 4.8) for b in (-2.8, 2.8))
    assert contours.levels == pytest.approx([0.999 * largest / 4**k for k in range(5, 0, -1)])
    seen = 0
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        for slope, intercept in path.vertices[::10]:
            assert mse(slope, intercept, THREE) == pytest.approx(level, rel=0.05), (slope, intercept)
            seen += 1
    assert seen > 60
    assert ax.lines[0].get_xydata().ravel().tolist() == pytest.approx([2, 0], abs=1e-9)


def test_one_point_has_a_valley_of_best_lines():
    ax = pictures.error_contours((-3,), (3,))
    slopes, intercepts = ax.lines[0].get_data()
    assert slopes[-1] - slopes[0] > 5, "from one side of the picture to the other"
    assert [mse(a, b, [(-3, 3)]) for a, b in zip(slopes, intercepts, strict=True)] == pytest.approx([0] * len(slopes))


def test_surface_has_the_error_as_its_height():
    ax = pictures.error_surface()
    [wires] = ax.collections
    heights = [(a, b, error) for wire in wires._segments3d for a, b, error in wire]
    assert len(heights) == 2 * 25 * 25
    for slope, intercept, error in heights[::37]:
        assert error == pytest.approx(mse(slope, intercept, THREE))
    assert np.ravel(ax.lines[0].get_data_3d()).tolist() == pytest.approx([2, 0, 0], abs=1e-9)
    assert [axis.pane.get_facecolor()[3] for axis in (ax.xaxis, ax.yaxis, ax.zaxis)] == [0, 0, 0], "no gray in the dark"


# ---- gradient descent -----------------------------------------------------------------------------


def stops(rate: float, steps: int = 5, a: float = 0.0) -> list[float]:
    """The slope is 18·(A + 1); written out, without autograd."""
    found = [a]
    for _ in range(steps):
        a -= rate * 18 * (a + 1)
        found.append(a)
    return found


@pytest.mark.parametrize("rate", [0.01, 1 / 18, 0.1, 0.12])
def test_steps_follow_the_tangents(rate):
    ax = pictures.descent(rate)
    curve, *tangents, dots = ax.lines
    for a, loss in curve.get_xydata()[::20]:
        assert loss == pytest.approx((3 + 3 * a) ** 2)
    expected = stops(rate)
    assert dots.get_xdata().tolist() == pytest.approx(expected)
    assert dots.get_ydata().tolist() == pytest.approx([(3 + 3 * a) ** 2 for a in expected])
    assert len(tangents) == 5
    for a, tangent in zip(expected, tangents, strict=False):
        (left, low), (right, high) = tangent.get_xydata()
        assert (high - low) / (right - left) == pytest.approx(18 * (a + 1), abs=1e-9)
        assert ((left + right) / 2, (low + high) / 2) == pytest.approx((a, (3 + 3 * a) ** 2))
    walked = [(start[0], end[0]) for start, end in arrows(ax)]
    assert walked == [pytest.approx(pair) for pair in zip(expected, expected[1:], strict=False)]


def test_four_learning_rates_creep_arrive_swing_and_fly_off():
    axes = pictures.learning_rates()
    assert [ax.get_title() for ax in axes.flat] == ["0.01", "1/18", "0.1", "0.12"]
    assert {text.get_size() for text in texts(plt.gcf())} == {12}, "the title above all is no larger"
    ways = [ax.lines[-1].get_xdata() + 1 for ax in axes.flat]  # distance from the minimum at −1
    creep, arrive, swing, fly = ways
    assert all(0.8 < b / a < 0.83 for a, b in zip(creep, creep[1:], strict=False))
    assert arrive[1:].tolist() == pytest.approx([0] * 5)
    assert all(b / a == pytest.approx(-0.8) for a, b in zip(swing, swing[1:], strict=False))
    assert all(b / a == pytest.approx(-1.16) for a, b in zip(fly, fly[1:], strict=False))
    for ax in axes.flat:
        (low, high), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        for a, loss in ax.lines[-1].get_xydata():
            assert low < a < high, "every stop lies in the picture"
            assert bottom < loss < top


def test_three_learning_rates_leave_no_empty_axes():
    pictures.learning_rates((0.01, 0.05, 0.1))
    assert [ax.get_title() for ax in plt.gcf().axes] == ["0.01", "0.05", "0.1"]


@pytest.mark.parametrize("points", [{}, {"x": (-3.0,), "y": (3.0,)}])
def test_rounding_moves_no_contour_and_no_label(points, monkeypatch):
    """Straight contours, and those through the grid's points, leave matplotlib's choices to the last bit."""
    drawn = []
    for noise in (0, 1e-15):
        monkeypatch.setattr(
            line, "line_error", lambda *a, n=noise: (e := line_error(*a)) * (1 + n * torch.randn_like(e))
        )
        file = io.StringIO()
        pictures.error_contours(**points).figure.savefig(file, format="svg")
        drawn.append(file.getvalue())
    assert drawn[0] != drawn[1]
    assert svg_difference(*drawn) is None


def test_way_across_the_contours():
    ax = pictures.descent_on_contours(rate=0.1, steps=3, start=(0, 1))
    slope, intercept = 0.0, 1.0
    expected = [(slope, intercept)]
    for _ in range(3):
        errors = [(slope * x + intercept - y, x) for x, y in THREE]
        slope -= 0.1 * sum(2 * e * x for e, x in errors) / 3
        intercept -= 0.1 * sum(2 * e for e, x in errors) / 3
        expected.append((slope, intercept))
    way = next(line for line in ax.lines if line.get_label() == "learning rate 0.1")
    assert way.get_xydata().tolist() == [pytest.approx(stop) for stop in expected]
    assert ax.texts[-1].xy == (0, 1)


def test_a_way_that_flies_off_leaves_the_contours_in_the_picture():
    calm, wild = pictures.descent_on_contours(rate=0.1), pictures.descent_on_contours(rate=0.3)
    assert (calm.get_xlim(), calm.get_ylim()) == (wild.get_xlim(), wild.get_ylim())
    assert abs(wild.lines[-1].get_xdata()).max() > 1000


def test_the_way_shown_zigzags_and_arrives():
    ax = pictures.descent_on_contours()
    way = ax.lines[-1].get_xydata()
    errors = [mse(a, b, THREE) for a, b in way]
    assert all(later < earlier for earlier, later in zip(errors, errors[1:], strict=False))
    assert errors[-1] < 0.01
    assert (way[1, 0] - 2.3) * (way[0, 0] - 2.3) < 0, "from one wall of the valley to the other"


# ---- training -------------------------------------------------------------------------------------


def test_training_curves_are_those_of_a_loop():
    linear, logarithmic = pictures.training_curves()
    assert (linear.get_yscale(), logarithmic.get_yscale()) == ("linear", "log")
    for number, rate in enumerate((0.01, 0.05)):
        epochs, losses = linear.lines[number].get_data()
        assert list(epochs) == list(range(1, 1001))
        assert logarithmic.lines[number].get_ydata() is not losses
        assert list(logarithmic.lines[number].get_ydata()) == list(losses)
        line = torch.nn.Linear(1, 1, dtype=torch.float64)
        with torch.no_grad():
            line.weight.zero_()
            line.bias.zero_()
        optimizer = torch.optim.SGD(line.parameters(), lr=rate)
        x, y = (torch.tensor(column, dtype=torch.float64)[:, None] for column in zip(*THREE, strict=True))
        for epoch in range(200):
            loss = torch.nn.functional.mse_loss(line(x), y)
            assert losses[epoch] == pytest.approx(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def test_training_curves_of_the_readers_own():
    linear, logarithmic = pictures.training_curves({"train": [4, 2, 1], "validation": [5, 3, 2.5]})
    for ax in (linear, logarithmic):
        assert [line.get_label() for line in ax.lines] == ["train", "validation"]
        assert [line.get_linestyle() for line in ax.lines] == ["-", "--"]
        assert ax.lines[1].get_xydata().tolist() == [[1, 5], [2, 3], [3, 2.5]]
    [legend] = linear.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["train", "validation"]


def test_more_runs_than_can_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="6 curves that can be told apart; these are 7"):
        pictures.training_curves({str(run): [1.0] for run in range(7)})


def test_loss_on_a_log_axis_falls_in_a_straight_line():
    """After the first epochs each multiplies the loss by the same factor, the one of the flattest direction."""
    losses = pictures.training_curves()[1].lines[0].get_ydata()
    flattest = min(np.linalg.eigvalsh(np.array([[28, 12], [12, 6]]) / 3))
    assert losses[900] / losses[899] == pytest.approx((1 - 0.01 * flattest) ** 2, rel=1e-6)
    assert math.log10(losses[0] / losses[-1]) > 4
