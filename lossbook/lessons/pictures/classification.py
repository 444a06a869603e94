"""From labels and logits to probabilities and their loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...functional import nll_loss, softmax
from ...language import gettext as _
from ...plotting.style import BLUE, GREEN, ORANGE, panel, pyplot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy import ndarray


def one_hot_distances() -> ndarray:
    """Codes 0, 1, 2 put the third class farther from the first; one-hot codes keep all classes equally far apart.

    Returns the two Axes, integer codes and one-hot codes. Every length is the distance of two codes.
    """
    names = _("cat"), _("dog"), _("rabbit")
    pairs = [(0, 1), (1, 2), (0, 2)]
    axes = pyplot().subplots(1, 2, figsize=(5, 3.2))[1]
    line, triangle = axes

    integers = torch.arange(3.0)[:, None]
    line.plot(integers[:, 0].tolist(), [0] * 3, "o", color=BLUE, markersize=9)
    for code, name in enumerate(names):
        for text, rise in ((str(code), 10), (name, 25)):
            line.annotate(text, (code, 0), (0, rise), textcoords="offset points", ha="center")
    for (a, b), height in zip(pairs, (-0.5, -0.5, -1.1), strict=True):
        line.annotate("", (a, height), (b, height), arrowprops={"arrowstyle": "|-|", "shrinkA": 2, "shrinkB": 2})
        distance = torch.dist(integers[a], integers[b])
        line.annotate(
            f"{distance:g}", ((a + b) / 2, height), (0, -4), textcoords="offset points", ha="center", va="top"
        )
    line.set(title=_("integer codes"), xlim=(-0.4, 2.4), ylim=(-1.6, 1))

    one_hot = torch.eye(3)
    # The three codes lie in one plane; seen from straight above, no distance changes.
    plane = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [0.0, 2.0]]) / torch.tensor([2.0, 6.0]).sqrt()
    corners = one_hot @ plane
    for a, b in pairs:
        ends, middle = corners[[a, b]], corners[[a, b]].mean(0)
        triangle.plot(*ends.T.tolist(), "-o", color=BLUE, linewidth=1.5, markersize=9)
        square = torch.dist(one_hot[a], one_hot[b]).square()
        # Outward from the middle of the triangle, which lies at (0, 0).
        triangle.annotate(
            f"√{square:.0f}",
            middle.tolist(),
            (middle * 30).tolist(),
            textcoords="offset points",
            ha="center",
            va="center",
        )
    for corner, code, name in zip(corners.tolist(), one_hot.int().tolist(), names, strict=True):
        for text, rise in ((str(tuple(code)), 10 if corner[1] > 0 else -35), (name, 25 if corner[1] > 0 else -20)):
            triangle.annotate(text, corner, (0, rise), textcoords="offset points", ha="center")
    triangle.set(title=_("one-hot codes"), xlim=(-1.3, 1.3), ylim=(-1.4, 1.6))
    triangle.set_aspect("equal", anchor="N")
    for ax in axes:
        ax.axis("off")
    return axes


def softmax_bars(logits: Sequence[float] = (1.0, 2.0, 3.0, 4.0)) -> ndarray:
    """From logits to probabilities in two moves: exponentiate, then divide by the sum.

    Returns the three Axes; one row of bars is one class.
    """
    scores = torch.tensor(logits)
    exponentials, probabilities = scores.exp(), softmax(scores, dim=-1)
    axes = pyplot().subplots(1, 3, sharey=True, figsize=(5, 2.8))[1]
    _bars(axes[0], scores, "{:g}", BLUE)
    _bars(axes[1], exponentials, "{:.2f}", ORANGE)
    _bars(axes[2], probabilities, "{:.3f}", GREEN)
    titles = _("logits"), "exp", _("÷ sum {total:.2f}").format(total=exponentials.sum())
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title)
        ax.margins(x=0.5)
    return axes


def temperature(
    logits: Sequence[float] = (2.0, 1.0, 0.0), temperatures: Sequence[float] = (0.5, 1.0, 2.0, 10.0)
) -> ndarray:
    """The same logits divided by one temperature after another: from nearly certain to nearly even.

    Returns the Axes, one for each temperature; one row of bars is one class.
    """
    scores = torch.tensor(logits)
    axes = pyplot().subplots(1, len(temperatures), sharey=True, figsize=(5, 2.4))[1]
    for ax, degree in zip(axes, temperatures, strict=True):
        _bars(ax, softmax(scores / degree, dim=-1), "{:.2f}", BLUE)
        ax.set(title=f"T = {degree:g}", xlim=(0, 1.5))
    return axes


def _bars(ax: Axes, values: Tensor, digits: str, color: str) -> None:
    """One bar for each class, from the top down, with its value behind it."""
    bars = ax.barh(range(len(values)), values.tolist(), color=color)
    ax.bar_label(bars, fmt=digits, padding=4)
    ax.set(xticks=[], yticks=range(len(values)), ylim=(len(values) - 0.5, -0.5))
    ax.tick_params(left=False)
    ax.spines["bottom"].set_visible(False)
    if (place := ax.get_subplotspec()) and place.is_first_col():
        ax.set_ylabel(_("class"))


def negative_log(probabilities: Sequence[float] = (0.99, 0.5, 0.0321), ax: Axes | None = None) -> Axes:
    """The loss −ln p of a sample over the probability p that the model gave to its true class."""
    ax = panel(ax)
    p = torch.linspace(0.005, 1, 400)
    ax.plot(p.numpy(), _loss(p).numpy(), color=BLUE)
    marked = torch.tensor(probabilities)
    ax.plot(marked.numpy(), _loss(marked).numpy(), "o", color=ORANGE, markersize=8)
    for x, y in zip(marked.tolist(), _loss(marked).tolist(), strict=True):
        shift, side = ((8, 14), "left") if x < 0.7 else ((0, 12), "right")
        ax.annotate(f"−ln {x:g} = {y:.2f}", (x, y), shift, textcoords="offset points", ha=side)
    ax.set(xlabel=_("probability p of the true class"), ylabel=_("loss −ln p"))
    ax.grid(True)
    return ax


def _loss(p: Tensor) -> Tensor:
    return nll_loss(p.log()[:, None], torch.zeros(len(p), dtype=torch.int64), reduction="none")
