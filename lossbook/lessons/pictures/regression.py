"""The best constant: the median for L1, the mean for MSE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...functional import l1_loss, mse_loss
from ...language import gettext as _
from ...plotting.style import BLUE, ORANGE, PURPLE, pyplot

if TYPE_CHECKING:
    from numpy import ndarray


def outlier(before: Sequence[float] = (1, 2, 3, 4, 5), after: Sequence[float] = (1, 2, 3, 4, 90)) -> ndarray:
    """One value moves far away: the mean, best for MSE, follows it; the median, best for L1, stays.

    Returns the two Axes, before and after.
    """
    axes = pyplot().subplots(1, 2, sharey=True)[1]
    for ax, values in zip(axes, (before, after), strict=True):
        data = torch.tensor(values, dtype=torch.float64)
        median, mean = data.median().item(), data.mean().item()
        ax.plot(range(1, len(data) + 1), data.tolist(), "o", color=PURPLE, markersize=7, zorder=3)
        ax.axhline(mean, color=ORANGE, linestyle="--")
        ax.axhline(median, color=BLUE)
        # The name of the mean above its line on the left, the name of the median below on the right.
        mean_text, median_text = _("mean {value:g}").format(value=mean), _("median {value:g}").format(value=median)
        ax.annotate(mean_text, (0.7, mean), (0, 7), textcoords="offset points")
        ax.annotate(median_text, (len(values), median), (0, -7), textcoords="offset points", va="top", ha="right")
        ax.set(title=", ".join(f"{value:g}" for value in values), xlim=(0.5, len(values) + 0.5), xticks=[])
    low, high = min(*before, *after), max(*before, *after)
    axes[0].set(ylim=(low - (high - low) * 0.2, high * 1.1))
    return axes


def constants(values: Sequence[float]) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions from the least of `values` to as far beyond their mean, with the L1 and the MSE of each."""
    target = torch.tensor(values, dtype=torch.float64)
    low, mean = target.min().item(), target.mean().item()
    prediction = torch.linspace(low, 2 * mean - low, 381, dtype=torch.float64)
    l1 = torch.stack([l1_loss(c.expand_as(target), target) for c in prediction])
    mse = torch.stack([mse_loss(c.expand_as(target), target) for c in prediction])
    return prediction, l1, mse


def best_constant(values: Sequence[float] = (1, 2, 3, 4, 90)) -> ndarray:
    """L1 and MSE when the same number is predicted for every value: least at the median, and at the mean.

    Returns the two Axes, L1 and MSE.
    """
    prediction, *losses = constants(values)
    axes = pyplot().subplots(1, 2)[1]
    texts = _("median {value:g}"), _("mean {value:g}")
    for ax, loss, name, text, color in zip(axes, losses, ("L1", "MSE"), texts, (BLUE, ORANGE), strict=True):
        best = loss.argmin()
        ax.plot(prediction.numpy(), loss.numpy(), color=color)
        ax.plot(prediction[best], loss[best], "o", color=color, markersize=8)
        ax.annotate(
            text.format(value=round(prediction[best].item(), 2)),
            (prediction[best], loss[best]),
            (6, -6),
            va="top",
            textcoords="offset points",
        )
        ax.set(title=name, xlabel=_("prediction"), ylim=(0, None))
    return axes
