"""Focal loss of several classes: cross-entropy in which samples that are right already count little."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Annotated

import torch
from torch import Tensor

from ..guards.classes import check_class_indices, check_class_weight, check_known_classes, class_dim
from ..guards.tensors import check_floating, check_tensors
from ..kit.batches.by_class import WEIGHT, by_class
from ..kit.class_steps import steps_of_softmax
from ..kit.curve import curve, curve_of_rows
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import ClassNumber, NotNegative, OptionalTensor, Reduction, one_of
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, given, number, power, symbol
from ..kit.views import OF_SCORE
from ..language import gettext as _
from .focal import focal, focal_slope

Average = Annotated[str, one_of("samples", "weights", "elements")]


@loss_function
def softmax_focal_loss(
    input: Tensor,
    target: Tensor,
    *,
    gamma: NotNegative = 2.0,
    weight: OptionalTensor = None,
    ignore_index: ClassNumber = -100,
    average: Average = "samples",
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy of the softmax, each sample times a factor that is small where it is right already.

    .. math:: \ell(z, t) = -w_t\, (1 - p_t)^\gamma \log p_t, \qquad p_t = \frac{e^{z_t}}{\sum_j e^{z_j}}

    With γ = 0 it is :func:`lossbook.functional.cross_entropy`. Of two classes with the logits 0 and z it is
    :func:`lossbook.beyond.sigmoid_focal_loss` with ``alpha=None``; that one, for yes-or-no answers, is the paper's.

    Args:
        input: logits (no softmax), shape ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``, floating point.
        target: class numbers 0 … C − 1, shape ``()``, ``(N,)`` or ``(N, d1, …)``, int64.
        gamma: γ, how strongly samples count less the better they are; at least 0.
        weight: one weight for each class, shape ``(C,)``: the paper's α. In MONAI, one number α stands for 1 − α for class
            0 and α for the others; much code multiplies all classes by it.
        ignore_index: samples with this class number add nothing to loss, gradient or mean.
        average: what ``"mean"`` divides by: the number of ``"samples"`` that count, as most code has it; the sum of their ``"weights"``, as the cross-entropy of torch; or ``"elements"``, samples times
            classes, as the mean of what kornia and MONAI return, which have a 0 for every class that is not the true one.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or one loss for each sample with ``reduction="none"``; in nats, at least 0. Value and
        gradient are finite where the logits' differences are, where :math:`p_t` rounds to 1 and γ is below 1, too.

    Raises:
        ValueError, TypeError: a wrong shape or kind, or a setting outside its range.
        IndexError: a class number outside 0 … C − 1.

    Source: T.-Y. Lin et al., "Focal loss for dense object detection", 2017, https://arxiv.org/abs/1708.02002; for several
    classes kornia's ``focal_loss`` and MONAI's ``FocalLoss(use_softmax=True)``. Another loss is ``FocalLoss("multiclass")``
    of segmentation-models-pytorch: the mean over the classes of the binary focal loss.

    >>> softmax_focal_loss(torch.zeros(1, 2), torch.tensor([0]))  # (1 − 1/2)² · ln 2
    tensor(0.1733)
    """
    check_tensors(input=input, target=target)
    check_floating(input=input)
    check_class_indices(input, target)
    dim, numbers = class_dim(input), target.long()
    classes = input.shape[dim]
    check_class_weight(weight, classes)
    kept = numbers != ignore_index
    check_known_classes(numbers, kept, classes)
    index = torch.where(kept, numbers, 0)
    losses = curve(lead(input, index, dim), partial(focal, gamma=gamma), partial(focal_slope, gamma=gamma))
    share = torch.ones_like(losses) if weight is None else weight.to(losses.dtype)[index]
    losses = torch.where(kept, share * losses, 0)  # an ignored row may hold anything, even nan
    counted = torch.where(kept, share, 0) if average == "weights" else kept.to(losses.dtype)
    divisor = counted.sum() * (classes if average == "elements" else 1)
    return reduce(losses, reduction, divisor=divisor).to(input.dtype)


def lead(input: Tensor, index: Tensor, dim: int) -> Tensor:
    """How far the true class is ahead of all others together: its probability is the sigmoid of that."""
    wide = torch.promote_types(input.dtype, torch.float32)

    def others(z: Tensor, own: Tensor) -> Tensor:
        return z.to(wide).scatter(-1, own, torch.finfo(wide).min)

    def behind(z: Tensor, own: Tensor) -> Tensor:
        return others(z, own).logsumexp(-1) - z.gather(-1, own).squeeze(-1)

    def slope(z: Tensor, own: Tensor) -> Tensor:
        return others(z, own).softmax(-1).scatter(-1, own, -1.0)

    return -curve_of_rows(input.movedim(dim, -1), behind, slope, index.unsqueeze(-1))


class SoftmaxFocalLoss(Loss):
    """Module form of :func:`lossbook.beyond.softmax_focal_loss`."""

    function = softmax_focal_loss


def definition(
    rows: list[list[float]],
    targets: list[int],
    gamma: float = 2.0,
    weight: list[float] | None = None,
    ignore_index: int = -100,
    average: str = "samples",
) -> Iterator[Term]:
    for row, t in zip(rows, targets, strict=True):
        if t == ignore_index:
            yield Term(0.0, 0.0)
            continue
        p = math.exp(row[t]) / sum(math.exp(z) for z in row)
        w = 1.0 if weight is None else weight[t]
        share = {"samples": 1.0, "weights": w, "elements": float(len(row))}[average]
        yield Term(-w * (1 - p) ** gamma * math.log(p), share)


def formula(gamma: float, weight: Tensor | None, ignore_index: int) -> str:
    text = "-" + symbol("w_t", weight) + (r"(1 - p_t)^\gamma " if gamma else "") + r"\log p_t"
    if ignore_index >= 0:
        text = rf"\begin{{cases}} {text} & t \ne {ignore_index} \\ 0 & t = {ignore_index} \end{{cases}}"
    text = r"\ell(z, t) = " + text + given("p_t", r"\frac{e^{z_t}}{\sum_j e^{z_j}}")
    return text + (given(r"\gamma", gamma) if gamma else "")


def steps(
    input: Tensor,
    target: Tensor,
    gamma: float,
    weight: Tensor | None,
    ignore_index: int,
    average: str,
    reduction: str,
) -> Iterator[Step]:
    yield from steps_of_softmax(input)
    losses = softmax_focal_loss(
        input, target, gamma=gamma, weight=weight, ignore_index=ignore_index, reduction="none"
    ).detach()
    dim, each = class_dim(input), losses.flatten()
    kept = target.flatten().long() != ignore_index
    index = torch.where(kept, target.flatten().long(), 0)
    p = input.detach().softmax(dim).movedim(dim, -1).reshape(len(each), -1).gather(1, index.unsqueeze(1)).flatten()
    weights = torch.ones_like(p) if weight is None else weight.detach().to(p.dtype)[index]

    def term(p: float, w: float) -> str:
        factors = [] if weight is None else [number(w)]
        factors += [f"(1 − {number(p)}){power(gamma)}"] if gamma else []
        return " · ".join([*factors, f"(−ln {number(p)})"])

    every = zip(p.tolist(), weights.tolist(), kept.tolist(), strict=True)
    lines = [equals(term(a, w) if there else "0", loss) for (a, w, there), loss in zip(every, each, strict=True)]
    yield Step(_("Loss of each sample"), tuple(elided(lines)), losses)
    if average == "elements" and reduction == "mean":
        total, count = each.sum(), int(kept.sum()) * input.shape[dim]
        say = _("Mean over the classes too: the sum divided by samples times classes, {count}").format(count=count)
        yield Step(say, (equals(f"{number(total)} / {count}", total / count),), total / count)
    elif losses.dim() or (average == "weights" and reduction == "mean"):
        share = weights * kept if average == "weights" else kept.to(p.dtype)
        yield from reduction_steps(
            each, None if bool((share == 1).all()) else share, reduction, [number(loss) for loss in each]
        )


ENTRY = Entry(
    name="softmax_focal",
    also=(
        "multiclass_focal",
        "multiclass_focal_loss",
        "MulticlassFocalLoss",
        "categorical_focal",
        "focal_cross_entropy",
        "focal_loss",
        "FocalLoss",
    ),
    family="classification",
    module=SoftmaxFocalLoss,
    page="practice/rare-classes",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(OF_SCORE,),
    batches=by_class(
        trials=({"gamma": 0.5}, {"weight": WEIGHT}, {"weight": WEIGHT, "average": "weights"}, {"ignore_index": 1})
    ),
    sample=lambda g: (uniform(g, 5, 4), torch.randint(4, (5,), generator=g)),
    settings=(
        {},
        {"weight": WEIGHT, "gamma": 0.5},
        {"ignore_index": 1, "average": "elements"},
        {"gamma": 0.0, "weight": WEIGHT, "ignore_index": 2, "average": "weights"},
    ),
)
