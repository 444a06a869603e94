"""Slips in focal losses (Lin et al., 2017), of yes or no and of one class of several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ...losses.focal import sigmoid_focal_loss
from ...losses.softmax_focal import softmax_focal_loss
from ..subject.reference import Reference
from .slip import REDUCTIONS, Loss, Slip, slips_of

Alpha = float | Tensor | None  #: the weight of a yes, or of each class


def _log_p(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """The log-probability of what is true, and what is true: 1 or 0 where the answer is yes or no."""
    if t.is_floating_point():
        return F.logsigmoid(x) * t + F.logsigmoid(-x) * (1 - t), t
    return x.log_softmax(1).gather(1, t.unsqueeze(1)).squeeze(1), t


def _alpha(x: Tensor, t: Tensor, alpha: Alpha) -> Tensor | float:
    if alpha is None:
        return 1.0
    if isinstance(alpha, Tensor):  # of each class
        return alpha[t]
    return alpha * t + (1 - alpha) * (1 - t) if t.is_floating_point() else alpha


def focal(x: Tensor, t: Tensor, gamma: float, alpha: Alpha, reduction: str) -> Tensor:
    if t.is_floating_point() and not isinstance(alpha, Tensor):
        return sigmoid_focal_loss(x, t, gamma=gamma, alpha=alpha, reduction=reduction)
    return REDUCTIONS[reduction](_alpha(x, t, alpha) * softmax_focal_loss(x, t, gamma=gamma, reduction="none"))


@slips_of("focal")
def sigmoid_focal(reference: Reference, settings: Settings) -> Iterator[Slip]:
    for says, loss in focal_slips(settings):
        yield Slip(says, loss)


@slips_of("softmax_focal")
def softmax_focal(reference: Reference, settings: Settings) -> Iterator[Slip]:
    for average, says in (
        ("samples", _("the mean divides by the number of samples")),
        ("weights", _("the mean divides by the sum of the weights")),
        ("elements", _("the mean goes over the classes too: it divides by samples times classes")),
    ):
        yield Slip(says, partial(softmax_focal_loss, **{**settings, "average": average}))
    for says, loss in focal_slips({**settings, "alpha": settings["weight"]}):
        yield Slip(says, loss)


def focal_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
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
        return (alpha if isinstance(alpha, float) else 1.0) * (1 - (-ce).exp()) ** gamma * ce

    def tables(x: Tensor, t: Tensor) -> Tensor:
        log_p, t = _log_p(x, t)
        weights = (1 - log_p.exp()).flatten() ** gamma
        return reduce(weights.unsqueeze(1) * -(_alpha(x, t, alpha) * log_p).flatten().unsqueeze(0))

    yield _("the weights were broadcast from (N,) to (N, N): every weight meets every sample"), tables
    yield _("p is taken from the mean of the cross-entropy, not from each sample"), of_mean
    yield _("p is taken from the mean of the cross-entropy, not from each sample"), of_plain_mean
    for other, says in (
        (1 - alpha if isinstance(alpha, float) else None, _("alpha weights the wrong class")),
        (None, _("alpha is not used")),
        (0.25, _("alpha = {alpha} is used").format(alpha=0.25)),
    ):
        yield says, partial(focal, gamma=gamma, alpha=other, reduction=n["reduction"])
    if isinstance(alpha, float):

        def everywhere(x: Tensor, t: Tensor) -> Tensor:
            return alpha * focal(x, t, gamma, None, n["reduction"])

        yield _("alpha weights both classes alike"), everywhere

        def inside(x: Tensor, t: Tensor) -> Tensor:
            ce = -_alpha(x, t, alpha) * _log_p(x, t)[0]
            return reduce((1 - (-ce).exp()) ** gamma * ce)

        yield _("p is taken from the weighted cross-entropy: alpha must not be in it"), inside
    for power in (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0):
        if power != gamma:
            says = _("it computes with {name} = {value}").format(name="gamma", value=power)
            yield says, partial(focal, gamma=power, alpha=alpha, reduction=n["reduction"])
