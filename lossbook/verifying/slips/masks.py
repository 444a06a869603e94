"""Slips in losses that leave samples or tokens out, or weigh whole losses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ...losses.soft_target_cross_entropy import soft_target_cross_entropy
from ...losses.token_cross_entropy import token_cross_entropy
from ...losses.uncertainty_weighting import uncertainty_weighting
from .slip import REDUCTIONS, Loss, slips_by_settings


@slips_by_settings("soft_target_cross_entropy")
def soft_targets(n: Settings) -> Iterator[tuple[str, Loss]]:
    right: Loss = partial(soft_target_cross_entropy, **n)
    each: Loss = partial(soft_target_cross_entropy, **{**n, "reduction": "none"})

    def divided(by: str) -> Loss:
        def loss(x: Tensor, q: Tensor, mask: Tensor | None = None) -> Tensor:
            losses = each(x, q, mask)
            return losses.mean() if by == "samples" else losses.sum() / x.numel()

        return loss

    yield _("masked elements count in what the mean divides by"), divided("samples")
    yield _("the mean over all elements"), divided("elements")
    yield _("the mask is not used"), lambda x, q, mask=None: right(x, q)
    yield _("the mask is inverted"), lambda x, q, mask=None: right(x, q, None if mask is None else mask == 0)
    yield (
        _("probabilities are replaced by the most likely class (argmax)"),
        lambda x, q, mask=None: right(x, F.one_hot(q.argmax(1), q.shape[1]).to(q), mask),
    )


@slips_by_settings("token_cross_entropy")
def tokens(n: Settings) -> Iterator[tuple[str, Loss]]:
    ignored, shift = n["ignore_index"], n["shift"]
    right: Loss = partial(token_cross_entropy, **n)

    def without_last(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return (x[:, :-1], t[:, 1:]) if shift else (x, t)

    def all_count(x: Tensor, t: Tensor) -> Tensor:
        return token_cross_entropy(x, t, shift=shift, ignore_index=ignored, reduction="none").mean()

    says = _("the labels are not shifted: each token is predicted from itself")
    yield (
        (says if shift else _("the labels are shifted, though they are shifted already")),
        partial(right, shift=not shift),
    )
    yield _("the labels are shifted the wrong way"), lambda x, t: right(x.roll(-2, 1), t)
    yield _("the labels are shifted twice"), lambda x, t: right(*without_last(x, t))
    yield _("ignored tokens count in what the mean divides by"), all_count
    yield (
        _("the ignored tokens are not left out"),
        lambda x, t: right(x, torch.where(t == ignored, 0, t), ignore_index=-100),
    )
    yield (
        _("the mean of the means of the sequences: tokens of short ones weigh more"),
        partial(right, average="sequence"),
    )
    yield _("the mean over all tokens, where each sequence should have its own"), partial(right, average="token")


@slips_by_settings("uncertainty_weighting")
def uncertainty(n: Settings) -> Iterator[tuple[str, Loss]]:
    reduce = REDUCTIONS[n["reduction"]]
    right: Loss = partial(uncertainty_weighting, **n)
    cost: Loss = partial(uncertainty_weighting, **{**n, "reduction": "none"})

    def of_cost(x: Tensor, s: Tensor) -> Tensor:
        return cost(torch.zeros_like(x), s)

    yield (
        _("the loss is multiplied by the variance, not divided"),
        lambda x, s: reduce(cost(x, -s) - of_cost(x, -s) + of_cost(x, s)),
    )
    yield _("the variances cost nothing: they grow without end"), lambda x, s: reduce(cost(x, s) - of_cost(x, s))
    plain = n["kind"] == "regression" and n["regularizer"] == "log_sigma"
    yield (
        _("e⁻ˢ L + s: twice the right loss") if plain else _("twice the right loss"),
        lambda x, s: 2 * right(x, s),
    )
    yield _("the factor ½ is missing"), lambda x, s: reduce((-s).exp() * x + of_cost(x, s))
    yield _("the factor ½ is missing"), lambda x, s: reduce(cost(x, s) + of_cost(x, s))
    yield _("the log-variance is taken for the logarithm of the standard deviation"), lambda x, s: right(x, 2 * s)
    yield _("the weights are not used: the sum of the losses"), lambda x, s: reduce(x + 0 * s)
