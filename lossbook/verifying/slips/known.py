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
from ...losses.focal import focal as of_logarithms
from ...losses.focal import sigmoid_focal_loss
from ..subject.reference import Reference
from .metric import contrastive, contrastive_slips, info_nce, info_nce_slips, nt_xent, nt_xent_slips
from .overlap import dice, dice_slips, tversky, tversky_slips
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
                for says, loss in known.slips(settings):
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
    defaults = {name: parameter.default for name, parameter in settings_of(sigmoid_focal_loss).items()}
    for says, loss in _focal_slips({**defaults, **settings}):
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


# ---- distillation (Hinton et al., 2015)


def distillation(x: Tensor, teacher: Tensor, T: float, square: bool) -> Tensor:
    loss = F.kl_div((x / T).log_softmax(1), (teacher / T).softmax(1), reduction="batchmean")
    return loss * T * T if square else loss


def _distillation_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    T, scale = n["T"], n["T"] ** 2 if n["square"] else 1.0

    def of(student: Callable, teacher: Callable, reduction: str = "batchmean", factor: float = scale) -> Loss:
        return lambda x, y: F.kl_div(student(x), teacher(y), reduction=reduction) * factor

    own, other = (lambda x: (x / T).log_softmax(1)), (lambda y: (y / T).softmax(1))
    yield _("the factor T² is missing"), of(own, other, factor=1.0)
    yield _("the factor is T where it should be T²"), of(own, other, factor=T)
    yield _("the mean over all elements, where the sum is to be divided by the batch size"), of(own, other, "mean")
    yield _("the sum instead of the mean over the batch"), of(own, other, "sum")
    yield _("the temperature is missing in the student"), of(lambda x: x.log_softmax(1), other)
    yield _("the temperature is missing in the teacher"), of(own, lambda y: y.softmax(1))
    yield (
        _("the temperature multiplies where it should divide"),
        of(lambda x: (x * T).log_softmax(1), lambda y: (y * T).softmax(1)),
    )
    yield _("the logarithm of the student's probabilities is missing"), of(lambda x: (x / T).softmax(1), other)
    yield _("softmax of the teacher is missing"), of(own, lambda y: y / T)
    yield (
        _("softmax goes over dimension 0, the batch"),
        of(lambda x: (x / T).log_softmax(0), lambda y: (y / T).softmax(0)),
    )
    yield _("student and teacher are swapped"), lambda x, y: distillation(y, x, **n)
    yield (
        _("the teacher's logits are used twice: the student has no part in the loss"),
        lambda x, y: distillation(y, y, **n) + 0 * x.sum(),
    )
    yield (
        _("the student's logits are used twice: the teacher has no part in the loss"),
        lambda x, y: distillation(x, x, **n),
    )


# ---- roots and masks


def rmse(x: Tensor, t: Tensor, eps: float) -> Tensor:
    return torch.sqrt((x - t).square().mean() + eps)


def _rmse_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    yield _("the root is missing: the mean of the squares"), lambda x, t: (x - t).square().mean()
    yield _("the mean of the roots, where it should be the root of the mean"), lambda x, t: (x - t).abs().mean()
    yield (
        _("the root is taken of each row, and the mean of these"),
        lambda x, t: ((x - t).square().mean(1) + n["eps"]).sqrt().mean(),
    )
    yield _("the root of the sum, not of the mean"), lambda x, t: ((x - t).square().sum() + n["eps"]).sqrt()


def charbonnier(x: Tensor, t: Tensor, eps: float) -> Tensor:
    return torch.sqrt((x - t).square() + eps**2).mean()


def _charbonnier_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    yield _("eps is not squared under the root"), lambda x, t: torch.sqrt((x - t).square() + n["eps"]).mean()
    yield (
        _("the root of the mean, where it should be the mean of the roots"),
        lambda x, t: ((x - t).square().mean() + n["eps"] ** 2).sqrt(),
    )
    yield _("the root is missing: the mean of the squares"), lambda x, t: (x - t).square().mean()


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


# ---- the KL divergence of a Gaussian from the standard one (Kingma and Welling, 2014)


def gaussian_kl(mu: Tensor, log_var: Tensor, over: str) -> Tensor:
    each = -0.5 * (1 + log_var - mu.square() - log_var.exp())
    return REDUCTIONS[over](each)


def _gaussian_kl_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    over = n["over"]
    yield (
        _("the log-variance is taken for the logarithm of the standard deviation"),
        lambda m, v: gaussian_kl(m, 2 * v, over),
    )
    yield _("the standard deviation is taken for the variance"), lambda m, v: gaussian_kl(m, v / 2, over)
    yield _("the factor ½ is missing"), lambda m, v: 2 * gaussian_kl(m, v, over)
    yield _("the sign is wrong"), lambda m, v: -gaussian_kl(m, v, over)
    for other, says in (
        ("mean", _("the mean over all elements")),
        ("sum", _("the sum over everything")),
        ("batchmean", _("the sum over each sample, and the mean over the batch")),
    ):
        yield says, partial(gaussian_kl, over=other)


# ---- quantile loss (Koenker and Bassett, 1978) and log-cosh


def quantile(x: Tensor, t: Tensor, q: float) -> Tensor:
    e = t - x
    return torch.maximum(q * e, (q - 1) * e).mean()


def _quantile_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    q = n["q"]
    yield _("the quantile is turned round: q and 1 − q change places"), partial(quantile, q=1 - q)
    yield _("q is not used: half the absolute error"), partial(quantile, q=0.5)
    yield _("the absolute error times q: both sides weigh alike"), lambda x, t: q * (t - x).abs().mean()
    yield _("negative errors cost nothing"), lambda x, t: (q * (t - x)).clamp(min=0).mean()
    yield _("the sign of the other branch is wrong"), lambda x, t: torch.maximum(q * (t - x), (1 - q) * (t - x)).mean()


MEANS = ("mean", "sum", "none")
KNOWN = (
    Known(
        focal, _grid(gamma=(2.0, 1.0, 3.0, 1.5, 0.5, 5.0), alpha=(None, 0.25, 0.75, 0.5), reduction=MEANS), _focal_slips
    ),
    Known(dice, _grid(smooth=(1.0, 0.0, 1e-6, 1e-5, 1e-8, 1e-7), logits=(False, True), each=(False, True)), dice_slips),
    Known(
        tversky,
        _grid(
            a=(0.3, 0.5, 0.7, 1.0),
            b=(0.7, 0.5, 0.3, 1.0),
            smooth=(1.0, 0.0, 1e-6, 1e-5),
            logits=(False, True),
            each=(False, True),
        ),
        tversky_slips,
    ),
    Known(nt_xent, _grid(T=(0.5, 0.1, 0.07, 1.0, 0.2)), nt_xent_slips),
    Known(rmse, _grid(eps=(0.0, 1e-8, 1e-6, 1e-12, 1e-10, 1e-5, 1e-4)), _rmse_slips),
    Known(charbonnier, _grid(eps=(1e-3, 1e-6, 1e-2, 1e-4, 1.0)), _charbonnier_slips),
    Known(masked_mse, ({},), _masked_slips),
    Known(gaussian_kl, _grid(over=("mean", "sum", "batchmean")), _gaussian_kl_slips),
    Known(distillation, _grid(T=(2.0, 4.0, 3.0, 1.0, 5.0, 10.0), square=(True, False)), _distillation_slips),
    Known(contrastive, _grid(margin=(1.0, 2.0, 0.5), half=(False, True), similar=(1, 0)), contrastive_slips),
    Known(info_nce, _grid(T=(0.1, 0.07, 0.5, 1.0, 0.2, 0.05), both=(False, True)), info_nce_slips),
    Known(quantile, _grid(q=(0.9, 0.1, 0.5, 0.25, 0.75, 0.95, 0.05)), _quantile_slips),
)
