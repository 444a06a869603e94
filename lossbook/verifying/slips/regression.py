"""Slips in losses of numbers and counts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from ..subject.reference import Reference
from .slip import EPSILONS, Loss, Slip, page_of, reduction_of


def of_regression(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    name, page = reference.entry.name, page_of(reference)
    reduce = reduction_of(settings)
    turn = float(settings.get("beta", settings.get("delta", 1.0)))

    def of_error(f: Callable[[Tensor], Tensor]) -> Loss:
        return lambda x, t: reduce(f(x - t))

    yield Slip(_("the error itself is averaged: positive and negative errors cancel"), of_error(lambda e: e), (), page)
    yield Slip(
        _("the errors are averaged first and squared afterwards"), lambda x, t: (x - t).mean().square(), (), page
    )
    yield Slip(
        _("the errors are averaged before the absolute value is taken"), lambda x, t: (x - t).mean().abs(), (), page
    )
    yield Slip(
        _("the square root of the mean squared error"), lambda x, t: (x - t).square().mean().sqrt(), ("sqrt",), page
    )
    yield Slip(
        _("the variance of the errors: their mean is taken out"), lambda x, t: (x - t).var(correction=0), ("var",), page
    )
    yield Slip(_("the norm of the error"), lambda x, t: (x - t).norm(), ("norm",), page)
    yield Slip(
        _("the squares of the numbers are compared, not the numbers"),
        lambda x, t: reduce((x**2 - t**2).abs()),
        (),
        page,
    )
    yield Slip(
        _("the logarithms are compared"), lambda x, t: reduce((torch.log1p(x) - torch.log1p(t)) ** 2), ("log1p",), page
    )
    yield Slip(_("the error is divided by the target"), lambda x, t: reduce(((x - t) / t).abs()), ("div",), page)
    yield Slip(
        _("negative errors do not count"),
        of_error(lambda e: e.clamp(min=0) ** (2 if name == "mse" else 1)),
        ("clamp", "relu"),
        page,
    )
    yield Slip(_("sum of x² and y² without the product −2xy"), lambda x, t: reduce(x**2 + t**2), (), page)
    if name in ("smooth_l1", "huber"):
        huber = lambda e: torch.where(e.abs() < turn, 0.5 * e * e, turn * (e.abs() - 0.5 * turn))  # noqa: E731
        other = {"smooth_l1": (_("Huber loss: beta is missing in the denominator"), huber),
                 "huber": (_("Smooth L1: divided by delta"), lambda e: huber(e) / turn)}[name]  # fmt: skip
        yield Slip(other[0], of_error(other[1]), (), "guide/smooth-l1")
        variants = (
            (_("the factor ½ of the squared branch is missing"), lambda e: torch.where(e.abs() < turn, e * e / (turn if name == "smooth_l1" else 1), huber(e) / (turn if name == "smooth_l1" else 1))),
            (_("½·beta is not subtracted from the linear branch"), lambda e: torch.where(e.abs() < turn, huber(e) / (turn if name == "smooth_l1" else 1), (turn if name == "huber" else 1) * e.abs())),
            (_("the two branches are exchanged"), lambda e: torch.where(e.abs() < turn, e.abs() - 0.5 * turn, 0.5 * e * e / turn)),
            (_("the linear branch is not multiplied by delta"), lambda e: torch.where(e.abs() < turn, 0.5 * e * e, e.abs() - 0.5 * turn)),
            (_("the turn is taken at e < beta instead of |e| < beta"), lambda e: torch.where(e < turn, 0.5 * e * e / (turn if name == "smooth_l1" else 1), huber(e) / (turn if name == "smooth_l1" else 1))),
        )  # fmt: skip
        for says, f in variants:
            yield Slip(says, of_error(f), (), "guide/smooth-l1")


def of_counts(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    reduce = reduction_of(settings)
    if reference.entry.name == "gaussian_nll":

        def measured(f: Callable) -> Loss:
            return lambda x, t, v: reduce(f(x - t, v))

        yield Slip(
            _("the variance is taken for a standard deviation and squared"),
            measured(lambda e, v: 0.5 * ((v * v).log() + e * e / (v * v))),
        )
        yield Slip(
            _("the root of the variance is taken: divided by σ, not σ²"),
            measured(lambda e, v: 0.5 * (v.log() + e * e / v.sqrt())),
        )
        yield Slip(_("the variance is taken for its own logarithm"), measured(lambda e, v: 0.5 * (v + e * e / v.exp())))
        yield Slip(_("the factor ½ is missing"), measured(lambda e, v: v.log() + e * e / v))
        yield Slip(
            _("the factor ½ in front of the logarithm is missing"), measured(lambda e, v: v.log() + 0.5 * e * e / v)
        )
        yield Slip(
            _("the factor ½ in front of the squared error is missing"), measured(lambda e, v: 0.5 * v.log() + e * e / v)
        )
        for eps in EPSILONS:
            yield Slip(
                _("{eps:g} is added to the variance, where it should only be kept above a minimum").format(eps=eps),
                measured(lambda e, v, eps=eps: 0.5 * ((v + eps).log() + e * e / (v + eps))),
                ("add", "log"),
            )
            yield Slip(
                _("the variance is clamped at {eps:g}").format(eps=eps),
                measured(lambda e, v, eps=eps: 0.5 * (v.clamp(min=eps).log() + e * e / v.clamp(min=eps))),
                ("clamp",),
            )
        for base, log in ((2, torch.log2), (10, torch.log10)):
            yield Slip(
                _("the logarithm has the base {base} (log{base}) where the natural one belongs").format(base=base),
                measured(lambda e, v, log=log: 0.5 * (log(v) + e * e / v)),
                (f"log{base}",),
            )
        yield Slip(_("the logarithm of the variance is missing"), measured(lambda e, v: 0.5 * e * e / v))
        yield Slip(
            _("the constant ½·log 2π is added"),
            measured(lambda e, v: 0.5 * (v.log() + e * e / v + math.log(2 * math.pi))),
        )
        yield Slip(
            _("the logarithm of the variance is subtracted"), measured(lambda e, v: 0.5 * (-v.log() + e * e / v))
        )
        return
    yield Slip(
        _("the rate is taken as it is, where its logarithm comes"), lambda x, t: reduce(x - t * torch.log(x)), ("log",)
    )
    for eps in EPSILONS:
        says = _("the rate is taken as it is, where its logarithm comes")
        yield Slip(says, lambda x, t, eps=eps: reduce(x - t * torch.log(x.abs() + eps)), ("log",))
        yield Slip(says, lambda x, t, eps=eps: reduce(x - t * torch.log(x.clamp(min=eps))), ("log",))
    if settings.get("full"):

        def stirling(x: Tensor, t: Tensor) -> Tensor:
            approximation = t * t.log() - t + 0.5 * (2 * math.pi * t).log()
            return reduce(x.exp() - t * x + torch.where(t > 0, approximation, 0.0))

        yield Slip(
            _("Stirling's approximation of log t! is used for t = 1 too; torch takes it for t > 1 only"),
            stirling,
            ("log",),
        )
    yield Slip(_("the exponential is missing: x − t·x"), lambda x, t: reduce(x - t * x))
    yield Slip(_("the term exp(x) is missing"), lambda x, t: reduce(-t * x))
    yield Slip(_("the sign of t·x is wrong"), lambda x, t: reduce(x.exp() + t * x))
    yield Slip(
        _("log t! is added exactly, where torch leaves it out"),
        lambda x, t: reduce(x.exp() - t * x + torch.lgamma(t + 1)),
        ("lgamma",),
    )
