"""Draw losses, and their gradients, over the error of a prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from .catalogue import find
from .language import gettext as _
from .style import COLORS, LINES, panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Loss = Callable[[Tensor, Tensor], Tensor]


class Curve(NamedTuple):
    """A loss at one error after another."""

    error: Tensor
    loss: Tensor
    gradient: Tensor
    kinks: Tensor  # True where the gradient jumps: there the loss has no derivative


def curve(loss: Loss) -> Curve:
    """The values of `loss` for errors ŷ − y from −3 to 3, and its gradient with respect to ŷ by autograd.

    Each point is one prediction ŷ for the target 0, so the reduction of `loss` does not matter.
    """
    error = torch.arange(-300, 301, dtype=torch.float64) / 100  # hits 0 exactly
    step = 1e-6
    before, (values, gradient), after = (_evaluate(loss, error + shift) for shift in (-step, 0.0, step))
    # Over two millionths a smooth gradient hardly moves; a jump stays a jump.
    return Curve(error, values, gradient, (after[1] - before[1]).abs() > 1e-3)


def _evaluate(loss: Loss, predictions: Tensor) -> tuple[Tensor, Tensor]:
    predictions = predictions.clone().requires_grad_()
    target = torch.zeros(1, dtype=predictions.dtype)
    values = torch.stack([loss(prediction, target).sum() for prediction in predictions.split(1)])
    (gradient,) = torch.autograd.grad(values.sum(), predictions)
    return values.detach(), gradient


def plot(*losses: str | Loss, quantity: str = "loss", ax: Axes | None = None) -> Axes:
    """Draw losses of one error, or their gradients, into one picture.

    Args:
        losses: names from the catalogue ("l1"), functions, or modules (`nn.L1Loss()`); your own too.
        quantity: "loss", or "gradient" with respect to the prediction.
        ax: where to draw; a new figure when left out.

    Returns:
        The Axes: one line for each loss, with a dot where the loss has a kink. In the picture of a gradient the line
        breaks there, and the dot is what PyTorch takes for the gradient.
    """
    if quantity not in ("loss", "gradient"):
        raise ValueError(f'plot draws quantity="loss" or "gradient", not {quantity!r}. Choose one of the two.')
    curves = {label: curve(function) for label, function in map(_named, losses)}
    if len(curves) != len(losses) or not losses:
        raise ValueError(
            f"plot needs at least one loss, and each loss once; it got {len(losses)}: {', '.join(curves)}."
        )

    ax = panel(ax)
    for number, (label, data) in enumerate(curves.items()):
        color, line = COLORS[number % len(COLORS)], LINES[number % len(LINES)]
        heights = getattr(data, quantity)
        drawn = heights.where(~data.kinks, torch.nan) if quantity == "gradient" else heights
        ax.plot(data.error.numpy(), drawn.numpy(), color=color, linestyle=line, label=label)
        if data.kinks.any():
            ax.plot(data.error[data.kinks].numpy(), heights[data.kinks].numpy(), "o", color=color, label=_("kink"))
    ax.set_xlabel(_("error ŷ − y"))
    ax.set_ylabel(_("loss") if quantity == "loss" else _("gradient"))
    ax.grid(True)
    ax.legend()
    return ax


def _named(loss: str | Loss) -> tuple[str, Loss]:
    """The label of a loss, and the loss itself, after a check that it is a loss of one error."""
    try:
        entry = find(loss)
    except ValueError:
        if isinstance(loss, str):
            raise
        return getattr(loss, "__name__", type(loss).__name__), loss  # one of the reader's own
    if entry.family != "regression":
        raise ValueError(
            f"plot draws a loss over the error ŷ − y, and {entry.name} compares no such numbers: it is a loss of "
            f"{entry.family}. Choose a regression loss, such as plot('l1')."
        )
    if isinstance(loss, str):
        return entry.module.__name__, entry.function
    return getattr(loss, "__name__", type(loss).__name__), loss
