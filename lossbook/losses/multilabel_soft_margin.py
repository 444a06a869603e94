"""Multi-label soft margin loss: one yes-or-no question for each class."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.classes import class_dim
from ..guards.tensors import check_expandable, check_pair
from ..kit.batches.by_class import WEIGHT, labels_by_class
from ..kit.curve import curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import OptionalTensor, Reduction
from ..kit.steps import by_sample
from ..kit.text import number, operand, symbol
from ..kit.views import SCORE, View, same_rows, scores
from .bce_with_logits import logistic, logistic_slope


@loss_function
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, *, weight: OptionalTensor = None, reduction: Reduction = "mean"
) -> Tensor:
    r"""The mean over all classes of the binary cross-entropy with logits.

    .. math:: \ell(x, y) = \frac{1}{C} \sum_{c} w_c \bigl( y_c \log(1 + e^{-x_c}) + (1 - y_c) \log(1 + e^{x_c}) \bigr)

    Args:
        input: logits, shape ``(C,)``, ``(N, C)`` or ``(…, C)``, floating point; the classes stand last.
        target: 1 where a class is true, 0 where not, shape of ``input``.
        weight: one weight for each class, shape ``(C,)``.
        reduction: ``"mean"`` divides by the number of samples, whatever the weights; ``"sum"``; ``"none"``.

    Returns:
        A tensor of shape ``()``, or that of ``input`` without the classes with ``reduction="none"``; at least 0.

    Raises:
        ValueError: shapes differ. torch broadcasts without a word.
        TypeError: ``input`` holds no floating-point numbers.

    Source: :class:`torch.nn.MultiLabelSoftMarginLoss`.

    >>> multilabel_soft_margin_loss(torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 1.0]]))  # ln 2
    tensor(0.6931)
    """
    check_pair(input, target)
    class_dim(input)
    losses = curve(input, logistic, logistic_slope, target)
    if weight is not None:
        check_expandable(input, weight=weight)
        losses = weight * losses
    return reduce(losses.mean(-1), reduction)


class MultiLabelSoftMarginLoss(Loss):
    function = multilabel_soft_margin_loss


def definition(
    rows: list[list[float]], targets: list[list[float]], weight: list[float] | None = None
) -> Iterator[Term]:
    for row, target in zip(rows, targets, strict=True):
        total = 0.0
        for c, (x, y) in enumerate(zip(row, target, strict=True)):
            sigma = 1 / (1 + math.exp(-x))
            total -= (1.0 if weight is None else weight[c]) * (y * math.log(sigma) + (1 - y) * math.log(1 - sigma))
        yield Term(total / len(row))


def formula(weight: Tensor | None) -> str:
    both = r"\bigl( y_c \log(1 + e^{-x_c}) + (1 - y_c) \log(1 + e^{x_c}) \bigr)"
    return r"\ell(x, y) = \frac{1}{C} \sum_{c} " + symbol("w_c", weight) + both


def term(row: list[float], target: list[float], weight: list[float] | None) -> str:
    parts = []
    for c, (x, y) in enumerate(zip(row, target, strict=True)):
        for share, z in ((y, -x), (1 - y, x)):
            factors = ([] if weight is None else [operand(weight[c])]) + [number(share)] * (share != 1)
            if share:
                parts.append(" · ".join([*factors, f"(ln (1 + e^{operand(z)}))"]))
    return f"({' + '.join(parts)}) / {len(row)}"


ENTRY = Entry(
    name="multilabel_soft_margin",
    family="classification",
    module=MultiLabelSoftMarginLoss,
    page="losses/multilabel-soft-margin",
    torch_module=torch.nn.MultiLabelSoftMarginLoss,
    torch_function=torch.nn.functional.multilabel_soft_margin_loss,
    definition=definition,
    formula=formula,
    steps=by_sample(multilabel_soft_margin_loss, term),
    views=(View(SCORE, {"": lambda x: (scores(x), same_rows(x, [1, 0, 0], x.dtype))}),),
    batches=labels_by_class(trials=({"weight": WEIGHT},)),
    sample=lambda g: (uniform(g, 5, 4), torch.randint(2, (5, 4), generator=g).double()),
    settings=({}, {"weight": WEIGHT}),
)
