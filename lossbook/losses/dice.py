"""Dice loss: how much of two masks, the predicted one and the true one, is not shared."""

from __future__ import annotations

import math
from collections.abc import Iterator
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
def dice_loss(
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
    r"""1 minus the Dice coefficient: twice what two masks share, divided by their sizes.

    .. math:: \ell(p, t) = 1 - \frac{2 \sum_i p_i t_i + s}{\sum_i p_i + \sum_i t_i + d}

    What is neither predicted nor true does not count, so that a large background cannot outweigh a small object.

    Args:
        input: logits, floating point. ``mode="binary"``: a mask for each sample, shape ``(N, *)``, often ``(N, 1, H, W)``,
            or one mask in one dimension. Otherwise ``(N, C, *)``, a mask for each class, or ``(C,)``.
        target: shape of ``input``, 1 in the mask and 0 outside, or between; with ``mode="multiclass"`` also class
            numbers, shape ``(N, *)``, int64. Of soft labels the product p · t is taken: a prediction that equals them
            costs something then, unless ``squared``. MONAI with ``soft_label=True`` and segmentation-models-pytorch
            take the smaller of both.
        mode: ``"binary"`` takes all of a sample as one mask; ``"multilabel"`` has a mask for each class, with a sigmoid
            of its own; ``"multiclass"`` takes the softmax over dimension 1. The names are segmentation-models-pytorch's.
        from_logits: whether sigmoid or softmax is to be taken; False for probabilities.
        batch: whether the sums run over the whole batch (segmentation-models-pytorch, nnU-Net's ``batch_dice``) or over
            each sample (MONAI by default, kornia). An image with a small object counts more in the second.
        squared: squares in the denominator, as in V-Net: :math:`\sum p^2 + \sum t^2`. MONAI: ``squared_pred``.
        log_loss: −log Dice instead of 1 − Dice, as in segmentation-models-pytorch: steeper, the less is shared. Where nothing
            is shared, without smoothing, it is 69, since Dice is taken for 1e-30; for 1e-7 in
            segmentation-models-pytorch, a loss of 16.
        smooth_nr: s, added above. MONAI has 1e-5 for both; much code has 1 for both, kornia and others 0 here and a small
            number below, so that two empty masks cost 1. The ``smooth`` of segmentation-models-pytorch 0.6 counts twice.
        smooth_dr: d, added below. Where s is larger than d, the loss of a good prediction is negative.
        include_background: whether class 0 counts; nnU-Net leaves it out. Not for ``mode="binary"``.
        skip_absent: a mask without a true element costs 0 and still counts in the mean, as in
            segmentation-models-pytorch. In kornia (``"macro"``) it does not count in the mean either.
        ignore_index: elements with this label, or this class number, belong to no mask.
        weight: one weight for each class, shape ``(C,)``, floating point, which the loss of its masks is multiplied by; that of
            class 0 has no effect without the background (MONAI takes C − 1 weights there). Not for ``mode="binary"``.
        average: what ``"mean"`` divides by with weights: the number of ``"masks"``, as in MONAI, or the sum of their
            ``"weights"``, as in segmentation-models-pytorch (0.6, ``class_weights``) and torch's cross-entropy.
        reduction: ``"mean"`` over all masks, samples and classes alike; ``"sum"``; ``"none"``.

    Returns:
        A tensor of shape ``()``; with ``reduction="none"`` one loss for each mask, shape ``(N,)`` or ``()``, with
        classes ``(N, C)`` or ``(C,)``. Without a unit, between 0 and 1 where s = d, without logarithm and weights. Two
        empty masks cost 0 then, without smoothing too. A good prediction keeps its digits: 1 − Dice is never computed
        as a difference.

    Raises:
        ValueError: shapes differ, a label or a probability lies outside [0, 1], a setting outside its range.
        TypeError: ``input`` holds no floating-point numbers.
        IndexError: a class number outside 0 … C − 1.

    Source: F. Milletari et al., "V-Net: fully convolutional neural networks for volumetric medical image segmentation",
    2016, https://arxiv.org/abs/1606.04797, with squares; MONAI's ``DiceLoss``.

    >>> import torch
    >>> p, t = torch.tensor([[1.0, 0.5, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]])  # 1 − 2 · 1 / (1.5 + 1)
    >>> dice_loss(p, t, from_logits=False, smooth_nr=0.0, smooth_dr=0.0)
    tensor(0.2000)
    """
    p, rest, t = masks_or_logits(input, target, mode, from_logits, batch, include_background, ignore_index)
    losses = dice(p, rest, t, squared, smooth_nr, smooth_dr, log_loss)
    weight = class_weight(weight, input, mode, include_background)
    return finish(losses, t, skip_absent, input.dtype, reduction, weight, average)


def dice(
    p: Tensor, rest: Tensor | None, t: Tensor, squared: bool, smooth_nr: float, smooth_dr: float, log_loss: bool = False
) -> Tensor:
    """1 − Dice of each row. Σp + Σt is twice what is shared and what is not; so is Σp² + Σt², with (p − t)²."""
    shared, apart = shared_and_squares(p, rest, t) if squared else shared_and_apart(p, rest, t)
    return missing_share(2 * shared, apart, smooth_nr, smooth_dr, log_loss)


class DiceLoss(Loss):
    """Module form of :func:`lossbook.beyond.dice_loss`."""

    function = dice_loss


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
    for i, (p, t) in enumerate(every):
        w = weight[i % len(weight)] if weight else 1.0
        above = 2 * sum(a * b for a, b in zip(p, t, strict=True)) + smooth_nr
        below = sum(a**power for a in p) + sum(b**power for b in t) + smooth_dr
        loss = -math.log(above / below) if log_loss else 1 - above / below
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
    above = smoothed("2 " + symbols.sum("p t"), "s", smooth_nr)
    below = smoothed(f"{symbols.sum('p' + power)} + {symbols.sum('t' + power)}", "d", smooth_dr)
    loss = weighted(loss_of_fraction(above, below, log_loss), weight)
    return symbols.formula(loss, skip_absent, meaning("s", smooth_nr), meaning("d", smooth_dr))


def term(
    shared: str, predicted: str, true: str, smooth_nr: float, smooth_dr: float, log_loss: bool, **_settings: Any
) -> str:
    return ratio(f"2 · {shared}", f"{predicted} + {true}", smooth_nr, smooth_dr, log_loss)


ENTRY = Entry(
    name="dice",
    also=(
        "soft_dice",
        "soft_dice_loss",
        "SoftDiceLoss",
        "BinaryDiceLoss",
        "dice_coefficient",
        "sorensen_dice",
        "f1_loss",
    ),
    family="overlap",
    module=DiceLoss,
    page="practice/segmentation",
    definition=definition,
    formula=formula,
    steps=overlap.steps_of_overlap(dice_loss, overlap.sums_of_sizes, term),
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
