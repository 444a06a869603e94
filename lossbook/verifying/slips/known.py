"""Slips in well-known losses that torch does not have: focal, Dice, distillation, contrastive, InfoNCE, quantile.

The reference is recognized by its values: try every known loss with every listed setting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...kit.loss import settings_of
from ...language import gettext as _
from ...losses.charbonnier import charbonnier_loss
from ...losses.dice import dice_loss
from ...losses.distillation import distillation_loss
from ...losses.focal import focal as of_logarithms
from ...losses.focal import sigmoid_focal_loss
from ...losses.gaussian_kl import gaussian_kl_div
from ...losses.jaccard import jaccard_loss
from ...losses.quantile import quantile_loss
from ...losses.rmse import rmse_loss
from ...losses.tversky import tversky_loss
from ..subject.reference import Reference
from .distributions import distillation, gaussian_kl
from .errors import charbonnier, quantile, rmse
from .metric import contrastive, contrastive_slips, info_nce, info_nce_slips, nt_xent, nt_xent_slips
from .overlap import SMOOTH, dice_slips, jaccard_slips, tversky_slips
from .slip import REDUCTIONS, Loss, Slip, slips_of


@dataclass(frozen=True)
class Known:
    """A loss with settings, and what people get wrong in it."""

    loss: Callable[..., Tensor]
    settings: tuple[Settings, ...]  #: to try
    slips: Callable[[Settings], Iterator[tuple[str, Loss]]]


def of_known(right: Loss, batches: Sequence[tuple[Tensor, ...]]) -> Iterator[Slip]:
    """Slips of the known loss that equals the reference."""
    for known in KNOWN:
        for settings in known.settings:
            if _agrees(partial(known.loss, **settings), right, batches):
                defaults = {name: parameter.default for name, parameter in settings_of(known.loss).items()}
                for says, loss in known.slips({**defaults, **settings}):
                    yield Slip(says, loss, page="guide/custom-losses")
                return


def _agrees(loss: Loss, right: Loss, batches: Sequence[tuple[Tensor, ...]]) -> bool:
    try:
        return all(torch.allclose(loss(*t), right(*t), rtol=1e-5, atol=1e-7) for t in batches)
    except (RuntimeError, IndexError, TypeError, ValueError):
        return False


def _grid(**values: Sequence[Any]) -> tuple[Settings, ...]:
    found: list[Settings] = [{}]
    for name, options in values.items():
        found = [{**settings, name: option} for settings in found for option in options]
    return tuple(found)


# ---- focal loss (Lin et al., 2017), of one class of several and of yes or no


def _log_p(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """The log-probability of what is true, and what is true: 1 or 0 where the answer is yes or no."""
    if t.is_floating_point():
        return F.logsigmoid(x) * t + F.logsigmoid(-x) * (1 - t), t
    return x.log_softmax(1).gather(1, t.unsqueeze(1)).squeeze(1), t


def _alpha(x: Tensor, t: Tensor, alpha: float | None) -> Tensor | float:
    if alpha is None:
        return 1.0
    return alpha * t + (1 - alpha) * (1 - t) if t.is_floating_point() else alpha


def focal(x: Tensor, t: Tensor, gamma: float, alpha: float | None, reduction: str) -> Tensor:
    if t.is_floating_point():
        return sigmoid_focal_loss(x, t, gamma=gamma, alpha=alpha, reduction=reduction)
    log_p, _classes = _log_p(x, t)
    losses = of_logarithms(log_p, (-log_p.expm1()).log(), gamma)
    return REDUCTIONS[reduction](_alpha(x, t, alpha) * losses)


@slips_of("focal")
def sigmoid_focal(reference: Reference, settings: Settings) -> Iterator[Slip]:
    for says, loss in _focal_slips(settings):
        yield Slip(says, loss)


def _focal_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    gamma, alpha, reduce = n["gamma"], n["alpha"], REDUCTIONS[n["reduction"]]

    def of(f: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        def loss(x: Tensor, t: Tensor) -> Tensor:
            log_p, t = _log_p(x, t)
            return reduce(_alpha(x, t, alpha) * f(log_p, log_p.exp()))

        return loss

    def over_batch(x: Tensor, t: Tensor) -> Tensor:
        log_p = x.log_softmax(0).gather(1, t.unsqueeze(1)).squeeze(1)
        return reduce(-_alpha(x, t, alpha) * (1 - log_p.exp()) ** gamma * log_p)

    yield _("softmax goes over dimension 0, the batch"), over_batch
    yield _("gamma is a factor where it should be an exponent"), of(lambda g, p: -gamma * (1 - p) * g)
    yield _("the power (1 − p)^γ is missing: plain cross-entropy"), of(lambda g, p: -g)
    yield _("the exponent gamma is missing: (1 − p) instead of (1 − p)^γ"), of(lambda g, p: -(1 - p) * g)
    yield _("the weight is p^γ where it should be (1 − p)^γ: easy samples count most"), of(lambda g, p: -(p**gamma) * g)
    yield _("the logarithm is missing"), of(lambda g, p: (1 - p) ** gamma * (1 - p))
    yield _("the factor (1 − p)^γ is detached: its slope is missing"), of(lambda g, p: -((1 - p) ** gamma).detach() * g)

    def of_mean(x: Tensor, t: Tensor) -> Tensor:
        ce = -(_alpha(x, t, alpha) * _log_p(x, t)[0]).mean()
        return (1 - (-ce).exp()) ** gamma * ce

    def of_plain_mean(x: Tensor, t: Tensor) -> Tensor:
        ce = -_log_p(x, t)[0].mean()
        return (alpha or 1.0) * (1 - (-ce).exp()) ** gamma * ce

    def tables(x: Tensor, t: Tensor) -> Tensor:
        log_p, t = _log_p(x, t)
        weights = (1 - log_p.exp()).flatten() ** gamma
        return reduce(weights.unsqueeze(1) * -(_alpha(x, t, alpha) * log_p).flatten().unsqueeze(0))

    yield _("the weights were broadcast from (N) to (N, N): every weight meets every sample"), tables
    yield _("p is taken from the mean of the cross-entropy, not from each sample"), of_mean
    yield _("p is taken from the mean of the cross-entropy, not from each sample"), of_plain_mean
    for other, says in (
        (1 - alpha if alpha is not None else None, _("alpha weighs the wrong class")),
        (None, _("alpha is not used")),
        (0.25, _("alpha = {alpha} is used").format(alpha=0.25)),
    ):
        yield says, partial(focal, gamma=gamma, alpha=other, reduction=n["reduction"])
    if alpha is not None:

        def everywhere(x: Tensor, t: Tensor) -> Tensor:
            return alpha * focal(x, t, gamma, None, n["reduction"])

        yield _("alpha weighs both classes alike"), everywhere

        def inside(x: Tensor, t: Tensor) -> Tensor:
            ce = -_alpha(x, t, alpha) * _log_p(x, t)[0]
            return reduce((1 - (-ce).exp()) ** gamma * ce)

        yield _("p is taken from the weighted cross-entropy: alpha must not be in it"), inside
    for power in (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0):
        if power != gamma:
            says = _("it computes with {name} = {value}").format(name="gamma", value=power)
            yield says, partial(focal, gamma=power, alpha=alpha, reduction=n["reduction"])


# ---- masks


def masked_mse(x: Tensor, t: Tensor, mask: Tensor) -> Tensor:
    return ((x - t).square() * mask).sum() / mask.sum()


def _masked_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    yield _("masked elements count in what the mean divides by"), lambda x, t, m: ((x - t).square() * m).mean()
    yield _("the mask is not used"), lambda x, t, m: (x - t).square().mean()
    yield _("the mask is turned round"), lambda x, t, m: masked_mse(x, t, 1 - m)
    yield (
        _("the mean of the means of the rows, which have masks of different lengths"),
        lambda x, t, m: (((x - t).square() * m).sum(1) / m.sum(1).clamp(min=1)).mean(),
    )


def _with_smoothing(every: Sequence[Settings]) -> tuple[Settings, ...]:
    """Settings of a loss of overlap, with what people add above and below: the same, or below only."""
    pairs = [(s, s) for s in SMOOTH] + [(0.0, s) for s in SMOOTH[1:]]
    return tuple({**settings, "smooth_nr": above, "smooth_dr": below} for settings in every for above, below in pairs)


MEANS = ("mean", "sum", "none")
MASKS = {"from_logits": (False, True), "batch": (False, True), "mode": ("binary", "multiclass")}
WEIGHTS = tuple({"alpha": a, "beta": b} for a, b in ((0.3, 0.7), (0.7, 0.3), (0.5, 0.5)))
KNOWN = (
    Known(
        focal, _grid(gamma=(2.0, 1.0, 3.0, 1.5, 0.5, 5.0), alpha=(None, 0.25, 0.75, 0.5), reduction=MEANS), _focal_slips
    ),
    Known(dice_loss, _with_smoothing(_grid(**MASKS)), dice_slips),
    Known(jaccard_loss, _with_smoothing(_grid(**MASKS)), jaccard_slips),
    Known(tversky_loss, tuple(w | s for w in WEIGHTS for s in _with_smoothing(_grid(**MASKS))), tversky_slips),
    Known(nt_xent, _grid(T=(0.5, 0.1, 0.07, 1.0, 0.2)), nt_xent_slips),
    Known(rmse_loss, _grid(eps=(0.0, 1e-8, 1e-6, 1e-12, 1e-10, 1e-5, 1e-4)), rmse),
    Known(charbonnier_loss, _grid(eps=(1e-3, 1e-6, 1e-2, 1e-4, 1.0)), charbonnier),
    Known(masked_mse, ({},), _masked_slips),
    Known(gaussian_kl_div, _grid(reduction=("mean", "sum", "batchmean")), gaussian_kl),
    Known(
        distillation_loss,
        _grid(temperature=(2.0, 4.0, 3.0, 1.0, 5.0, 10.0), t_squared=(True, False), direction=("forward", "reverse")),
        distillation,
    ),
    Known(contrastive, _grid(margin=(1.0, 2.0, 0.5), half=(False, True), similar=(1, 0)), contrastive_slips),
    Known(info_nce, _grid(T=(0.1, 0.07, 0.5, 1.0, 0.2, 0.05), both=(False, True)), info_nce_slips),
    Known(quantile_loss, _grid(quantile=(0.9, 0.1, 0.5, 0.25, 0.75, 0.95, 0.05)), quantile),
)
