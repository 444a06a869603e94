"""Gradient descent on a curve, with steps too short, right, too long and far too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...language import gettext as _
from ...plotting.style import BLUE, GREEN, ORANGE, panel, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy import ndarray

SLOPES = -3.3, 1.3  # what the picture shows


def one_point_loss(a: Tensor) -> Tensor:
    """(3 + 3A)²: the squared error of the line y = A·x at the point (−3, 3)."""
    return (3 + 3 * a).square()


def slope_of(loss: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """Compute the gradient of `loss` at a point, by autograd."""
    at = at.detach().requires_grad_()
    return torch.autograd.grad(loss(at), at)[0]


def descend(loss: Callable[[Tensor], Tensor], start: float | Sequence[float], rate: float, steps: int) -> Tensor:
    """Run gradient descent. Returns its start and the point after each step."""
    at = [torch.tensor(start, dtype=torch.float64)]
    for _step in range(steps):
        at.append(at[-1] - rate * slope_of(loss, at[-1]))
    return torch.stack(at)


def descent(rate: float = 0.01, steps: int = 5, start: float = 0.0, ax: Axes | None = None) -> Axes:
    """Gradient descent on the loss (3 + 3A)²: a dot at each stop, its tangent, and an arrow to the next stop."""
    ax = panel(ax)
    shown = torch.linspace(*SLOPES, 201, dtype=torch.float64)
    ax.plot(shown.numpy(), one_point_loss(shown).numpy(), color=BLUE)
    stops = descend(one_point_loss, start, rate, steps)
    heights = one_point_loss(stops)
    for stop in stops[:-1]:
        near = stop + torch.tensor([-0.8, 0.8], dtype=torch.float64)
        tangent = one_point_loss(stop) + slope_of(one_point_loss, stop) * (near - stop)
        ax.plot(near.numpy(), tangent.numpy(), color=ORANGE, linestyle="--", linewidth=1.2)
    arrow = {"arrowstyle": "-|>", "color": GREEN, "linewidth": 1.5, "mutation_scale": 9, "shrinkA": 0, "shrinkB": 2}
    for here, there in pairwise(zip(stops.tolist(), heights.tolist(), strict=True)):
        ax.annotate("", there, here, arrowprops=arrow)
    ax.plot(stops.numpy(), heights.numpy(), "o", color=GREEN, markersize=5)
    ax.set(xlabel=_("slope A"), ylabel=_("loss"), xlim=SLOPES, ylim=(-5, one_point_loss(shown).max().item()))
    ax.set_title(_("learning rate {rate}").format(rate=written(rate)))
    ax.grid(True)
    return ax


def written(rate: float) -> str:
    """Write a learning rate: 0.01 as it is, one with endless digits as a fraction, 1/18."""
    return f"{rate:g}" if round(rate, 4) == rate else str(Fraction(rate).limit_denominator(1000))


def learning_rates(rates: Sequence[float] = (0.01, 1 / 18, 0.1, 0.12), steps: int = 5) -> ndarray:
    """The same curve with four learning rates: it creeps, arrives in one step, swings, flies off.

    Returns the Axes, one for each learning rate, in two columns.
    """
    rows = (len(rates) + 1) // 2
    axes = pyplot().subplots(rows, 2, sharex=True, sharey=True, figsize=(5, 2.4 * rows), squeeze=False)[1]
    for ax, rate in zip(axes.flat, rates, strict=False):
        descent(rate, steps, ax=ax).set_title(written(rate))
        ax.label_outer()
    for ax in axes.flat[len(rates) :]:
        ax.remove()
    axes[0, 0].figure.suptitle(_("learning rate"))
    return axes
