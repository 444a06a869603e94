"""Focal Tversky loss: a power of the Tversky loss."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import torch
from torch import Tensor

from ..kit.entry import Entry, Term
from ..kit.loss import Loss, loss_function
from ..kit.settings import ClassNumber, NotNegative, OptionalTensor, Positive, Reduction, Switch
from ..kit.text import given, power
from . import _overlap as overlap
from ._masks import OF_PIXEL, WEIGHT, Mode, kind, masks_or_logits, sample_of_masks
from ._overlap import Average, Symbols, class_weight, finish, meaning, weighted
from .tversky import definition as of_tversky
from .tversky import index_formula, sums, tversky
from .tversky import term as tversky_term


@loss_function
def focal_tversky_loss(
    input: Tensor,
    target: Tensor,
    *,
    alpha: NotNegative = 0.3,
    beta: NotNegative = 0.7,
    gamma: Positive = 0.75,
    mode: Mode = "binary",
    from_logits: Switch = True,
    batch: Switch = False,
    log_loss: Switch = False,
    smooth_nr: NotNegative = 1e-5,
    smooth_dr: NotNegative = 1e-5,
    include_background: Switch = True,
    skip_absent: Switch = False,
    ignore_index: ClassNumber = -100,
    weight: OptionalTensor = None,
    average: Average = "masks",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""A power of 1 minus the Tversky index of two masks.

    .. math:: \ell(p, t) = \left(1 - \frac{\sum_i p_i t_i + s}
              {\sum_i p_i t_i + \alpha \sum_i p_i (1 - t_i) + \beta \sum_i (1 - p_i) t_i + d}\right)^\gamma

    With γ below 1 the slope grows where the overlap is good already, with γ above 1 where it is bad. With γ = 1 it is
    :func:`lossbook.beyond.tversky_loss`.

    Args:
        input, target: logits and the true mask, as in :func:`lossbook.beyond.dice_loss`.
        alpha: α, the weight of what is predicted and not true (false positives); at least 0. In the paper it is β.
        beta: β, the weight of what is true and not predicted (false negatives); at least 0. In the paper it is α, 0.7.
        gamma: γ, the exponent, larger than 0. The paper's exponent is written 1/γ, with γ = 4/3: 0.75 here.
        mode, from_logits, batch, include_background, skip_absent, ignore_index, weight, average: as in
            :func:`lossbook.beyond.tversky_loss`. The weight multiplies the power.
        log_loss: the power of minus the logarithm of the index, as in segmentation-models-pytorch.
        reduction: ``"mean"`` over all masks, samples and classes alike; ``"sum"``; ``"none"``.
            segmentation-models-pytorch takes the power of the (weighted) mean of the classes, not the mean of the powers.
        smooth_nr: s, added above.
        smooth_dr: d, added below. Where s is larger than d, 1 minus the index may be negative: then the loss is 0.

    Returns:
        A tensor of shape ``()``; with ``reduction="none"`` one loss for each mask, in the shapes of the Dice loss. Without a
        unit, at least 0. At a loss of 0 the gradient is 0, where for γ below 1 the power has an infinite slope.

    Raises:
        ValueError: shapes differ, a label or a probability lies outside [0, 1], a setting outside its range.
        TypeError: ``input`` holds no floating-point numbers.
        IndexError: a class number outside 0 … C − 1.

    Source: N. Abraham and N. M. Khan, "A novel focal Tversky loss function with improved attention U-Net for lesion
    segmentation", 2018, https://arxiv.org/abs/1810.07842.

    >>> p, t = torch.tensor([[1.0, 0.5, 0.0]]), torch.tensor([[1.0, 0.0, 1.0]])  # (1 − 1 / (1 + 1 · 0.5 + 0.5 · 1))²
    >>> focal_tversky_loss(p, t, alpha=1.0, beta=0.5, gamma=2.0, from_logits=False, smooth_nr=0.0, smooth_dr=0.0)
    tensor(0.2500)
    """
    p, rest, t = masks_or_logits(input, target, mode, from_logits, batch, include_background, ignore_index)
    losses = to_the(gamma, tversky(p, rest, t, alpha, beta, smooth_nr, smooth_dr, log_loss))
    weight = class_weight(weight, input, mode, include_background)
    return finish(losses, t, skip_absent, input.dtype, reduction, weight, average)


def to_the(gamma: float, losses: Tensor) -> Tensor:
    """The losses to the power of γ, with the slope 0 where they are 0."""
    nothing = losses <= 0  # which nan is not
    return torch.where(nothing, 0, torch.where(nothing, 1, losses) ** gamma)


class FocalTverskyLoss(Loss):
    """Module form of :func:`lossbook.beyond.focal_tversky_loss`."""

    function = focal_tversky_loss


def definition(
    input: list[list[Any]],
    target: list[list[Any]],
    gamma: float = 0.75,
    weight: list[float] | None = None,
    average: str = "masks",
    **of_index: Any,
) -> Iterator[Term]:
    for term, w in zip(of_tversky(input, target, **of_index), cycle(weight or [1.0]), strict=False):
        yield Term(w * max(term.loss, 0.0) ** gamma, w if average == "weights" else 1.0)


def formula(
    alpha: float,
    beta: float,
    gamma: float,
    mode: str,
    from_logits: bool,
    batch: bool,
    log_loss: bool,
    smooth_nr: float,
    smooth_dr: float,
    skip_absent: bool,
    weight: Tensor | None,
) -> str:
    symbols = Symbols(mode, from_logits, batch)
    weights = given(r"\alpha", alpha), given(r"\beta", beta), given(r"\gamma", gamma)
    text = weighted(rf"\left({index_formula(symbols, log_loss, smooth_nr, smooth_dr)}\right)^\gamma", weight)
    return symbols.formula(text, skip_absent, *weights, meaning("s", smooth_nr), meaning("d", smooth_dr))


def term(shared: str, false: str, missed: str, gamma: float, **settings: Any) -> str:
    return f"({tversky_term(shared, false, missed, **settings)}){power(gamma)}"


ENTRY = Entry(
    name="focal_tversky",
    also=("ftl",),
    family="overlap",
    module=FocalTverskyLoss,
    page="practice/segmentation",
    definition=definition,
    formula=formula,
    steps=overlap.steps_of_overlap(focal_tversky_loss, sums, term),
    views=(OF_PIXEL,),
    batches=kind({"gamma": 2.0}),
    sample=sample_of_masks,
    settings=(
        {},
        {"alpha": 0.75, "gamma": 2.0, "batch": True},
        {"mode": "multiclass", "smooth_nr": 0.0, "smooth_dr": 0.5},
        {"mode": "multilabel", "batch": True, "skip_absent": True},
        {"from_logits": False, "gamma": 1.5, "log_loss": True},
        {"mode": "multilabel", "weight": WEIGHT, "skip_absent": True},
        {"mode": "multiclass", "weight": WEIGHT, "average": "weights", "log_loss": True},
    ),
)
