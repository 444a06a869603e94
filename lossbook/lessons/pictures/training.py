"""The training loop, its curve, and why accuracy cannot take the place of a loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ...functional import cross_entropy
from ...language import gettext as _
from ...plotting.style import BLUE, GREEN, ORANGE, distinct_styles, panel, pyplot
from .descent import descend
from .line import X, Y, line_error

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy import ndarray


def training_loop(ax: Axes | None = None) -> Axes:
    """One turn of training: forward to the loss, backward to the gradients, and the optimizer's step to the model.

    Forward arrows are solid, backward ones dashed, the step is dotted. The backward pass ends at the gradients: only
    the optimizer reaches the model.
    """
    ax = panel(ax, figsize=(5, 3.3))
    boxes = {
        "x": (0, 2, "x"),
        "model": (1.35, 2, _("model")),
        "prediction": (2.75, 2, "ŷ"),
        "loss": (4.1, 2, _("loss")),
        "target": (4.1, 3.1, "y"),
        "gradients": (4.1, 0, _("gradients")),
        "optimizer": (1.35, 0, _("optimizer")),
    }
    frame = {"boxstyle": "round,pad=0.5", "facecolor": "none", "edgecolor": "black", "linewidth": 1.5}
    drawn = {name: ax.text(x, y, text, ha="center", va="center", bbox=frame) for name, (x, y, text) in boxes.items()}
    for start, end, color, line in [
        ("x", "model", BLUE, "-"),
        ("model", "prediction", BLUE, "-"),
        ("prediction", "loss", BLUE, "-"),
        ("target", "loss", BLUE, "-"),
        ("loss", "gradients", ORANGE, "--"),
        ("gradients", "optimizer", ORANGE, "--"),
        ("optimizer", "model", GREEN, ":"),
    ]:
        style = {"arrowstyle": "-|>", "mutation_scale": 16, "color": color, "linestyle": line, "linewidth": 2}
        style |= {"patchA": drawn[start].get_bbox_patch(), "patchB": drawn[end].get_bbox_patch()}
        ax.annotate("", boxes[end][:2], boxes[start][:2], arrowprops={**style, "shrinkA": 2, "shrinkB": 2})
    ax.text(1.35, 3.0, _("1. forward pass"), ha="center")
    ax.text(3.95, 1.0, _("2. backward pass"), ha="right", va="center")
    ax.text(1.2, 1.15, _("3. step"), ha="right", va="center")
    ax.text(1.2, 0.85, _("new parameters"), ha="right", va="center")
    ax.set(xlim=(-0.4, 4.9), ylim=(-0.5, 3.5))
    ax.axis("off")
    return ax


class Thresholds(NamedTuple):
    """Accuracy and loss of a classifier with one threshold, threshold by threshold."""

    threshold: Tensor
    accuracy: Tensor
    loss: Tensor
    slope: Tensor  # of the loss


# Six samples on a line. No threshold gets all six right.
SAMPLES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
LABELS = (0, 0, 1, 0, 1, 1)


def thresholds() -> Thresholds:
    """Scores of the classifier "class 1 above the threshold", whose two logits are 0 and x − threshold."""
    samples, labels = torch.tensor(SAMPLES), torch.tensor(LABELS)
    threshold = torch.linspace(0.5, 6.5, 601).requires_grad_()
    logit = samples - threshold[:, None]
    accuracy = ((logit > 0) == labels).float().mean(1)
    logits = torch.stack([torch.zeros_like(logit), logit], 1)
    loss = cross_entropy(logits, labels.expand(len(threshold), -1), reduction="none").mean(1)
    (slope,) = torch.autograd.grad(loss.sum(), threshold)
    return Thresholds(threshold.detach(), accuracy, loss.detach(), slope)


def accuracy_and_loss() -> ndarray:
    """Accuracy is a staircase: flat almost everywhere. The loss of the same classifier is a bowl that leads downhill.

    Returns the two Axes, accuracy above loss.
    """
    data = thresholds()
    threshold = data.threshold.numpy()
    axes = pyplot().subplots(2, sharex=True, figsize=(5, 4.2))[1]
    top, bottom = axes
    # Where accuracy jumps, no line joins the two heights.
    accuracy = data.accuracy.where(data.accuracy == data.accuracy.roll(1), torch.nan)
    top.plot(threshold, accuracy.numpy(), color=BLUE)
    right = (data.accuracy.unique() * len(SAMPLES)).round().int().tolist()
    top.set_yticks([n / len(SAMPLES) for n in right], [f"{n}/{len(SAMPLES)}" for n in right])
    top.set(ylabel=_("accuracy"), ylim=(0.45, 0.9))
    bottom.plot(threshold, data.loss.numpy(), color=ORANGE)
    bottom.set(ylabel=_("loss"), xlabel=_("threshold"))

    x, share, loss, slope = (quantity[100].item() for quantity in data)
    top.plot(x, share, "o", color=BLUE)
    top.annotate(_("flat: no direction"), (x, share), (0, 10), textcoords="offset points")
    bottom.plot(x, loss, "o", color=ORANGE)
    arrow = {"arrowstyle": "-|>", "mutation_scale": 18, "color": GREEN, "shrinkA": 0, "shrinkB": 0, "linewidth": 2}
    bottom.annotate("", (x + 1, loss + slope), (x, loss), arrowprops=arrow)
    bottom.annotate(_("downhill"), (x + 0.5, loss + slope / 2), (8, 4), textcoords="offset points")
    return axes


def training_curves(histories: Mapping[str, Sequence[float]] | None = None) -> ndarray:
    """The loss over the epochs. On a linear axis the late epochs look flat; a logarithmic one shows that they are not.

    Args:
        histories: the losses of each run, from the first epoch on, under its name. When left out, a line is fitted to
            three points with two learning rates, from slope and intercept 0.

    Returns:
        The two Axes, linear and logarithmic.
    """
    if histories is None:
        histories = {_("learning rate {rate}").format(rate=rate): _line_losses(rate) for rate in (0.01, 0.05)}
    looks = distinct_styles(len(histories))
    axes = pyplot().subplots(1, 2, figsize=(5, 3.3))[1]
    for ax, scale, title in zip(axes, ("linear", "log"), (_("linear axis"), _("logarithmic axis")), strict=True):
        for (name, losses), (color, line) in zip(histories.items(), looks, strict=True):
            ax.plot(range(1, len(losses) + 1), losses, color=color, linestyle=line, label=name)
        ax.set(title=title, xlabel=_("epoch"), yscale=scale)
        ax.grid(True)
    axes[0].set_ylabel(_("loss"))
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center")
    return axes


def _line_losses(rate: float, epochs: int = 1000) -> list[float]:
    path = descend(lambda parameters: line_error(parameters, X, Y), (0.0, 0.0), rate, epochs - 1)
    return line_error(path, X, Y).tolist()
