"""Binary cross-entropy on logits: sigmoid and loss in one, stable."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_expandable, check_floating, check_pair
from ..kit.batches.by_element import elementwise, score_edges, scores_and_labels
from ..kit.curve import curve, reduced_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import OptionalTensor, Reduction
from ..kit.steps import by_element
from ..kit.text import number, operand, symbol
from ..kit.views import ANSWERS, LOGIT, View, each


def softplus(x: Tensor) -> Tensor:
    """log(1 + eˣ), finite for every finite x. Its slope is the sigmoid."""

    def loss(x: Tensor) -> Tensor:
        # From 40 on not even a float64 can tell the curve from its straight line. torch takes that from 20 on.
        return torch.nn.functional.softplus(x, threshold=40.0)

    return curve(x, loss, slope=torch.sigmoid)


def logistic(z: Tensor, y: Tensor) -> Tensor:
    """y log(1 + e⁻ᶻ) + (1 − y) log(1 + eᶻ), for a score z and a label y."""
    # log(1 + eᶻ) = z + log(1 + e⁻ᶻ), so one logarithm serves yes and no.
    return (1 - y) * z + softplus(-z)


def logistic_slope(z: Tensor, y: Tensor) -> Tensor:
    return (1 - y) * z.sigmoid() - y * (-z).sigmoid()  # sigmoid − y would lose its digits near 0


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

    .. math:: \ell(z, y) = w_+\, y \log(1 + e^{-z}) + (1 - y) \log(1 + e^{z}), \qquad
              \log(1 + e^{-z}) = -\log \sigma(z), \quad \log(1 + e^{z}) = -\log(1 - \sigma(z))

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
    if pos_weight is None and weight is None:
        return reduced_curve(input, logistic, logistic_slope, target, reduction=reduction)
    if pos_weight is None:
        losses = curve(input, logistic, logistic_slope, target)
    else:
        check_expandable(input, pos_weight=pos_weight)
        losses = (1 - target) * input + (1 + (pos_weight - 1) * target) * softplus(-input)
    if weight is not None:
        check_expandable(input, weight=weight)
        losses = weight * losses
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


def formula(weight: Tensor | None, pos_weight: Tensor | None) -> str:
    yes = symbol("w_+", pos_weight) + r"y \log(1 + e^{-z})"
    both = yes + r" + (1 - y) \log(1 + e^{z})"
    return r"\ell(z, y) = " + (both if weight is None else rf"w \bigl( {both} \bigr)")


def term(z: float, y: float, pos_weight: float | None) -> str:
    positive = 1 if pos_weight is None else pos_weight
    yes = [number(f) for f in (positive, y) if f != 1] + [f"(ln (1 + e^{operand(-z)}))"]
    no = [number(1 - y)] * (y != 0) + [f"(ln (1 + e^{operand(z)}))"]
    return " + ".join([" · ".join(yes)] * (y != 0) + [" · ".join(no)] * (y != 1))


ENTRY = Entry(
    name="bce_with_logits",
    family="binary",
    module=BCEWithLogitsLoss,
    torch_module=torch.nn.BCEWithLogitsLoss,
    torch_function=torch.nn.functional.binary_cross_entropy_with_logits,
    page="guide/bce-with-logits",
    definition=definition,
    formula=formula,
    steps=by_element(binary_cross_entropy_with_logits, term),
    views=(View(LOGIT, each(ANSWERS)),),
    batches=elementwise(scores_and_labels, score_edges, trials=({"pos_weight": torch.tensor(3.0).double()},)),
    sample=lambda g: (uniform(g, 12), torch.randint(3, (12,), generator=g).double() / 2),
    settings=(
        {},
        {"pos_weight": torch.arange(1.0, 13.0).double()},
        {"weight": torch.arange(1.0, 13.0).double(), "pos_weight": torch.full((12,), 0.5).double()},
    ),
)
