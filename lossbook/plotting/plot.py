"""Draw losses, and their gradients, over the variable that matters for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from ..language import gettext as _
from ..language import message
from .curves import Curve, curves
from .style import distinct_styles, panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot(*losses: str | Callable, quantity: str = "loss", ax: Axes | None = None, **settings: Any) -> Axes:
    """Draw losses, or their gradients, into one picture.

    Each is drawn for one sample, over the variable of its family: the error for regression, the probability or the
    logit, the score of the true class, a distance or a cosine. Losses that share it can be drawn side by side.

    Args:
        losses: names from the catalogue ("l1"), functions, or modules (``nn.L1Loss()``). Your own too: they are called
            as the first loss of the catalogue beside them; alone, with a prediction and the target 0.
        quantity: "loss", or "gradient" with respect to the variable.
        ax: where to draw; a new figure when left out.
        settings: go to every loss that has them. A list compares: ``plot("huber", delta=[0.5, 1, 2])``.

    Returns:
        The Axes: one line for each curve, a dot at each kink, a broad band where the loss is flat. In the picture of a
        gradient the line breaks at a kink, and the dot is what PyTorch takes for the gradient.

    Raises:
        ValueError: losses share no variable, one has no curve, or there are too many curves to tell apart.
        TypeError: no loss has such a setting.
    """
    if quantity not in ("loss", "gradient"):
        raise ValueError(
            message(
                'plot draws quantity="loss" or "gradient", not {quantity!r}. Choose one of the two.', quantity=quantity
            )
        )
    drawn = curves(*losses, **settings)
    looks = distinct_styles(len(drawn))
    alone, ax = ax is None, panel(ax)
    title, labels = _names(drawn)
    marks = {"kink": _("kink"), "flat": _("flat: gradient 0")}
    unnamed = dict(marks)  # each stands in the legend once
    for curve, label, (color, line) in zip(drawn, labels, looks, strict=True):
        heights = getattr(curve, quantity)
        shown = heights.where(~curve.kinks, torch.nan) if quantity == "gradient" else heights
        ax.plot(curve.x.numpy(), shown.numpy(), color=color, linestyle=line, label=label)
        if curve.kinks.any():
            dots = curve.x[curve.kinks].numpy(), heights[curve.kinks].numpy()
            ax.plot(*dots, "o", color=color, label=unnamed.pop("kink", None))
        if curve.flat.any():
            band = curve.x.numpy(), heights.where(curve.flat, torch.nan).numpy()
            broad: dict[str, Any] = {"linestyle": "-", "linewidth": 8, "alpha": 0.3, "solid_capstyle": "butt"}
            ax.plot(*band, color=color, **broad, label=unnamed.pop("flat", None))
    ax.set_xlabel(drawn[0].variable.label())
    ax.set_ylabel(_("loss") if quantity == "loss" else _("gradient"))
    ax.grid(True)
    _legend(ax, title, [*marks.values()], alone)
    return ax


def _legend(ax: Axes, title: str | None, last: list[str], alone: bool) -> None:
    """Place a short legend among the curves, a longer one above them; a figure that `plot` made grows by its height."""
    handles, labels = ax.get_legend_handles_labels()
    if len(labels) <= 3 and title is None and max(map(len, labels)) <= 25:
        ax.legend()
        return
    order = sorted(range(len(labels)), key=lambda i: labels[i] in last)
    longest = max(map(len, labels))
    columns = 3 if longest <= 10 else 2 if longest <= 18 else 1
    entries = [handles[i] for i in order], [labels[i] for i in order]
    ax.legend(*entries, title=title, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=columns)
    if alone and (figure := ax.get_figure(root=True)):
        rows = -(-len(labels) // columns) + (title is not None)
        figure.set_figheight(figure.get_figheight() + 0.22 * rows)


def _names(drawn: list[Curve]) -> tuple[str | None, list[str]]:
    """Return what all curves have in common, as the title of the legend, and a label for each."""

    def called(curve: Curve) -> str:
        return curve.name + f"({curve.setting})" * bool(curve.setting)

    if len(drawn) == 1 or len({curve.name for curve in drawn}) > 1:
        return None, [called(curve) + f", {curve.case}" * bool(curve.case) for curve in drawn]
    if len({curve.setting for curve in drawn}) == 1:
        return called(drawn[0]), [curve.case for curve in drawn]
    return drawn[0].name, [", ".join(filter(None, [curve.setting, curve.case])) for curve in drawn]
