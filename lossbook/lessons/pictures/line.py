"""The MSE of a line, over its slope alone and over slope and intercept, with the path of gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...functional import mse_loss
from ...language import gettext as _
from ...plotting.style import BLUE, GREEN, ORANGE, panel
from .descent import descend, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes

X, Y = (1.0, 2.0, 3.0), (2.0, 4.0, 6.0)  # on the line y = 2x


def line_error(parameters: Tensor, x: Sequence[float], y: Sequence[float]) -> Tensor:
    """The MSE of lines on the points (x, y). The last dimension of `parameters` holds slope and intercept."""
    slope, intercept = parameters.unsqueeze(-1).unbind(-2)
    prediction = slope * torch.tensor(x, dtype=parameters.dtype) + intercept
    target = torch.tensor(y, dtype=parameters.dtype).expand_as(prediction)
    return mse_loss(prediction, target, reduction="none").mean(-1)


def best_line(x: Sequence[float], y: Sequence[float]) -> Tensor:
    """Slope and intercept of the least MSE; of all such lines, those nearest to 0."""
    inputs, targets = torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
    return torch.linalg.pinv(torch.stack([inputs, torch.ones_like(inputs)], -1)) @ targets


def error_of_slope(
    x: Sequence[float] = (-3.0,),
    y: Sequence[float] = (3.0,),
    tried: Sequence[float] = (-3.0, -2.0, -1.0, 0.0, 1.0),
    ax: Axes | None = None,
) -> Axes:
    """The MSE of the lines through the origin, over their slope: a parabola. Dots with values at the slopes tried."""
    ax = panel(ax)
    dots = torch.tensor(tried, dtype=torch.float64)
    slopes = torch.linspace(dots.min() - 0.25, dots.max() + 0.25, 301, dtype=torch.float64)

    def error(slope: Tensor) -> Tensor:
        return line_error(torch.stack([slope, torch.zeros_like(slope)], -1), x, y)

    ax.plot(slopes.numpy(), error(slopes).numpy(), color=BLUE)
    ax.plot(dots.numpy(), error(dots).numpy(), "o", color=ORANGE, markersize=8)
    for slope, value in zip(dots.tolist(), error(dots).tolist(), strict=True):
        ax.annotate(f"{round(value, 2):g}", (slope, value), (0, 9), textcoords="offset points", ha="center")
    ax.set(xlabel=_("slope, with the intercept 0"), ylabel="MSE", xticks=dots.tolist())
    ax.margins(y=0.15)
    ax.grid(True)
    return ax


def error_grid(x: Sequence[float], y: Sequence[float], reach: float, points: int) -> tuple[Tensor, Tensor, Tensor]:
    """Slopes and intercepts up to `reach` around the best line's, and the MSE of each pair."""
    slope, intercept = (
        torch.linspace(best - reach, best + reach, points, dtype=torch.float64) for best in best_line(x, y).tolist()
    )
    slopes, intercepts = torch.meshgrid(slope, intercept, indexing="xy")
    return slopes, intercepts, line_error(torch.stack([slopes, intercepts], -1), x, y)


def error_contours(x: Sequence[float] = X, y: Sequence[float] = Y, reach: float = 2.8, ax: Axes | None = None) -> Axes:
    """The MSE of a line over its slope and intercept, seen from above: on each closed line the MSE is the same.

    Where all points have the same x, many lines are best; they are drawn as a valley. `reach` is how far the picture
    goes from the best line.
    """
    ax = panel(ax, figsize=(5, 3.8))
    slopes, intercepts, error = error_grid(x, y, reach, 181)
    # A little under a quarter: exactly a quarter goes through grid points, and there rounding decides on which side.
    levels = [0.999 * error.max().item() / 4**k for k in range(5, 0, -1)]
    contours = ax.contour(slopes.numpy(), intercepts.numpy(), error.numpy(), levels, colors=BLUE, linewidths=1.5)
    slope, intercept = best_line(x, y).tolist()
    # Place the labels right of the best line. matplotlib would take the straightest part of a contour; along a straight
    # contour that is anywhere.
    steepness = sum(value**2 for value in x) / len(x)
    right = [slope + ((level - error.min().item()) / steepness) ** 0.5 for level in levels[2:]]
    places = [(at, intercept) for at in right]
    # Upright labels over uncut contours: where matplotlib cuts a contour and how it turns a label depends on rounding.
    for label in ax.clabel(contours, fmt="%.2g", colors="black", fontsize="small", manual=places, inline=False):
        label.set(rotation=0, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    if len(set(x)) > 1:
        ax.plot(slope, intercept, "o", color=ORANGE, markersize=8, label=_("minimum"))
    else:
        valley = slopes[0]
        ax.plot(valley.numpy(), (sum(y) / len(y) - valley * x[0]).numpy(), "--", color=ORANGE, label=_("minimum"))
    ax.set(xlabel=_("slope"), xlim=(slope - reach, slope + reach))
    ax.set(ylabel=_("intercept"), ylim=(intercept - reach, intercept + reach))
    ax.plot([], [], color=BLUE, linewidth=1.5, label="MSE")  # contours themselves stand in no legend
    _legend_above(ax)
    return ax


def _legend_above(ax: Axes) -> None:
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, handlelength=1.5, columnspacing=1)


def error_surface(x: Sequence[float] = X, y: Sequence[float] = Y, reach: float = 2.8, ax: Axes | None = None) -> Axes:
    """The MSE of the line y = a·x + b as a surface over a and b. `ax`, where given, must have projection="3d"."""
    space = panel(ax, figsize=(5, 4), subplot_kw={"projection": "3d"})
    slopes, intercepts, error = error_grid(x, y, reach, 25)
    space.plot_wireframe(slopes.numpy(), intercepts.numpy(), error.numpy(), color=BLUE, linewidth=0.8)
    best = best_line(x, y)
    space.plot(*best.tolist(), line_error(best, x, y).item(), "o", color=ORANGE, markersize=8)
    space.set(title=_("MSE of the line y = a·x + b"), xlabel="a", ylabel="b")
    for axis in (space.xaxis, space.yaxis, space.zaxis):
        axis.set_pane_color((0, 0, 0, 0))  # gray would shine on a dark page
    space.grid(False)
    space.view_init(elev=30, azim=-55)
    space.locator_params(nbins=4)
    return space


def descent_on_contours(
    rate: float = 0.15,
    steps: int = 60,
    start: tuple[float, float] = (0.0, -2.0),
    x: Sequence[float] = X,
    y: Sequence[float] = Y,
    ax: Axes | None = None,
) -> Axes:
    """The path of gradient descent across the contours, at right angles to them: slope and intercept after each step."""
    ax = error_contours(x, y, ax=ax)
    path = descend(lambda parameters: line_error(parameters, x, y), start, rate, steps)
    way = _("learning rate {rate}").format(rate=written(rate))
    ax.plot(*path.T.numpy(), "-o", color=GREEN, markersize=3, linewidth=1.2, label=way)
    ax.annotate(_("start"), start, (4, -9), textcoords="offset points", ha="left", va="top")
    _legend_above(ax)
    return ax
