"""Focal loss: binary cross-entropy on logits, in which answers that are right already count little."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import torch
from torch import Tensor

from ..guards.tensors import check_binary_labels, check_pair
from ..kit.batches.by_element import answer_edges, elementwise, scores_and_labels
from ..kit.curve import reduced_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function
from ..kit.settings import NotNegative, Reduction, between
from ..kit.steps import Step, by_element
from ..kit.text import given, number, operand, power, row
from ..kit.views import ANSWERS, LOGIT, View, each
from ..language import gettext as _


def balance(name: str, value: Any) -> None:
    if value is not None and value != -1:
        between(0, 1)(name, value)


@loss_function
def sigmoid_focal_loss(
    input: Tensor,
    target: Tensor,
    *,
    alpha: Annotated[float | None, balance] = 0.25,
    gamma: NotNegative = 2.0,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy of yes-or-no answers, each times a factor that is small where the answer is right already.

    .. math:: \ell(z, y) = -\alpha_y\, (1 - p_y)^\gamma \log p_y, \qquad
              p_1 = \sigma(z), \quad p_0 = \sigma(-z), \quad \alpha_1 = \alpha, \quad \alpha_0 = 1 - \alpha

    In an image nearly every place is background, and easy. Together those places outweigh the few hard ones in the plain
    cross-entropy; the factor :math:`(1 - p_y)^\gamma` takes their weight away. With ``alpha=None`` and ``gamma=0`` it is
    :func:`lossbook.functional.binary_cross_entropy_with_logits`.

    Args:
        input: logits, any shape ``(*)``, floating point.
        target: 1 for yes, 0 for no, shape of ``input``. The paper defines the loss for nothing between.
        alpha: the weight of a yes, in [0, 1]; a no has 1 − alpha. ``None`` weighs both with 1; so does −1, torchvision's
            word for it.
        gamma: how strongly answers count less the better they are; at least 0.
        reduction: ``"mean"`` divides by the number of elements, ``"sum"``, ``"none"``. The default is that of the other
            losses here; torchvision's is ``"none"``. The paper divides the sum by the number of anchors that found a box.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; in nats, at least 0. Value and gradient are finite
        for every finite logit, where :math:`p_y` rounds to 1 too.

    Raises:
        ValueError: shapes differ, a target is neither 0 nor 1, or a setting lies outside its range.
        TypeError: ``input`` holds no floating-point numbers.

    Source: T.-Y. Lin et al., "Focal loss for dense object detection", 2017, https://arxiv.org/abs/1708.02002.

    >>> sigmoid_focal_loss(torch.zeros(2), torch.tensor([1.0, 0.0]), reduction="none")  # 1/4 and 3/4 of (1/2)² · ln 2
    tensor([0.0433, 0.1300])
    """
    check_pair(input, target)
    check_binary_labels(target=target)

    def loss(z: Tensor, y: Tensor) -> Tensor:
        return weight(y) * focal((2 * y - 1) * z, gamma)

    def slope(z: Tensor, y: Tensor) -> Tensor:
        sign = 2 * y - 1
        return weight(y) * sign * focal_slope(sign * z, gamma)

    def weight(y: Tensor) -> Tensor | float:
        return 1.0 if alpha is None or alpha == -1 else alpha * y + (1 - alpha) * (1 - y)

    return reduced_curve(input, loss, slope, target.to(input.dtype), reduction=reduction)


def focal(right: Tensor, gamma: float) -> Tensor:
    """−(1 − p)^γ log p, where p is the sigmoid of this score."""
    log_p, log_rest = logarithms(right)
    return -log_p * (gamma * log_rest).exp()


def focal_slope(right: Tensor, gamma: float) -> Tensor:
    """(1 − p)^γ (γ p log p − (1 − p))."""
    log_p, log_rest = logarithms(right)
    return (gamma * log_rest).exp() * (gamma * right.sigmoid() * log_p - (-right).sigmoid())


def logarithms(right: Tensor) -> tuple[Tensor, Tensor]:
    """Of p and of 1 − p: either may round to 1, and then the other has lost all its digits."""
    zero = right.new_zeros(())
    above, below = right.maximum(zero), right.minimum(zero)  # of relu and clamp both slopes at 0 are 0 in torch 2.14
    tail = (below - above).exp().log1p()
    return below - tail, -above - tail


class SigmoidFocalLoss(Loss):
    """Module form of :func:`lossbook.beyond.sigmoid_focal_loss`."""

    function = sigmoid_focal_loss


def definition(
    logits: list[float], target: list[float], alpha: float | None = 0.25, gamma: float = 2.0
) -> Iterator[Term]:
    for z, y in zip(logits, target, strict=True):
        sigma = 1 / (1 + math.exp(-z))
        p, weight = (sigma, alpha) if y == 1 else (1 - sigma, None if alpha is None else 1 - alpha)
        loss = -((1 - p) ** gamma) * math.log(p)
        yield Term(loss if weight is None else weight * loss)


def formula(alpha: float | None, gamma: float) -> str:
    weighted = alpha is not None and alpha != -1
    text = r"\ell(z, y) = -" + (r"\alpha_y\, " if weighted else "") + (r"(1 - p_y)^\gamma " if gamma else "")
    text += r"\log p_y" + given("p_1", r"\sigma(z)") + given("p_0", r"\sigma(-z)")
    if alpha is not None and weighted:
        text += given(r"\alpha_1", alpha) + given(r"\alpha_0", 1 - alpha)
    return text + (given(r"\gamma", gamma) if gamma else "")


def probability_step(input: Tensor, target: Tensor) -> Step:
    p = torch.where(target == 1, input, -input).sigmoid()
    return Step(
        _("Probability of the right answer: the sigmoid of z for the label 1, of −z for the label 0"),
        (row(p.flatten()),),
        p,
    )


def term(z: float, y: float, alpha: float | None, gamma: float) -> str:
    right = z if y == 1 else -z
    factors = []
    if alpha is not None and alpha != -1:
        factors.append(number(alpha if y == 1 else 1 - alpha))
    if gamma:
        p = math.exp(-math.log1p(math.exp(-right))) if right > -30 else math.exp(right)
        factors.append(f"(1 − {number(p)}){power(gamma)}")
    return " · ".join([*factors, f"(ln (1 + e^{operand(-right)}))"])


ENTRY = Entry(
    name="focal",
    also=("binary_focal", "binary_focal_loss", "BinaryFocalLoss", "focal_loss", "FocalLoss"),
    family="binary",
    module=SigmoidFocalLoss,
    page="practice/rare-classes",
    definition=definition,
    formula=formula,
    steps=by_element(sigmoid_focal_loss, term, first=probability_step),
    views=(View(LOGIT, each(ANSWERS)),),
    batches=elementwise(scores_and_labels, answer_edges, trials=({"alpha": None}, {"gamma": 0.5})),
    sample=lambda g: (uniform(g, 12), torch.randint(2, (12,), generator=g).double()),
    settings=({}, {"alpha": None}, {"gamma": 0.5, "alpha": 0.75}, {"gamma": 0.0}),
)
