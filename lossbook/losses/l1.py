"""L1 loss: the distance between prediction and target."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_floating, check_same_shape, check_tensors
from ..kit.batches.by_element import elementwise, error_edges, two_numbers
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce, total
from ..kit.settings import OptionalTensor, Reduction
from ..kit.steps import by_element, error_step
from ..kit.text import number, operand, symbol
from ..kit.views import OF_ERROR


@loss_function
def l1_loss(input: Tensor, target: Tensor, *, weight: OptionalTensor = None, reduction: Reduction = "mean") -> Tensor:
    r"""Absolute error; its mean is the mean absolute error (MAE).

    .. math:: \ell(\hat y, y) = |\hat y - y|

    Args:
        input: the prediction :math:`\hat y`, any shape ``(*)``, floating point or complex.
        target: the true value, shape of ``input``, any number type.
        weight: how much each element counts, shape of ``input``; the mean divides by its sum.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; at least 0, in the unit of the target.
        Its gradient is ±1 for each element whatever the error's size (of length 1 for complex numbers), and 0 where
        prediction and target agree.

    Raises:
        ValueError: shapes differ.
        TypeError: ``input`` holds integers, or a setting is unknown.

    Source: :class:`torch.nn.L1Loss`.

    >>> l1_loss(torch.tensor([2.0, 3.0, 4.0, 5.0]), torch.tensor([4.0, 5.0, 6.0, 7.0]))
    tensor(2.)
    """
    check_tensors(input=input, target=target)
    check_same_shape(input=input, target=target)
    check_floating(input=input, complex_too=True)
    error = input - target
    losses = error.abs()
    if weight is None:
        return reduce(losses, reduction)
    check_same_shape(input=input, weight=weight)
    return reduce(weight * losses, reduction, divisor=total(weight))


class L1Loss(Loss):
    function = l1_loss


def definition(prediction: list[float], target: list[float], weight: list[float] | None = None) -> Iterator[Term]:
    for i, (p, y) in enumerate(zip(prediction, target, strict=True)):
        w = 1.0 if weight is None else weight[i]
        yield Term(w * max(p - y, y - p), w)


def formula(weight: Tensor | None) -> str:
    return r"\ell(\hat{y}, y) = " + symbol("w", weight) + r"|\hat{y} - y|"


def term(prediction: float, target: float) -> str:
    return f"|{number(prediction)} − {operand(target)}|"


ENTRY = Entry(
    name="l1",
    also=("mae",),
    family="regression",
    module=L1Loss,
    torch_module=torch.nn.L1Loss,
    torch_function=torch.nn.functional.l1_loss,
    page="guide/l1",
    definition=definition,
    formula=formula,
    steps=by_element(l1_loss, term, first=error_step, weighted_mean=True),
    views=(OF_ERROR,),
    batches=elementwise(two_numbers, error_edges, trials=({"weight": torch.arange(1.0, 7.0).double()},)),
    sample=lambda g: (uniform(g, 12), uniform(g, 12)),
    settings=({}, {"weight": torch.arange(1.0, 13.0).double()}),
)
