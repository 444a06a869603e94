"""Smooth L1 loss: a parabola near zero, a straight line beyond."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_pair
from ..kit.batches.by_element import elementwise, error_edges, two_numbers
from ..kit.curve import reduced_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import NotNegative, Reduction
from ..kit.steps import by_element, error_step
from ..kit.text import given, number, operand
from ..kit.views import OF_ERROR


@loss_function
def smooth_l1_loss(input: Tensor, target: Tensor, *, beta: NotNegative = 1.0, reduction: Reduction = "mean") -> Tensor:
    r"""Squared error below ``beta``, absolute error above: no kink at 0, no steep slope far away.

    .. math:: \ell(e) = \begin{cases} \tfrac{1}{2} e^2 / \beta & |e| < \beta \\
                        |e| - \tfrac{1}{2} \beta & |e| \ge \beta \end{cases}, \qquad e = \hat y - y

    Equal to :func:`huber_loss` with ``delta=beta``, divided by ``beta``; to :func:`l1_loss` with ``beta=0``.

    Args:
        input: the prediction :math:`\hat y`, any shape ``(*)``, floating point.
        target: the true value, shape of ``input``.
        beta: where the parabola meets the line, in the unit of the target; at least 0.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; at least 0. Its slope lies in [−1, 1].

    Raises:
        ValueError: shapes differ, or ``beta`` is negative.
        TypeError: ``input`` holds no floating-point numbers.

    Source: R. Girshick, "Fast R-CNN", 2015; :class:`torch.nn.SmoothL1Loss`.

    >>> smooth_l1_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    check_pair(input, target)
    error = input - target
    if beta == 0:
        return reduce(error.abs(), reduction)

    def slope(error: Tensor) -> Tensor:
        clipped = error.clamp(-beta, beta)
        return clipped if beta == 1 else clipped / beta

    def loss(error: Tensor) -> Tensor:
        if torch.compiler.is_compiling():  # as in huber_loss
            return torch.nn.functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=beta)
        # As in huber_loss: near: e/beta · e/2; far: ±1 · (e ∓ beta/2).
        return slope(error) * torch.sub(error, error.clamp(-beta, beta), alpha=0.5)

    return reduced_curve(error, loss, slope, reduction=reduction)


class SmoothL1Loss(Loss):
    function = smooth_l1_loss


def definition(prediction: list[float], target: list[float], beta: float = 1.0) -> Iterator[Term]:
    for p, y in zip(prediction, target, strict=True):
        e = abs(p - y)
        yield Term(e * e / (2 * beta) if e < beta else e - beta / 2)


def formula(beta: float) -> str:
    near_and_far = r"\tfrac{1}{2} e^2 / \beta & |e| < \beta \\ |e| - \tfrac{1}{2} \beta & |e| \ge \beta"
    cases = rf"\ell(e) = \begin{{cases}} {near_and_far} \end{{cases}}"
    return cases + given("e", r"\hat{y} - y") + given(r"\beta", beta)


def term(prediction: float, target: float, beta: float) -> str:
    if abs(prediction - target) < beta:
        return f"0.5 · ({number(prediction)} − {operand(target)})² / {number(beta)}"
    return f"|{number(prediction)} − {operand(target)}| − 0.5 · {number(beta)}"


ENTRY = Entry(
    name="smooth_l1",
    family="regression",
    module=SmoothL1Loss,
    torch_module=torch.nn.SmoothL1Loss,
    torch_function=torch.nn.functional.smooth_l1_loss,
    page="guide/smooth-l1",
    definition=definition,
    formula=formula,
    steps=by_element(smooth_l1_loss, term, first=error_step),
    views=(OF_ERROR,),
    batches=elementwise(two_numbers, error_edges, trials=({"beta": 0.5}, {"beta": 2.0})),
    sample=lambda g: (uniform(g, 12), uniform(g, 12)),
    settings=({}, {"beta": 2.5}, {"beta": 0.0}),
)
