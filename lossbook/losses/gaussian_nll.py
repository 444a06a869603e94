"""Gaussian negative log-likelihood: for a prediction that comes with the variance of its errors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ..guards.tensors import as_variance, check_floating, check_real, check_sizes_equal_or_one, check_tensors
from ..kit.batches.by_element import elementwise, measurement_edges, measurements, with_shared_variances
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction, Switch
from ..kit.steps import Step, by_element
from ..kit.text import given, number, operand
from ..kit.views import ERROR, View, beside


@loss_function
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    *,
    full: Switch = False,
    eps: Positive = 1e-6,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""How unlikely the targets are under a normal distribution with predicted mean and variance.

    .. math:: \ell(\mu, y, v) = \tfrac{1}{2} \left( \log v + \frac{(\mu - y)^2}{v} \right), \qquad v = \max(\text{var}, \epsilon)

    Args:
        input: the predicted mean :math:`\mu`, any shape ``(*)``, floating point.
        target: the true value, shape of ``input``, or with 1 in some of its dimensions, or a tensor of one number.
        var: the predicted variance, at least 0: a number, or a tensor of the shape of ``input``, with 1 in some of its
            dimensions, or without the last dimension.
        full: add the constant :math:`\tfrac{1}{2} \log 2\pi`.
        eps: smaller variances count as this; larger than 0. The gradient passes as if they were not raised, as in torch.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; any sign: a density may exceed 1.

    Raises:
        ValueError: shapes differ, or a variance is negative.
        TypeError: a wrong kind of number.

    Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994;
    :class:`torch.nn.GaussianNLLLoss`.

    >>> gaussian_nll_loss(torch.tensor([1.0]), torch.tensor([3.0]), 1.0)  # (ln 1 + 2²/1) / 2
    tensor(2.)
    """
    check_tensors(input=input, target=target)
    check_floating(input=input)
    check_real(target=target)
    check_sizes_equal_or_one(input, target=target)
    variance = as_variance(input, var)
    # Clamp the value, not the gradient, so that variances below eps still get one.
    variance = variance + (eps - variance.detach()).clamp_min(0)
    losses = 0.5 * (variance.log() + (input - target).square() / variance)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduce(losses, reduction)


class GaussianNLLLoss(Loss):
    function = gaussian_nll_loss


def definition(
    means: list[float], target: list[float], variances: list[float], full: bool = False, eps: float = 1e-6
) -> Iterator[Term]:
    for mean, y, variance in zip(means, target, variances, strict=True):
        v = max(variance, eps)
        constant = math.log(2 * math.pi) / 2 if full else 0.0
        yield Term((math.log(v) + (mean - y) ** 2 / v) / 2 + constant)


def formula(full: bool, eps: float) -> str:
    constant = r" + \tfrac{1}{2} \log(2 \pi)" if full else ""
    half = r"\ell(\mu, y, v) = \tfrac{1}{2} \left( \log v + \frac{(\mu - y)^2}{v} \right)"
    return half + constant + given("v", r"\max(\text{var}, \epsilon)") + given(r"\epsilon", eps)


def term(mean: float, target: float, v: float, full: bool) -> str:
    text = f"0.5 · ((ln {number(v)}) + ({number(mean)} − {operand(target)})² / {number(v)})"
    return text + (f" + 0.5 · (ln {number(2 * math.pi)})" if full else "")


def steps(input: Tensor, var: Tensor | float, eps: float, **more: Any) -> Iterator[Step]:
    variance = as_variance(input, var).detach().clamp_min(eps).expand_as(input)
    return by_element(gaussian_nll_loss, term)(input=input, **more, var=variance, eps=eps)


ENTRY = Entry(
    name="gaussian_nll",
    family="likelihood",
    module=GaussianNLLLoss,
    torch_module=torch.nn.GaussianNLLLoss,
    torch_function=torch.nn.functional.gaussian_nll_loss,
    page="losses/gaussian-nll",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(View(ERROR, {f"var = {v:g}": beside(0, v) for v in (0.25, 1, 4)}),),
    batches=with_shared_variances(elementwise(measurements, measurement_edges, wrt=(0, 2), trials=({"full": True},))),
    sample=lambda g: (uniform(g, 12), uniform(g, 12), uniform(g, 12, low=0.1, high=3.0)),
    settings=({}, {"full": True}),
)
