"""Slips in losses of measurements with a variance, and of counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..subject.reference import Reference
from .slip import EPSILONS, Loss, Slip, reduction_of, slips_of


@slips_of("gaussian_nll")
def gaussian_nll(reference: Reference, settings: Settings) -> Iterator[Slip]:
    reduce = reduction_of(settings)

    def measured(f: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        return lambda x, t, v: reduce(f(x - t, v))

    def with_terms(log: Callable[[Tensor], Tensor], variance: Callable[[Tensor], Tensor]) -> Loss:
        """Half of: this for the logarithm of the variance, plus the squared error over this for the variance."""
        return measured(lambda e, v: 0.5 * (log(v) + e * e / variance(v)))

    def with_variance(variance: Callable[[Tensor], Tensor]) -> Loss:
        return with_terms(lambda v: variance(v).log(), variance)

    says = _("the variance is taken for a standard deviation and squared")
    yield Slip(says, with_variance(torch.square))
    yield Slip(_("the root of the variance is taken: divided by σ, not σ²"), with_terms(torch.log, torch.sqrt))
    yield Slip(_("the variance is taken for its own logarithm"), with_terms(lambda v: v, torch.exp))
    yield Slip(_("the factor ½ is missing"), measured(lambda e, v: v.log() + e * e / v))
    says = _("the factor ½ in front of the logarithm is missing")
    yield Slip(says, measured(lambda e, v: v.log() + 0.5 * e * e / v))
    says = _("the factor ½ in front of the squared error is missing")
    yield Slip(says, measured(lambda e, v: 0.5 * v.log() + e * e / v))
    for eps in EPSILONS:
        says = _("{eps:g} is added to the variance, where it should only be kept above a minimum").format(eps=eps)
        yield Slip(says, with_variance(partial(torch.add, other=eps)), operations=("add", "log"))
        says = _("the variance is clamped at {eps:g}").format(eps=eps)
        yield Slip(says, with_variance(partial(torch.clamp, min=eps)), operations=("clamp",))
    for base, log in ((2, torch.log2), (10, torch.log10)):
        says = _("the logarithm has the base {base} (log{base}) where the natural one belongs").format(base=base)
        yield Slip(says, with_terms(log, lambda v: v), operations=(f"log{base}",))
    yield Slip(_("the logarithm of the variance is missing"), measured(lambda e, v: 0.5 * e * e / v))
    constant = math.log(2 * math.pi)
    yield Slip(_("the constant ½·log 2π is added"), with_terms(lambda v: v.log() + constant, lambda v: v))
    yield Slip(_("the logarithm of the variance is subtracted"), with_terms(lambda v: -v.log(), lambda v: v))


@slips_of("poisson_nll")
def poisson_nll(reference: Reference, settings: Settings) -> Iterator[Slip]:
    reduce = reduction_of(settings)

    def of_rate(log: Callable[[Tensor], Tensor]) -> Loss:
        return lambda x, t: reduce(x - t * log(x))

    def padded(x: Tensor, eps: float) -> Tensor:
        return torch.log(x.abs() + eps)

    def clamped(x: Tensor, eps: float) -> Tensor:
        return torch.log(x.clamp(min=eps))

    says = _("the rate is taken as it is, where its logarithm comes")
    yield Slip(says, of_rate(torch.log), operations=("log",))
    for eps in EPSILONS:
        yield Slip(says, of_rate(partial(padded, eps=eps)), operations=("log",))
        yield Slip(says, of_rate(partial(clamped, eps=eps)), operations=("log",))
    if settings.get("full"):

        def stirling(x: Tensor, t: Tensor) -> Tensor:
            approximation = t * t.log() - t + 0.5 * (2 * math.pi * t).log()
            return reduce(x.exp() - t * x + torch.where(t > 0, approximation, 0.0))

        says = _("Stirling's approximation of log t! is used for t = 1 too; torch takes it for t > 1 only")
        yield Slip(says, stirling, operations=("log",))
    yield Slip(_("the exponential is missing: x − t·x"), lambda x, t: reduce(x - t * x))
    yield Slip(_("the term exp(x) is missing"), lambda x, t: reduce(-t * x))
    yield Slip(_("the sign of t·x is wrong"), lambda x, t: reduce(x.exp() + t * x))
    yield Slip(
        _("log t! is added exactly, where torch leaves it out"),
        lambda x, t: reduce(x.exp() - t * x + torch.lgamma(t + 1)),
        operations=("lgamma",),
    )
