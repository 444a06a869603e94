"""Jaccard loss, soft IoU: how much of two masks taken together is not in both."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import cycle
from typing import Any

from torch import Tensor

from ..kit.entry import Entry, Term
from ..kit.loss import Loss, loss_function
from ..kit.settings import ClassNumber, NotNegative, OptionalTensor, Reduction, Switch
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
    shared_and_squares,
    smoothed,
    weighted,
)


@loss_function
def jaccard_loss(
    input: Tensor,
    target: Tensor,
    *,
    mode: Mode = "binary",
    from_logits: Switch = True,
    batch: Switch = False,
    squared: Switch = False,
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
    r"""1 minus the Jaccard index: what two masks share, divided by what they cover together.

    .. math:: \ell(p, t) = 1 - \frac{\sum_i p_i t_i + s}{\sum_i p_i + \sum_i t_i - \sum_i p_i t_i + d}

    It is the intersection over union (IoU) of masks; that of boxes is :func:`lossbook.beyond.box_iou_loss`. Of a Dice
    loss D it is 2D / (1 + D) without smoothing: both order predictions of one mask alike.

    Args:
        input, target: logits and the true mask, as in :func:`lossbook.beyond.dice_loss`.
        mode, from_logits, batch, include_background, skip_absent, ignore_index, weight, average: as in
            :func:`lossbook.beyond.dice_loss`.
        reduction: ``"mean"`` over all masks, samples and classes alike; ``"sum"``; ``"none"``.
        squared: squares in the union, :math:`\sum p^2 + \sum t^2 - \sum p\, t`: the Tanimoto coefficient.
        log_loss: minus the logarithm of the fraction, as in :func:`lossbook.beyond.dice_loss`.
        smooth_nr: s, added above. segmentation-models-pytorch and MONAI (``DiceLoss(jaccard=True)``) add the same below;
            MONAI's numbers are twice those here, because its fraction is doubled.
        smooth_dr: d, added below.

    Returns:
        A tensor of shape ``()``; with ``reduction="none"`` one loss for each mask, in the shapes of the Dice loss. Without a
        unit, between 0 and 1 where s = d, without logarithm and weights. Two empty masks cost 0 then.

    Raises:
        ValueError: shapes differ, a label or a probability lies outside [0, 1], a setting outside its range.
        TypeError: ``input`` holds no floating-point numbers.
        IndexError: a class number outside 0 … C − 1.

    Source: M. A. Rahman and Y. Wang, "Optimizing intersection-over-union in deep neural networks for image
    segmentation", 2016, https://doi.org/10.1007/978-3-319-50835-1_22; MONAI's ``DiceLoss(jaccard=True)``.

    >>> import torch
    >>> p, t = torch.tensor([[1.0, 0.5, 0.0]]), torch.tensor([[1.0, 0.0, 1.0]])  # 1 − 1 / (1.5 + 2 − 1)
    >>> jaccard_loss(p, t, from_logits=False, smooth_nr=0.0, smooth_dr=0.0)
    tensor(0.6000)
    """
    p, rest, t = masks_or_logits(input, target, mode, from_logits, batch, include_background, ignore_index)
    losses = jaccard(p, rest, t, squared, smooth_nr, smooth_dr, log_loss)
    weight = class_weight(weight, input, mode, include_background)
    return finish(losses, t, skip_absent, input.dtype, reduction, weight, average)


def jaccard(
    p: Tensor, rest: Tensor | None, t: Tensor, squared: bool, smooth_nr: float, smooth_dr: float, log_loss: bool = False
) -> Tensor:
    """1 − Jaccard of each row. The union is what is shared and what is not; squared, what is not is (p − t)²."""
    shared, apart = shared_and_squares(p, rest, t) if squared else shared_and_apart(p, rest, t)
    return missing_share(shared, apart, smooth_nr, smooth_dr, log_loss)


class JaccardLoss(Loss):
    """Module form of :func:`lossbook.beyond.jaccard_loss`."""

    function = jaccard_loss


def definition(
    input: list[list[Any]],
    target: list[list[Any]],
    mode: str = "binary",
    from_logits: bool = True,
    batch: bool = False,
    squared: bool = False,
    log_loss: bool = False,
    smooth_nr: float = 1e-5,
    smooth_dr: float = 1e-5,
    skip_absent: bool = False,
    weight: list[float] | None = None,
    average: str = "masks",
) -> Iterator[Term]:
    power = 2 if squared else 1
    every = masks_by_hand(input, target, mode, from_logits, batch)
    for (p, t), w in zip(every, cycle(weight or [1.0]), strict=False):
        shared = sum(a * b for a, b in zip(p, t, strict=True))
        union = sum(a**power for a in p) + sum(b**power for b in t) - shared
        index = (shared + smooth_nr) / (union + smooth_dr)
        loss = -math.log(index) if log_loss else 1 - index
        yield Term(0.0 if skip_absent and sum(t) == 0 else w * loss, w if average == "weights" else 1.0)


def formula(
    mode: str,
    from_logits: bool,
    batch: bool,
    squared: bool,
    log_loss: bool,
    smooth_nr: float,
    smooth_dr: float,
    skip_absent: bool,
    weight: Tensor | None,
) -> str:
    symbols, power = Symbols(mode, from_logits, batch), "^2" if squared else ""
    shared = symbols.sum("p t")
    union = f"{symbols.sum('p' + power)} + {symbols.sum('t' + power)} - {shared}"
    above, below = smoothed(shared, "s", smooth_nr), smoothed(union, "d", smooth_dr)
    loss = weighted(loss_of_fraction(above, below, log_loss), weight)
    return symbols.formula(loss, skip_absent, meaning("s", smooth_nr), meaning("d", smooth_dr))


def term(
    shared: str, predicted: str, true: str, smooth_nr: float, smooth_dr: float, log_loss: bool, **_settings: Any
) -> str:
    return ratio(shared, f"{predicted} + {true} − {shared}", smooth_nr, smooth_dr, log_loss)


ENTRY = Entry(
    name="jaccard",
    also=("soft_iou", "mask_iou", "iou_loss", "IoULoss", "soft_iou_loss", "jaccard_index", "tanimoto"),
    family="overlap",
    module=JaccardLoss,
    page="practice/segmentation",
    definition=definition,
    formula=formula,
    steps=overlap.steps_of_overlap(jaccard_loss, overlap.sums_of_sizes, term),
    views=(OF_PIXEL,),
    batches=kind({"squared": True}),
    sample=sample_of_masks,
    settings=(
        {},
        {"batch": True, "squared": True},
        {"mode": "multiclass", "smooth_nr": 0.0, "smooth_dr": 0.5},
        {"mode": "multilabel", "batch": True, "skip_absent": True},
        {"from_logits": False, "smooth_nr": 1.0, "smooth_dr": 1.0, "log_loss": True},
        {"mode": "multilabel", "weight": WEIGHT, "skip_absent": True},
        {"mode": "multiclass", "weight": WEIGHT, "average": "weights", "log_loss": True},
    ),
)
