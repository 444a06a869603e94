"""Soft margin loss: the logistic loss, for labels 1 and −1."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_pair
from ..kit.batches.by_element import elementwise, signed, signed_edges
from ..kit.curve import reduced_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function
from ..kit.settings import Reduction
from ..kit.steps import by_element
from ..kit.text import operand
from ..kit.views import LOGIT, SIGNS, View, each
from .bce_with_logits import softplus


@loss_function
def soft_margin_loss(input: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    r"""Logistic loss: how far a score is from clearly having the sign of its label.

    .. math:: \ell(x, y) = \log(1 + e^{-y x})

    Equal to :func:`binary_cross_entropy_with_logits` with the label 1 instead of 1 and 0 instead of −1.

    Args:
        input: scores, any shape ``(*)``, floating point.
        target: 1 or −1, shape of ``input``, any number type; not checked: labels 0 and 1 are a mistake that nothing
            reports. For those use :func:`binary_cross_entropy_with_logits`.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; at least 0, and finite for every finite score:
        torch returns ``inf`` in float32 from y·x = −89 on.

    Raises:
        ValueError: shapes differ.
        TypeError: ``input`` holds no floating-point numbers.

    Source: :class:`torch.nn.SoftMarginLoss`.

    >>> soft_margin_loss(torch.tensor([-200.0]), torch.tensor([1.0]))
    tensor(200.)
    """
    check_pair(input, target)

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return softplus(-y * x)

    def slope(x: Tensor, y: Tensor) -> Tensor:
        return -y * (-y * x).sigmoid()

    return reduced_curve(input, loss, slope, target, reduction=reduction)


class SoftMarginLoss(Loss):
    function = soft_margin_loss


def definition(scores: list[float], target: list[float]) -> Iterator[Term]:
    for x, y in zip(scores, target, strict=True):
        yield Term(math.log(1 + math.exp(-y * x)))


def formula() -> str:
    return r"\ell(x, y) = \log(1 + e^{-y x})"


def term(x: float, y: float) -> str:
    return f"ln (1 + e^{operand(-y * x)})"


ENTRY = Entry(
    name="soft_margin",
    family="binary",
    module=SoftMarginLoss,
    page="losses/soft-margin",
    torch_module=torch.nn.SoftMarginLoss,
    torch_function=torch.nn.functional.soft_margin_loss,
    definition=definition,
    formula=formula,
    steps=by_element(soft_margin_loss, term),
    views=(View(LOGIT, each(SIGNS)),),
    batches=elementwise(signed, signed_edges),
    sample=lambda g: (uniform(g, 12), 2.0 * torch.randint(2, (12,), generator=g) - 1),
)
