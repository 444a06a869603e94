"""Slips in losses of the error that torch does not have: RMSE, Charbonnier, quantile, log-cosh."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ...losses.charbonnier import charbonnier_loss
from ...losses.quantile import quantile_loss
from .slip import REDUCTIONS, Loss, slips_by_settings


@slips_by_settings("rmse")
def rmse(n: Settings) -> Iterator[tuple[str, Loss]]:
    yield _("the root is missing: the mean of the squares"), lambda x, t: (x - t).square().mean()
    yield _("the mean of the roots, where it should be the root of the mean"), lambda x, t: (x - t).abs().mean()
    yield (
        _("the root is taken of each row, and the mean of these"),
        lambda x, t: ((x - t).square().mean(1) + n["eps"]).sqrt().mean(),
    )
    yield _("the root of the sum, not of the mean"), lambda x, t: ((x - t).square().sum() + n["eps"]).sqrt()


@slips_by_settings("charbonnier")
def charbonnier(n: Settings) -> Iterator[tuple[str, Loss]]:
    eps, reduce = n["eps"], REDUCTIONS[n["reduction"]]
    base = eps if n["from_zero"] else 0.0
    yield (
        _("eps is not squared under the root"),
        lambda x, t: reduce(charbonnier_loss(x, t, eps=eps**0.5, reduction="none") - base),
    )
    yield (
        _("the root of the mean, where it should be the mean of the roots"),
        lambda x, t: ((x - t).square().mean() + eps**2).sqrt() - base,
    )
    yield _("the root is missing: the mean of the squares"), lambda x, t: reduce((x - t).square())


@slips_by_settings("quantile")
def quantile(n: Settings) -> Iterator[tuple[str, Loss]]:
    q, reduce = torch.as_tensor(n["quantile"]).double(), REDUCTIONS[n["reduction"]]

    def with_quantile(q: Tensor) -> Loss:
        return lambda x, t: quantile_loss(x, t, quantile=q.tolist(), reduction=n["reduction"])

    yield _("the quantile is turned round: q and 1 − q change places"), with_quantile(1 - q)
    yield _("q is not used: half the absolute error"), with_quantile(torch.full_like(q, 0.5))
    yield _("the absolute error times q: both sides count alike"), lambda x, t: reduce(q * (t - x).abs())
    yield _("negative errors cost nothing"), lambda x, t: reduce((q * (t - x)).clamp(min=0))
    yield (
        _("the sign of the other branch is wrong"),
        lambda x, t: reduce(torch.maximum(q * (t - x), (1 - q) * (t - x))),
    )


@slips_by_settings("log_cosh")
def log_cosh(n: Settings) -> Iterator[tuple[str, Loss]]:
    reduce = REDUCTIONS[n["reduction"]]
    yield _("the logarithm is missing"), lambda x, t: reduce((x - t).cosh())
    yield (
        _("ln 2 is not subtracted: a perfect prediction costs 0.69"),
        lambda x, t: reduce(torch.logaddexp(x - t, t - x)),
    )
    yield _("the logarithm of 1 + cosh"), lambda x, t: reduce((x - t).cosh().log1p())
    yield _("log-cosh of the mean error"), lambda x, t: (x - t).mean().cosh().log()
