"""The Gaussian KL divergence of a variational autoencoder: how far each latent is from the standard normal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import torch
from torch import Tensor

from ..guards.tensors import check_floating, check_same_shape, check_tensors
from ..kit.batches.batch import Batch, Kind, Settings, normal, row
from ..kit.curve import reduced_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function
from ..kit.settings import one_of
from ..kit.steps import by_element
from ..kit.text import operand
from ..kit.views import LOG_VARIANCE, View, behind
from ..language import gettext as _


@loss_function
def gaussian_kl_div(
    mu: Tensor,
    log_var: Tensor,
    *,
    reduction: Annotated[str, one_of("none", "mean", "batchmean", "sum")] = "batchmean",
) -> Tensor:
    r"""Kullback–Leibler divergence of the Gaussian of an encoder from the standard normal distribution.

    .. math:: \ell(\mu, s) = \tfrac{1}{2} (\mu^2 + e^{s} - 1 - s), \qquad s = \log \sigma^2

    The divergence of a sample is the sum over its latents, which are independent. Both tensors are predictions: there
    is no target.

    Args:
        mu: the mean μ of each latent, shape ``(N, D)`` or any other, floating point.
        log_var: the logarithm of its **variance**, shape of ``mu``, floating point; not that of the standard deviation.
        reduction: ``"batchmean"`` adds up the latents and divides by the first dimension: the divergence of a sample, as
            the paper has it. ``"mean"`` divides by the number of all elements and is D times smaller, so that the
            reconstruction weighs D times as much; ``"sum"``, as in PyTorch's example; ``"none"``.

    Returns:
        A tensor of shape ``()``, or that of ``mu`` with ``reduction="none"``; in nats, at least 0, and 0 where μ = 0 and
        the variance is 1.

    Raises:
        ValueError: shapes differ.
        TypeError: no floating-point numbers.

    Source: D. P. Kingma and M. Welling, "Auto-encoding variational Bayes", 2013, appendix B,
    https://arxiv.org/abs/1312.6114.

    >>> gaussian_kl_div(torch.tensor([[1.0, 3.0]]), torch.zeros(1, 2))  # (1 + 9) / 2
    tensor(5.)
    """
    check_tensors(mu=mu, log_var=log_var)
    check_same_shape(mu=mu, log_var=log_var)
    check_floating(mu=mu, log_var=log_var)
    divisor = None
    if reduction == "batchmean":
        reduction, divisor = "mean", mu.shape[0] if mu.dim() else 1
    of_mu = reduced_curve(mu, half_square, torch.positive, reduction=reduction, divisor=divisor)
    return of_mu + reduced_curve(log_var, of_variance, its_slope, reduction=reduction, divisor=divisor)


def half_square(mu: Tensor) -> Tensor:
    return mu.square().mul_(0.5)


def of_variance(log_var: Tensor) -> Tensor:
    return (torch.expm1(log_var) - log_var).mul_(0.5)


def its_slope(log_var: Tensor) -> Tensor:
    return 0.5 * torch.expm1(log_var)


class GaussianKLDivLoss(Loss):
    """Module form of :func:`lossbook.beyond.gaussian_kl_div`."""

    function = gaussian_kl_div


def definition(mu: list[float], log_var: list[float]) -> Iterator[Term]:
    for m, s in zip(mu, log_var, strict=True):
        yield Term((m**2 + math.exp(s) - 1 - s) / 2)


def formula() -> str:
    return r"\ell(\mu, s) = \tfrac{1}{2} (\mu^2 + e^{s} - 1 - s)"


def term(mu: float, log_var: float) -> str:
    return f"0.5 · ({operand(mu)}² + e^{operand(log_var)} − 1 − {operand(log_var)})"


def draw(g: torch.Generator, *shape: int) -> tuple[Tensor, Tensor]:
    return normal(g, *shape), normal(g, *shape)


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    for n, d in ((5, 3), (4, 4), (7, 2)):
        yield Batch(draw(g, n, d), "(N, D)")
    yield Batch(draw(g, 1, 3), "(1, D)", "(N, D)")
    for name, mu, log_var in (
        (_("the standard normal distribution"), row(0, 0), row(0, 0)),
        (_("large and small variances"), row(1, -2), row(8, -20)),
        (_("large means"), row(100, -1000), row(0, 1)),
    ):
        yield Batch((mu.unsqueeze(0), log_var.unsqueeze(0)), "(N, D)", "(N, D)", edge=True, name=name)


ENTRY = Entry(
    name="gaussian_kl",
    also=("vae_kl", "vae", "kld", "kl", "kl_divergence"),
    family="likelihood",
    module=GaussianKLDivLoss,
    page="practice/several-losses",
    definition=definition,
    formula=formula,
    steps=by_element(gaussian_kl_div, term),
    views=(View(LOG_VARIANCE, {f"μ = {m}": behind(m) for m in (0, 1, 2)}),),
    batches=Kind(batches, draw, wrt=(0, 1), reductions=("batchmean", "mean", "sum", "none"), elementwise=True),
    sample=lambda g: (uniform(g, 12), uniform(g, 12, low=-3.0, high=2.0)),
)
