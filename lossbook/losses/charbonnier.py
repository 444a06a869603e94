"""Charbonnier loss: absolute error whose kink at zero is rounded off."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_pair
from ..kit.batches.by_element import elementwise, small_error_edges, two_numbers
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction, Switch
from ..kit.steps import by_element, error_step
from ..kit.text import given, number, operand
from ..kit.views import OF_ERROR


@loss_function
def charbonnier_loss(
    input: Tensor,
    target: Tensor,
    *,
    eps: Positive = 1e-3,
    from_zero: Switch = False,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""The root of the squared error plus a small square.

    .. math:: \ell(e) = \sqrt{e^2 + \epsilon^2}, \qquad e = \hat y - y

    The absolute error for errors that are large beside ε, a parabola for small ones: its slope runs through 0 instead
    of jumping from −1 to 1. Much used where images are restored.

    Args:
        input: the prediction :math:`\hat y`, any shape ``(*)``, floating point.
        target: the true value, shape of ``input``, any real number type.
        eps: ε, how wide the rounding is, in the unit of the target; larger than 0. LapSRN has 0.001. BasicSR, MMagic and
            others call ε² ``eps``: their 1e-12 is 1e-6 here.
        from_zero: subtract ε, so that a perfect prediction costs 0 instead of ε: so does kornia, with ε = 1. The
            gradient is the same. Times ε it is the pseudo-Huber loss, with δ = ε.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; at least ``eps``, or 0 with ``from_zero``, in the
        unit of the target. Its slope lies in (−1, 1). Neither a large error nor a small ``eps`` is lost in squaring.

    Raises:
        ValueError: shapes differ, or ``eps`` is not positive.
        TypeError: ``input`` holds no floating-point numbers.

    Source: P. Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for computed imaging",
    1994; W.-S. Lai et al., "Fast and accurate image super-resolution with deep Laplacian pyramid networks", 2017,
    https://arxiv.org/abs/1710.01992.

    >>> charbonnier_loss(torch.tensor([3.0, 0.0]), torch.zeros(2), eps=4.0, reduction="none")
    tensor([5., 4.])
    """
    check_pair(input, target)
    error = input - target
    root = torch.hypot(error, torch.full_like(error, eps))
    # √(e² + ε²) − ε without the difference, which loses the digits of small errors.
    return reduce(error * (error / (root + eps)) if from_zero else root, reduction)


class CharbonnierLoss(Loss):
    """Module form of :func:`lossbook.beyond.charbonnier_loss`."""

    function = charbonnier_loss


def definition(
    prediction: list[float], target: list[float], eps: float = 1e-3, from_zero: bool = False
) -> Iterator[Term]:
    for p, y in zip(prediction, target, strict=True):
        yield Term(math.sqrt((p - y) ** 2 + eps**2) - (eps if from_zero else 0))


def formula(eps: float, from_zero: bool) -> str:
    text = r"\ell(e) = \sqrt{e^2 + \epsilon^2}" + (r" - \epsilon" if from_zero else "")
    return text + given("e", r"\hat{y} - y") + given(r"\epsilon", eps)


def term(prediction: float, target: float, eps: float, from_zero: bool) -> str:
    text = f"√(({number(prediction)} − {operand(target)})² + {number(eps)}²)"
    return f"{text} − {number(eps)}" if from_zero else text


ENTRY = Entry(
    name="charbonnier",
    also=("l1_charbonnier",),
    family="regression",
    module=CharbonnierLoss,
    definition=definition,
    formula=formula,
    steps=by_element(charbonnier_loss, term, first=error_step),
    views=(OF_ERROR,),
    batches=elementwise(two_numbers, small_error_edges, trials=({"eps": 0.5}, {"eps": 0.5, "from_zero": True})),
    sample=lambda g: (uniform(g, 12), uniform(g, 12)),
    settings=({}, {"eps": 0.5}, {"eps": 2.0, "from_zero": True}),
)
