"""Poisson negative log-likelihood: for counts."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_pair
from ..kit.batches.by_element import elementwise, rate_edges, rates
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction, Switch
from ..kit.steps import by_element
from ..kit.text import given, number, operand
from ..kit.views import LOG_RATE, RATE, View, each


@loss_function
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    *,
    log_input: Switch = True,
    full: Switch = False,
    eps: Positive = 1e-8,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""How unlikely the observed counts are when the model predicts their mean rates.

    .. math:: \ell(x, y) = e^{x} - y\,x \quad\text{or, without log\_input,}\quad x - y \log(x + \epsilon)

    Args:
        input: the logarithm of the predicted rate, or the rate itself with ``log_input=False`` (then at least 0), any
            shape ``(*)``, floating point.
        target: observed counts, at least 0, shape of ``input``.
        log_input: whether ``input`` is the logarithm of the rate. Then the rate is positive whatever the model says.
        full: add :math:`\log y!` by Stirling's formula, for targets above 1. It does not change the gradient.
        eps: keeps the logarithm of a rate of 0 finite; larger than 0; used only with ``log_input=False``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; any sign, since a constant is left out.

    Raises:
        ValueError: shapes differ. torch broadcasts without a word.
        TypeError: ``input`` holds no floating-point numbers.

    Source: :class:`torch.nn.PoissonNLLLoss`.

    >>> poisson_nll_loss(torch.tensor([0.0]), torch.tensor([3.0]))  # e⁰ − 3 · 0
    tensor(1.)
    """
    check_pair(input, target)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        counted = torch.where(target > 1, target, 2)  # placeholder; masked out two lines below
        stirling = counted * counted.log() - counted + 0.5 * (2 * math.pi * counted).log()
        losses = losses + torch.where(target > 1, stirling, 0)
    return reduce(losses, reduction)


class PoissonNLLLoss(Loss):
    function = poisson_nll_loss


def definition(
    rates: list[float], counts: list[float], log_input: bool = True, full: bool = False, eps: float = 1e-8
) -> Iterator[Term]:
    for x, y in zip(rates, counts, strict=True):
        rate, log_rate = (math.exp(x), x) if log_input else (x, math.log(x + eps))
        loss = rate - y * log_rate
        if full and y > 1:
            loss += y * math.log(y) - y + math.log(2 * math.pi * y) / 2
        yield Term(loss)


def formula(log_input: bool, full: bool, eps: float) -> str:
    text = r"\ell(x, y) = " + (r"e^{x} - y\,x" if log_input else r"x - y \log(x + \epsilon)")
    if full:
        stirling = r"y \log y - y + \tfrac{1}{2} \log(2 \pi y)"
        text += rf" + \begin{{cases}} {stirling} & y > 1 \\ 0 & y \le 1 \end{{cases}}"
    return text if log_input else text + given(r"\epsilon", eps)


def term(x: float, y: float, log_input: bool, full: bool, eps: float) -> str:
    rate, log_rate = (f"e^{operand(x)}", operand(x)) if log_input else (number(x), f"(ln {number(x + eps)})")
    text = f"{rate} − {operand(y)} · {log_rate}"
    if full and y > 1:
        text += f" + {number(y)} · (ln {number(y)}) − {number(y)} + 0.5 · (ln {number(2 * math.pi * y)})"
    return text


COUNTS = {f"y = {y}": y for y in (1, 5)}

ENTRY = Entry(
    name="poisson_nll",
    family="likelihood",
    module=PoissonNLLLoss,
    torch_module=torch.nn.PoissonNLLLoss,
    torch_function=torch.nn.functional.poisson_nll_loss,
    page="losses/poisson-nll",
    definition=definition,
    formula=formula,
    steps=by_element(poisson_nll_loss, term),
    views=(View(LOG_RATE, each(COUNTS), {"log_input": True}), View(RATE, each(COUNTS), {"log_input": False})),
    batches=elementwise(rates, rate_edges, trials=({"full": True}, {"log_input": False})),
    sample=lambda g: (uniform(g, 12, low=0.1, high=2.0), torch.randint(6, (12,), generator=g).double()),
    settings=({}, {"full": True}, {"log_input": False}, {"log_input": False, "full": True, "eps": 0.5}),
)
