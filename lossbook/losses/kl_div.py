"""KL divergence: how much is lost when one distribution stands in for another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import torch
from torch import Tensor

from ..guards.tensors import can_be_read, check_floating, check_pair
from ..kit.batches.by_class import distributions
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Switch, one_of
from ..kit.steps import by_element
from ..kit.text import number
from ..kit.views import Q, View, two_classes


@loss_function
def kl_div(
    input: Tensor,
    target: Tensor,
    *,
    reduction: Annotated[str, one_of("none", "mean", "batchmean", "sum")] = "mean",
    log_target: Switch = False,
) -> Tensor:
    r"""Kullback–Leibler divergence of the model's distribution q from the target's p.

    .. math:: \ell(\log q, p) = p\,(\log p - \log q), \qquad \sum \ell = \mathrm{KL}(p \,\|\, q)

    Args:
        input: **log**-probabilities :math:`\log q` of the model, any shape ``(*)``, floating point.
        target: probabilities :math:`p`, shape of ``input``; log-probabilities with ``log_target=True``.
        reduction: ``"batchmean"`` divides by the first dimension and is the divergence as mathematics defines it;
            ``"mean"`` divides by the number of all elements; ``"sum"``; ``"none"``.
        log_target: whether ``target`` holds logarithms.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``. For distributions the sum is at least 0, and 0
        only where they agree; a negative one means that an input is no distribution. A target of 0 (or of −∞ with
        ``log_target``, where torch gives ``nan``) adds 0.

    Raises:
        ValueError: shapes differ. torch broadcasts without a word.
        TypeError: no floating-point numbers.

    Source: S. Kullback and R. A. Leibler, "On information and sufficiency", 1951; :class:`torch.nn.KLDivLoss`.

    >>> half, target = torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0, 0.0]])
    >>> kl_div(half.log(), target, reduction="batchmean")  # ln 2
    tensor(0.6931)
    """
    check_pair(input, target)
    check_floating(target=target)
    if log_target:
        losses = target.exp() * torch.where(target == -math.inf, 0, target - input)
    else:
        losses = torch.xlogy(target, target) - times_log(target, input)
    if reduction == "batchmean":
        return reduce(losses, "mean", divisor=input.shape[0] if input.dim() else 1)
    return reduce(losses, reduction)


def times_log(p: Tensor, log_q: Tensor) -> Tensor:
    """p · log q, where 0 · log 0 counts as 0."""
    if are_finite(log_q):
        return p * log_q  # the usual case; the masking below costs a quarter of the run time
    lowest = torch.finfo(log_q.dtype).min
    return p * torch.where(p == 0, log_q.detach().clamp_min(lowest), log_q)


def sum_times_log(p: Tensor, log_q: Tensor, dim: int) -> Tensor:
    """The sum of p · log q over the classes, where 0 · log 0 counts as 0."""
    sums = (p * log_q).sum(dim)
    if can_be_read(sums) and bool(sums.isfinite().all()):  # the usual case; looking for a log 0 in log q takes longer
        return sums
    return times_log(p, log_q).sum(dim)


def are_finite(*logarithms: Tensor) -> bool:
    """Whether it can be seen that no probability is 0."""
    return all(can_be_read(x) and x.numel() and bool(x.detach().amin() > -math.inf) for x in logarithms)


class KLDivLoss(Loss):
    function = kl_div


def definition(log_q: list[list[float]], target: list[list[float]], log_target: bool = False) -> Iterator[Term]:
    for x, t in zip((v for row in log_q for v in row), (v for row in target for v in row), strict=True):
        p = math.exp(t) if log_target else t
        yield Term(p * (math.log(p) - x) if p > 0 else 0.0)


def formula(log_target: bool) -> str:
    target = r"\log p" if log_target else "p"
    return rf"\ell(\log q, {target}) = p\,(\log p - \log q)"


def term(log_q: float, target: float, log_target: bool) -> str:
    p = math.exp(target) if log_target else target
    return f"{number(p)} · ((ln {number(p)}) − (ln {number(math.exp(log_q))}))" if p > 0 else "0"


def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return uniform(generator, 3, 4).log_softmax(dim=1), uniform(generator, 3, 4).softmax(dim=1)


ENTRY = Entry(
    name="kl_div",
    also=("kl", "kl_divergence"),
    family="likelihood",
    module=KLDivLoss,
    torch_module=torch.nn.KLDivLoss,
    torch_function=torch.nn.functional.kl_div,
    page="guide/kl-divergence",
    definition=definition,
    formula=formula,
    steps=by_element(kl_div, term),
    views=tuple(
        View(Q, {f"p = {p:g}": two_classes(p, logarithm) for p in (0.5, 0.8)}, {"log_target": logarithm})
        for logarithm in (False, True)
    ),
    batches=distributions(trials=({"log_target": True},), reductions=("batchmean", "mean", "sum", "none")),
    sample=sample,
)
