"""Huber loss: squared error near zero, absolute error in the tails."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_pair, check_same_shape
from ..kit.batches.by_element import elementwise, error_edges, two_numbers
from ..kit.curve import curve, reduced_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import OptionalTensor, Positive, Reduction
from ..kit.steps import by_element, error_step
from ..kit.text import given, number, operand, symbol
from ..kit.views import OF_ERROR


@loss_function
def huber_loss(
    input: Tensor,
    target: Tensor,
    *,
    delta: Positive = 1.0,
    weight: OptionalTensor = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Squared error near zero, absolute error in the tails.

    .. math:: \ell(e) = \begin{cases} \tfrac{1}{2} e^2 & |e| \le \delta \\
                        \delta\,(|e| - \tfrac{1}{2} \delta) & |e| \ge \delta \end{cases}, \qquad e = \hat y - y

    Equal to ``delta`` times :func:`smooth_l1_loss` with ``beta=delta``; to half of :func:`mse_loss` for small errors.

    Args:
        input: the prediction :math:`\hat y`, any shape ``(*)``, floating point.
        target: the true value, shape of ``input``.
        delta: where the parabola meets the line, in the unit of the target; larger than 0.
        weight: how much each element counts, shape of ``input``. Unlike in L1 and MSE the mean still divides by the
            number of elements: so does torch.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; at least 0. Its slope lies in [−delta, delta].

    Raises:
        ValueError: shapes differ, or ``delta`` is not positive.
        TypeError: ``input`` holds no floating-point numbers.

    Source: P. J. Huber, "Robust estimation of a location parameter", 1964; :class:`torch.nn.HuberLoss`.

    >>> huber_loss(torch.tensor([0.5, 3.0]), torch.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    check_pair(input, target)
    error = input - target

    def loss(error: Tensor) -> Tensor:
        if torch.compiler.is_compiling():  # of its own operation torch writes the slope without masks: a third faster
            return torch.nn.functional.huber_loss(error, torch.zeros_like(error), reduction="none", delta=delta)
        clipped = error.clamp(-delta, delta)
        # No branch is computed in vain, and no square overflows. Near: e · e/2; far: ±delta · (e ∓ delta/2).
        return clipped * torch.sub(error, clipped, alpha=0.5)

    def slope(error: Tensor) -> Tensor:
        return error.clamp(-delta, delta)

    if weight is None:
        return reduced_curve(error, loss, slope, reduction=reduction)
    check_same_shape(input=input, weight=weight)
    return reduce(weight * curve(error, loss, slope), reduction)


class HuberLoss(Loss):
    function = huber_loss


def definition(
    prediction: list[float], target: list[float], delta: float = 1.0, weight: list[float] | None = None
) -> Iterator[Term]:
    for i, (p, y) in enumerate(zip(prediction, target, strict=True)):
        e = abs(p - y)
        loss = e * e / 2 if e <= delta else delta * (e - delta / 2)
        yield Term(loss if weight is None else weight[i] * loss)


def formula(delta: float, weight: Tensor | None) -> str:
    near_and_far = r"\tfrac{1}{2} e^2 & |e| \le \delta \\ \delta\,(|e| - \tfrac{1}{2} \delta) & |e| \ge \delta"
    cases = rf"\ell(e) = {symbol('w', weight)}\begin{{cases}} {near_and_far} \end{{cases}}"
    return cases + given("e", r"\hat{y} - y") + given(r"\delta", delta)


def term(prediction: float, target: float, delta: float) -> str:
    if abs(prediction - target) <= delta:
        return f"0.5 · ({number(prediction)} − {operand(target)})²"
    return f"{number(delta)} · (|{number(prediction)} − {operand(target)}| − 0.5 · {number(delta)})"


ENTRY = Entry(
    name="huber",
    family="regression",
    module=HuberLoss,
    torch_module=torch.nn.HuberLoss,
    torch_function=torch.nn.functional.huber_loss,
    page="losses/huber",
    definition=definition,
    formula=formula,
    steps=by_element(huber_loss, term, first=error_step),
    views=(OF_ERROR,),
    batches=elementwise(two_numbers, error_edges, trials=({"delta": 0.5}, {"delta": 2.0})),
    sample=lambda g: (uniform(g, 12), uniform(g, 12)),
    settings=({}, {"delta": 2.5}, {"weight": torch.arange(1.0, 13.0).double()}),
)
