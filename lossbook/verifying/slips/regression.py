"""Slips in losses of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..subject.reference import Reference
from .slip import Loss, Slip, reduction_of, slips_of


@slips_of("l1")
def l1(reference: Reference, settings: Settings) -> Iterator[Slip]:
    return _of_errors(settings)


@slips_of("mse")
def mse(reference: Reference, settings: Settings) -> Iterator[Slip]:
    return _of_errors(settings, power=2)


@slips_of("smooth_l1")
def smooth_l1(reference: Reference, settings: Settings) -> Iterator[Slip]:
    yield from _of_errors(settings)
    beta = float(settings["beta"])
    yield Slip(_("Huber loss: beta is missing in the denominator"), _of_error(settings, _huber(beta)))
    yield from _of_branches(settings, turn=beta, divisor=beta, slope=1.0)


@slips_of("huber")
def huber(reference: Reference, settings: Settings) -> Iterator[Slip]:
    yield from _of_errors(settings)
    delta = float(settings["delta"])
    yield Slip(_("Smooth L1: divided by delta"), _of_error(settings, lambda e: _huber(delta)(e) / delta))
    yield from _of_branches(settings, turn=delta, divisor=1.0, slope=delta)


def _of_error(settings: Settings, f: Callable[[Tensor], Tensor]) -> Loss:
    """The loss that this function makes of the error of each element."""
    reduce = reduction_of(settings)
    return lambda x, t: reduce(f(x - t))


def _of_errors(settings: Settings, power: int = 1) -> Iterator[Slip]:
    """Slips in every loss of the error; its power tells squares from absolute values."""
    reduce = reduction_of(settings)
    weight = settings.get("weight")
    if isinstance(weight, Tensor) and settings["reduction"] == "mean":
        yield Slip(
            _("the weights are not divided out: the mean divides by N, not by the sum of the weights"),
            lambda x, t: (weight.to(x) * (x - t).abs() ** power).mean(),
            operations=("mean", "div"),
        )
    says = _("the error itself is averaged: positive and negative errors cancel")
    yield Slip(says, lambda x, t: reduce(x - t))
    yield Slip(_("the errors are averaged first and squared afterwards"), lambda x, t: (x - t).mean().square())
    yield Slip(_("the errors are averaged before the absolute value is taken"), lambda x, t: (x - t).mean().abs())
    yield Slip(
        _("the square root of the mean squared error"),
        lambda x, t: (x - t).square().mean().sqrt(),
        operations=("sqrt",),
    )
    yield Slip(
        _("the variance of the errors: their mean is taken out"),
        lambda x, t: (x - t).var(correction=0),
        operations=("var",),
    )
    yield Slip(_("the norm of the error"), lambda x, t: (x - t).norm(), operations=("norm",))
    yield Slip(_("the squares of the numbers are compared, not the numbers"), lambda x, t: reduce((x**2 - t**2).abs()))
    yield Slip(
        _("the logarithms are compared"),
        lambda x, t: reduce((torch.log1p(x) - torch.log1p(t)) ** 2),
        operations=("log1p",),
    )
    yield Slip(_("the error is divided by the target"), lambda x, t: reduce(((x - t) / t).abs()), operations=("div",))
    yield Slip(
        _("negative errors do not count"),
        lambda x, t: reduce((x - t).clamp(min=0) ** power),
        operations=("clamp", "relu"),
    )
    yield Slip(_("sum of x² and y² without the product −2xy"), lambda x, t: reduce(x**2 + t**2))


def _huber(turn: float) -> Callable[[Tensor], Tensor]:
    return lambda e: torch.where(e.abs() < turn, 0.5 * e * e, turn * (e.abs() - 0.5 * turn))


def _of_branches(settings: Settings, *, turn: float, divisor: float, slope: float) -> Iterator[Slip]:
    """Slips in a Huber loss over a divisor, whose branches meet at the turn and which has this slope beyond it."""

    def right(e: Tensor) -> Tensor:
        return _huber(turn)(e) / divisor

    def by_size(small: Callable[[Tensor], Tensor], large: Callable[[Tensor], Tensor]) -> Loss:
        return _of_error(settings, lambda e: torch.where(e.abs() < turn, small(e), large(e)))

    yield Slip(_("the factor ½ of the squared branch is missing"), by_size(lambda e: e * e / divisor, right))
    yield Slip(_("½·beta is not subtracted from the linear branch"), by_size(right, lambda e: slope * e.abs()))
    yield Slip(
        _("the two branches are exchanged"),
        by_size(lambda e: e.abs() - 0.5 * turn, lambda e: 0.5 * e * e / turn),
    )
    yield Slip(
        _("the linear branch is not multiplied by delta"),
        by_size(lambda e: 0.5 * e * e, lambda e: e.abs() - 0.5 * turn),
    )
    yield Slip(
        _("the branch is chosen by e < beta instead of |e| < beta"),
        _of_error(settings, lambda e: torch.where(e < turn, 0.5 * e * e / divisor, right(e))),
    )
