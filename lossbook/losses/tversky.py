"""Tversky loss: the Dice loss with weights of its own for what is wrongly predicted and for what is missed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from torch import Tensor

from ..kit.entry import Entry, Term
from ..kit.loss import Loss, loss_function
from ..kit.settings import ClassNumber, NotNegative, OptionalTensor, Reduction, Switch
from ..kit.text import given, number
from . import _overlap as overlap
from ._masks import OF_PIXEL, WEIGHT, Mode, kind, masks_by_hand, masks_or_logits, sample_of_masks
from ._overlap import (
    Average,
    Symbols,
    class_weight,
    finish,
    loss_of_fraction,
    meaning,
    missing_share,
    ratio,
    shared_and_apart,
    smoothed,
    weighted,
)


@loss_function
def tversky_loss(
    input: Tensor,
    target: Tensor,
    *,
    alpha: NotNegative = 0.3,
    beta: NotNegative = 0.7,
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
    r"""1 minus the Tversky index of two masks.

    .. math:: \ell(p, t) = 1 - \frac{\sum_i p_i t_i + s}
              {\sum_i p_i t_i + \alpha \sum_i p_i (1 - t_i) + \beta \sum_i (1 - p_i) t_i + d}

    With α = β = ½ it is the Dice loss (and ``smooth_nr``, ``smooth_dr`` half of Dice's), with α = β = 1 the Jaccard loss.
    With β above α, missing a part of the object costs more than adding something to it.

    Args:
        input, target: logits and the true mask, as in :func:`lossbook.beyond.dice_loss`.
        alpha: α, the weight of what is predicted and not true (false positives); at least 0. MONAI and
            segmentation-models-pytorch have ½ for both weights, which is Dice. The paper of the focal Tversky loss calls
            the other one α.
        beta: β, the weight of what is true and not predicted (false negatives); at least 0.
        mode, from_logits, batch, include_background, skip_absent, ignore_index, weight, average: as in
            :func:`lossbook.beyond.dice_loss`. segmentation-models-pytorch (0.6) has class weights here, MONAI (1.6) none.
        log_loss: minus the logarithm of the index, as in segmentation-models-pytorch and :func:`lossbook.beyond.dice_loss`.
        reduction: ``"mean"`` over all masks, samples and classes alike; ``"sum"``; ``"none"``.
        smooth_nr: s, added above.
        smooth_dr: d, added below.

    Returns:
        A tensor of shape ``()``; with ``reduction="none"`` one loss for each mask, in the shapes of the Dice loss. Without a
        unit, between 0 and 1 where s = d, without logarithm and weights; then two empty masks cost 0, and
        with α = β = 0 all masks do.

    Raises:
        ValueError: shapes differ, a label or a probability lies outside [0, 1], a setting outside its range.
        TypeError: ``input`` holds no floating-point numbers.
        IndexError: a class number outside 0 … C − 1.

    Source: S. S. M. Salehi et al., "Tversky loss function for image segmentation using 3D fully convolutional deep
    networks", 2017, https://arxiv.org/abs/1706.05721.

    >>> import torch
    >>> p, t = torch.tensor([[1.0, 0.5, 0.0]]), torch.tensor([[1.0, 0.0, 1.0]])  # 1 − 1 / (1 + 1 · 0.5 + 0.5 · 1)
    >>> tversky_loss(p, t, alpha=1.0, beta=0.5, from_logits=False, smooth_nr=0.0, smooth_dr=0.0)
    tensor(0.5000)
    """
    p, rest, t = masks_or_logits(input, target, mode, from_logits, batch, include_background, ignore_index)
    losses = tversky(p, rest, t, alpha, beta, smooth_nr, smooth_dr, log_loss)
    weight = class_weight(weight, input, mode, include_background)
    return finish(losses, t, skip_absent, input.dtype, reduction, weight, average)


def tversky(
    p: Tensor,
    rest: Tensor | None,
    t: Tensor,
    alpha: float,
    beta: float,
    smooth_nr: float,
    smooth_dr: float,
    log_loss: bool = False,
) -> Tensor:
    """1 − the Tversky index of each row."""
    return missing_share(*shared_and_apart(p, rest, t, alpha, beta), smooth_nr, smooth_dr, log_loss)


class TverskyLoss(Loss):
    """Module form of :func:`lossbook.beyond.tversky_loss`."""

    function = tversky_loss


def definition(
    input: list[list[Any]],
    target: list[list[Any]],
    alpha: float = 0.3,
    beta: float = 0.7,
    mode: str = "binary",
    from_logits: bool = True,
    batch: bool = False,
    log_loss: bool = False,
    smooth_nr: float = 1e-5,
    smooth_dr: float = 1e-5,
    skip_absent: bool = False,
    weight: list[float] | None = None,
    average: str = "masks",
) -> Iterator[Term]:
    every = masks_by_hand(input, target, mode, from_logits, batch)
    for (p, t), w in zip(every, cycle(weight or [1.0]), strict=False):
        shared = sum(a * b for a, b in zip(p, t, strict=True))
        below = shared + alpha * (sum(p) - shared) + beta * (sum(t) - shared) + smooth_dr
        index = (shared + smooth_nr) / below
        loss = -math.log(index) if log_loss else 1 - index
        yield Term(0.0 if skip_absent and sum(t) == 0 else w * loss, w if average == "weights" else 1.0)


def index_formula(symbols: Symbols, log_loss: bool, smooth_nr: float, smooth_dr: float) -> str:
    """1 − the Tversky index, in LaTeX."""
    shared, false, missed = (symbols.sum(term) for term in ("p t", "p (1 - t)", "(1 - p) t"))
    below = smoothed(rf"{shared} + \alpha {false} + \beta {missed}", "d", smooth_dr)
    return loss_of_fraction(smoothed(shared, "s", smooth_nr), below, log_loss)


def formula(
    alpha: float,
    beta: float,
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
    weights = given(r"\alpha", alpha), given(r"\beta", beta)
    text = weighted(index_formula(symbols, log_loss, smooth_nr, smooth_dr), weight)
    return symbols.formula(text, skip_absent, *weights, meaning("s", smooth_nr), meaning("d", smooth_dr))


def sums(_settings: dict[str, Any]) -> tuple[overlap.Sum, ...]:
    return overlap.SHARED, overlap.FALSE, overlap.MISSED


def term(
    shared: str,
    false: str,
    missed: str,
    alpha: float,
    beta: float,
    smooth_nr: float,
    smooth_dr: float,
    log_loss: bool,
    **_settings: Any,
) -> str:
    below = f"{shared} + {number(alpha)} · {false} + {number(beta)} · {missed}"
    return ratio(shared, below, smooth_nr, smooth_dr, log_loss)


ENTRY = Entry(
    name="tversky",
    also=("tversky_index", "TverskyIndexLoss"),
    family="overlap",
    module=TverskyLoss,
    page="practice/segmentation",
    definition=definition,
    formula=formula,
    steps=overlap.steps_of_overlap(tversky_loss, sums, term),
    views=(OF_PIXEL,),
    batches=kind({"alpha": 0.75, "beta": 0.25}),
    sample=sample_of_masks,
    settings=(
        {},
        {"alpha": 0.75, "beta": 0.5, "batch": True},
        {"mode": "multiclass", "smooth_nr": 0.0, "smooth_dr": 0.5},
        {"mode": "multilabel", "batch": True, "skip_absent": True},
        {"from_logits": False, "alpha": 1.0, "beta": 1.0, "log_loss": True},
        {"mode": "multilabel", "weight": WEIGHT, "skip_absent": True},
        {"mode": "multiclass", "weight": WEIGHT, "average": "weights", "log_loss": True},
    ),
)
