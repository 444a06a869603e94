"""Binary cross-entropy on logits: sigmoid and loss in one, stable."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_expandable, check_floating, check_pair
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import OptionalTensor, Reduction
from ..kit.steps import Step, elementwise_working
from ..kit.text import number, operand


def softplus(x: Tensor) -> Tensor:
    """log(1 + eˣ), finite for every x, with the exact slope ½ at 0."""
    return torch.logaddexp(x, torch.zeros_like(x))


@loss_function
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    *,
    weight: OptionalTensor = None,
    pos_weight: OptionalTensor = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy of yes-or-no answers, given as scores; the sigmoid is applied inside.

    .. math:: \ell(z, y) = -\bigl( w_+\, y \log \sigma(z) + (1 - y) \log(1 - \sigma(z)) \bigr)
              = w_+\, y \log(1 + e^{-z}) + (1 - y) \log(1 + e^{z})

    Args:
        input: logits, any shape ``(*)``, floating point.
        target: 1 for yes, 0 for no, or anything between, shape of ``input``, floating point. Not checked to lie there.
        weight: how much each element counts, a shape that expands to that of ``input``.
        pos_weight: how much a yes counts, a shape that expands to that of ``input``: one number for each class, with
            the classes in the last dimension. Above 1 it raises recall, below 1 precision.
        reduction: ``"mean"`` divides by the number of elements, whatever the weights; ``"sum"``; ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; at least 0 for targets in [0, 1].

    Raises:
        ValueError: shapes differ.
        TypeError: no floating-point numbers.

    Source: :class:`torch.nn.BCEWithLogitsLoss`.

    >>> binary_cross_entropy_with_logits(torch.full((10, 64), 1.5), torch.ones(10, 64))
    tensor(0.2014)
    """
    check_pair(input, target)
    check_floating(target=target)
    # log(1 + eᶻ) = z + log(1 + e⁻ᶻ), so one logarithm serves yes and no.
    curve = softplus(-input)
    if pos_weight is not None:
        curve = (1 + (check_expandable("pos_weight", pos_weight, input) - 1) * target) * curve
    losses = (1 - target) * input + curve
    if weight is not None:
        losses = check_expandable("weight", weight, input) * losses
    return reduce(losses, reduction)


class BCEWithLogitsLoss(Loss):
    function = binary_cross_entropy_with_logits


def definition(
    logits: list[float],
    target: list[float],
    weight: list[float] | None = None,
    pos_weight: list[float] | None = None,
) -> Iterator[Term]:
    for i, (z, y) in enumerate(zip(logits, target, strict=True)):
        sigma = 1 / (1 + math.exp(-z))
        yes = y * math.log(sigma) * (1.0 if pos_weight is None else pos_weight[i])
        loss = -(yes + (1 - y) * math.log(1 - sigma))
        yield Term(loss if weight is None else weight[i] * loss)


def working(
    input: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Iterator[Step]:
    def write(z: float, y: float, w: float, positive: float) -> str:
        yes = [number(f) for f in (positive, y) if f != 1] + [f"(ln (1 + e^{operand(-z)}))"]
        no = [number(1 - y)] * (y != 0) + [f"(ln (1 + e^{operand(z)}))"]
        text = " + ".join([" · ".join(yes)] * (y != 0) + [" · ".join(no)] * (y != 1))
        return text if weight is None else f"{operand(w)} · ({text})"

    losses = binary_cross_entropy_with_logits(input, target, weight=weight, pos_weight=pos_weight, reduction="none")
    factors = (torch.ones_like(input) if w is None else w.expand_as(input) for w in (weight, pos_weight))
    return elementwise_working(losses, (input, target, *factors), write, reduction)


ENTRY = Entry(
    name="bce_with_logits",
    function=binary_cross_entropy_with_logits,
    module=BCEWithLogitsLoss,
    definition=definition,
    working=working,
    torch_function=torch.nn.functional.binary_cross_entropy_with_logits,
    formula=r"\ell(z, y) = y \log(1 + e^{-z}) + (1 - y) \log(1 + e^{z})",
    family="binary",
    sample=lambda g: (uniform(g, 12), torch.randint(3, (12,), generator=g).double() / 2),
    settings=(
        {},
        {"pos_weight": torch.arange(1.0, 13.0).double()},
        {"weight": torch.arange(1.0, 13.0).double(), "pos_weight": torch.full((12,), 0.5).double()},
    ),
)
