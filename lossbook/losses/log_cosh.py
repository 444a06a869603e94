"""Log-cosh loss: squared error near zero, absolute error in the tails, without a seam."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_pair, is_half
from ..kit.batches.by_element import elementwise, error_edges, two_numbers
from ..kit.curve import reduced_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function
from ..kit.settings import Reduction
from ..kit.steps import by_element, error_step
from ..kit.text import number
from ..kit.views import OF_ERROR


@loss_function
def log_cosh_loss(input: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    r"""The logarithm of the hyperbolic cosine of the error.

    .. math:: \ell(\hat y, y) = \log \cosh(\hat y - y)

    Half the squared error for small errors, the absolute error minus ln 2 for large ones: much like
    :func:`lossbook.functional.huber_loss`, but with derivatives of every order: the slope is the tanh of the error.
    Where it turns is fixed, at errors of about 1: bring the target to that scale first.

    Args:
        input: the prediction :math:`\hat y`, any shape ``(*)``, floating point.
        target: the true value, shape of ``input``, any real number type.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; at least 0, and finite for every finite error. It
        keeps its digits for small errors too, where ``logaddexp(e, −e) − ln 2`` (optax) has lost them: 5% in float32 for an
        error of 0.001. torchmetrics takes the logarithm of exponentials: infinite from an error of 89 on.

    Raises:
        ValueError: shapes differ.
        TypeError: ``input`` holds no floating-point numbers.

    Source: R. A. Saleh and A. K. M. E. Saleh, "Statistical properties of the log-cosh loss function used in machine
    learning", 2022, https://arxiv.org/abs/2208.04564.

    >>> log_cosh_loss(torch.tensor([0.0, 100.0]), torch.zeros(2), reduction="none")  # 0, and 100 − ln 2
    tensor([ 0.0000, 99.3069])
    """
    check_pair(input, target)

    def loss(error: Tensor) -> Tensor:
        # cosh e = 1 + 2 sinh² (e/2) keeps the digits of small errors. From 20 on a float64, from 10 on a half-precision
        # number cannot tell the curve from its straight line; the sinh would soon overflow.
        limit = 10 if is_half(error) else 20
        near = error.clamp(-limit, limit)
        return torch.log1p(2 * torch.sinh(near / 2).square()) + (error - near).abs()

    return reduced_curve(input - target, loss, slope=torch.tanh, reduction=reduction)


class LogCoshLoss(Loss):
    """Module form of :func:`lossbook.beyond.log_cosh_loss`."""

    function = log_cosh_loss


def definition(prediction: list[float], target: list[float]) -> Iterator[Term]:
    for p, y in zip(prediction, target, strict=True):
        yield Term(math.log(math.cosh(p - y)))


def formula() -> str:
    return r"\ell(\hat{y}, y) = \log \cosh(\hat{y} - y)"


def term(prediction: float, target: float) -> str:
    return f"ln ((e^({number(prediction - target)}) + e^({number(target - prediction)})) / 2)"


ENTRY = Entry(
    name="log_cosh",
    also=("logcosh", "logcosh_loss", "LogCosh"),
    family="regression",
    module=LogCoshLoss,
    definition=definition,
    formula=formula,
    steps=by_element(log_cosh_loss, term, first=error_step),
    views=(OF_ERROR,),
    batches=elementwise(two_numbers, error_edges),
    sample=lambda g: (uniform(g, 12), uniform(g, 12)),
)
