"""Slips in losses of distributions that torch does not have: distillation, Jensen–Shannon, a Gaussian's KL divergence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ...losses.distillation import distillation_loss
from ...losses.gaussian_kl import gaussian_kl_div
from .slip import REDUCTIONS, Loss, slips_by_settings

Map = Callable[[Tensor], Tensor]


@slips_by_settings("distillation")
def distillation(n: Settings) -> Iterator[tuple[str, Loss]]:
    T, alpha, reduce = n["temperature"], n["alpha"], REDUCTIONS[n["reduction"]]
    scale = T**2 if n["t_squared"] else 1.0
    soft_alone: Loss = partial(distillation_loss, **n)

    def with_labels(soft: Loss, alpha: float = alpha, temperature: float = 1.0) -> Loss:
        def loss(x: Tensor, y: Tensor, t: Tensor | None = None) -> Tensor:
            if t is None:
                return soft(x, y)
            return alpha * soft(x, y) + (1 - alpha) * F.cross_entropy(x / temperature, t, reduction=n["reduction"])

        return loss

    def of(student: Map, teacher: Map, factor: float = scale, reduce: Map = lambda each: reduce(each.sum(1))) -> Loss:
        """The loss with these logarithms of the probabilities of student and teacher."""

        def soft(x: Tensor, y: Tensor) -> Tensor:
            q, p = student(x), teacher(y)
            true, other = (p, q) if n["direction"] == "forward" else (q, p)
            return factor * reduce(true.exp() * (true - other))

        return with_labels(soft)

    own, other = (lambda x: (x / T).log_softmax(1)), (lambda y: (y / T).log_softmax(1))
    yield _("the factor T² is missing"), of(own, other, factor=1.0)
    yield _("the factor is T where it should be T²"), of(own, other, factor=T)
    yield (
        _("the mean over all elements, where the sum is to be divided by the batch size"),
        of(own, other, reduce=torch.mean),
    )
    yield _("the sum instead of the mean over the batch"), of(own, other, reduce=torch.sum)
    yield _("the temperature is missing in the student"), of(lambda x: x.log_softmax(1), other)
    yield _("the temperature is missing in the teacher"), of(own, lambda y: y.log_softmax(1))
    yield (
        _("the temperature multiplies where it should divide"),
        of(lambda x: (x * T).log_softmax(1), lambda y: (y * T).log_softmax(1)),
    )
    yield _("the logarithm of the student's probabilities is missing"), of(lambda x: (x / T).softmax(1), other)
    yield _("softmax of the teacher is missing"), of(own, lambda y: (y / T).log())
    yield (
        _("softmax goes over dimension 0, the batch"),
        of(lambda x: (x / T).log_softmax(0), lambda y: (y / T).log_softmax(0)),
    )
    yield _("student and teacher are swapped"), with_labels(lambda x, y: soft_alone(y, x))
    yield (
        _("the teacher's logits are used twice: the student has no part in the loss"),
        with_labels(lambda x, y: soft_alone(y, y) + 0 * x.sum()),
    )
    yield (
        _("the student's logits are used twice: the teacher has no part in the loss"),
        with_labels(lambda x, y: soft_alone(x, x)),
    )
    yield _("alpha and 1 − alpha change places"), with_labels(soft_alone, alpha=1 - alpha)
    yield _("the temperature softens the part of the labels too"), with_labels(soft_alone, temperature=T)


@slips_by_settings("js_div")
def js_div(n: Settings) -> Iterator[tuple[str, Loss]]:
    beta, reduce = n["beta"], REDUCTIONS[n["reduction"]]

    def of(f: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Loss:
        """The loss that this function makes of the logarithms of p, q and their mixture."""

        def loss(log_q: Tensor, target: Tensor) -> Tensor:
            log_p = target if n["log_target"] else target.log()
            return reduce(f(log_p, log_q, torch.logaddexp(log_p + math.log(beta), log_q + math.log1p(-beta))))

        return loss

    def kl(log_p: Tensor, log_q: Tensor) -> Tensor:
        return (log_p.exp() * (log_p - log_q)).sum(0 if log_p.dim() == 1 else 1)

    def both(p: Tensor, q: Tensor, m: Tensor) -> Tensor:
        return beta * kl(p, m) + (1 - beta) * kl(q, m)

    yield _("both divergences are added, not averaged"), of(lambda p, q, m: kl(p, m) + kl(q, m))
    yield _("the mixture is the mean of the logarithms"), of(lambda p, q, m: both(p, q, beta * p + (1 - beta) * q))
    yield (
        _("the mixture is missing: each is compared with the other"),
        of(lambda p, q, m: beta * kl(p, q) + (1 - beta) * kl(q, p)),
    )
    yield _("only one of the two is compared with the mixture"), of(lambda p, q, m: beta * kl(p, m))
    yield _("only one of the two is compared with the mixture"), of(lambda p, q, m: (1 - beta) * kl(q, m))
    yield (
        _("the mixture is compared with the two, not the two with it"),
        of(lambda p, q, m: beta * kl(m, p) + (1 - beta) * kl(m, q)),
    )
    yield _("the square root of the right loss"), of(lambda p, q, m: both(p, q, m).sqrt())
    yield _("the mean over all elements"), of(lambda p, q, m: both(p, q, m) / p.shape[-1])


@slips_by_settings("gaussian_kl")
def gaussian_kl(n: Settings) -> Iterator[tuple[str, Loss]]:
    right: Loss = partial(gaussian_kl_div, reduction=n["reduction"])
    yield (
        _("the log-variance is taken for the logarithm of the standard deviation"),
        lambda m, v: right(m, 2 * v),
    )
    yield _("the standard deviation is taken for the variance"), lambda m, v: right(m, v / 2)
    yield _("the factor ½ is missing"), lambda m, v: 2 * right(m, v)
    yield _("the sign is wrong"), lambda m, v: -right(m, v)
    for other, says in (
        ("mean", _("the mean over all elements")),
        ("sum", _("the sum over everything")),
        ("batchmean", _("the sum over each sample, and the mean over the batch")),
    ):
        yield says, partial(gaussian_kl_div, reduction=other)
