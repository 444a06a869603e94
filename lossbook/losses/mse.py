"""MSE loss: the squared distance between prediction and target."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_pair, check_same_shape
from ..kit.batches.by_element import elementwise, error_edges, two_numbers
from ..kit.curve import curve, reduced_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce, total
from ..kit.settings import OptionalTensor, Reduction
from ..kit.steps import by_element, error_step
from ..kit.text import number, operand, symbol
from ..kit.views import OF_ERROR


@loss_function
def mse_loss(input: Tensor, target: Tensor, *, weight: OptionalTensor = None, reduction: Reduction = "mean") -> Tensor:
    r"""Squared error; its mean is the mean squared error (MSE).

    .. math:: \ell(\hat y, y) = (\hat y - y)^2

    Args:
        input: the prediction :math:`\hat y`, any shape ``(*)``, floating point.
        target: the true value, shape of ``input``, any real number type.
        weight: how much each element counts, shape of ``input``; the mean divides by its sum.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; at least 0, in the squared unit of the target.
        Its gradient, 2·error for each element, grows with the error. No factor 1/2, as in torch.

    Raises:
        ValueError: shapes differ.
        TypeError: ``input`` holds integers or complex numbers, or a setting is unknown.

    Source: :class:`torch.nn.MSELoss`.

    >>> mse_loss(torch.tensor([2.0, 3.0, 4.0, 5.0]), torch.tensor([4.0, 5.0, 6.0, 7.0]))
    tensor(4.)
    """
    check_pair(input, target)
    error = input - target

    def slope(error: Tensor) -> Tensor:
        return 2 * error

    if weight is None:
        return reduced_curve(error, torch.square, slope, reduction=reduction)
    check_same_shape(input=input, weight=weight)
    return reduce(weight * curve(error, torch.square, slope), reduction, divisor=total(weight))


class MSELoss(Loss):
    function = mse_loss


def definition(prediction: list[float], target: list[float], weight: list[float] | None = None) -> Iterator[Term]:
    for i, (p, y) in enumerate(zip(prediction, target, strict=True)):
        w = 1.0 if weight is None else weight[i]
        yield Term(w * (p - y) * (p - y), w)


def formula(weight: Tensor | None) -> str:
    return r"\ell(\hat{y}, y) = " + symbol("w", weight) + r"(\hat{y} - y)^2"


def term(prediction: float, target: float) -> str:
    return f"({number(prediction)} − {operand(target)})²"


ENTRY = Entry(
    name="mse",
    family="regression",
    module=MSELoss,
    torch_module=torch.nn.MSELoss,
    torch_function=torch.nn.functional.mse_loss,
    page="guide/mse",
    definition=definition,
    formula=formula,
    steps=by_element(mse_loss, term, first=error_step, weighted_mean=True),
    views=(OF_ERROR,),
    batches=elementwise(two_numbers, error_edges, trials=({"weight": torch.arange(1.0, 7.0).double()},)),
    sample=lambda g: (uniform(g, 12), uniform(g, 12)),
    settings=({}, {"weight": torch.arange(1.0, 13.0).double()}),
)
