"""Slips in losses of probabilities: binary cross-entropy and KL divergence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..subject.reference import Reference
from .slip import EPSILONS, Loss, Slip, reduction_of, slips_of

BCE = "guide/bce"


Logs = Callable[[Tensor], tuple[Tensor, Tensor]]


def _logs(x: Tensor) -> tuple[Tensor, Tensor]:
    """log p and log(1 − p) of probabilities, cut off as in torch."""
    return x.log().clamp(min=-100), (1 - x).log().clamp(min=-100)


def _logs_of_logits(x: Tensor) -> tuple[Tensor, Tensor]:
    return F.logsigmoid(x), F.logsigmoid(-x)


def _weight(settings: Settings) -> Tensor | float:
    weight = settings.get("pos_weight")
    return weight.double() if isinstance(weight, Tensor) else 1.0


def _entropy(settings: Settings, logs: Logs, positive: Tensor | float, negative: Tensor | float = 1.0) -> Loss:
    """Binary cross-entropy from these logarithms, with these factors of its two terms."""
    reduce = reduction_of(settings)

    def loss(x: Tensor, t: Tensor) -> Tensor:
        log_p, log_q = logs(x)
        return reduce(-(positive * t * log_p + negative * (1 - t) * log_q))

    return loss


@slips_of("bce")
def bce(reference: Reference, settings: Settings) -> Iterator[Slip]:
    yield from _of_terms(settings, _logs)
    yield from _of_epsilons(settings, lambda x: x)


@slips_of("bce_with_logits")
def bce_with_logits(reference: Reference, settings: Settings) -> Iterator[Slip]:
    if isinstance(settings["pos_weight"], Tensor):
        yield from _of_pos_weight(settings)
    yield from _of_terms(settings, _logs_of_logits)
    yield from _of_sigmoid(settings)
    yield from _of_epsilons(settings, torch.sigmoid)


def _of_pos_weight(settings: Settings) -> Iterator[Slip]:
    weight = _weight(settings)
    yield Slip(_("pos_weight multiplies both terms"), _entropy(settings, _logs_of_logits, weight, weight))
    yield Slip(_("pos_weight multiplies the negative term"), _entropy(settings, _logs_of_logits, 1.0, weight))
    total = _entropy({**settings, "reduction": "sum"}, _logs_of_logits, weight)
    says = _("the mean divides by the sum of the weights, not by N")
    yield Slip(says, lambda x, t: total(x, t) / (weight * t + (1 - t)).sum())


def _of_terms(settings: Settings, logs: Logs) -> Iterator[Slip]:
    """Each of the two terms with the wrong sign, or missing."""
    weight, sign = _weight(settings), ("sub", "neg")
    says = _("the sign of the second term is wrong")
    yield Slip(says, _entropy(settings, logs, weight, -1.0), operations=sign, page=BCE)
    says = _("the sign of the first term is wrong")
    yield Slip(says, _entropy(settings, logs, -weight), operations=sign, page=BCE)
    yield Slip(_("the term (1 − y)·log(1 − p) is missing"), _entropy(settings, logs, weight, 0.0), page=BCE)
    yield Slip(_("the term y·log p is missing"), _entropy(settings, logs, 0.0), page=BCE)


def _of_sigmoid(settings: Settings) -> Iterator[Slip]:
    weight = _weight(settings)

    def of_probabilities(p: Callable[[Tensor], Tensor]) -> Loss:
        return _entropy(settings, lambda x: (p(x).log(), (1 - p(x)).log()), weight)

    def of_softmax(dim: int) -> Loss:
        return _entropy(settings, lambda x: (x.softmax(dim).log(), (1 - x.softmax(dim)).log().clamp(min=-100)), weight)

    says = _("sigmoid is missing: the logits are taken for probabilities")
    yield Slip(says, of_probabilities(lambda x: x), operations=("log",))
    says = _("softmax in the place of sigmoid: the labels compete")
    for dim in (-1, 0, 1):
        yield Slip(says, of_softmax(dim), operations=("softmax",))
    says = _("sigmoid is missing: the logits are clamped to [0, 1] and taken for probabilities")
    for eps in EPSILONS:
        yield Slip(says, of_probabilities(partial(torch.clamp, min=eps, max=1 - eps)), operations=("clamp", "clip"))
    clamped = partial(F.binary_cross_entropy, reduction=settings["reduction"])
    yield Slip(says, lambda x, t: clamped(x.clamp(0, 1), t), operations=("clamp", "clip"))
    yield Slip(
        _("sigmoid first, then the logarithm: for large logits the probability is rounded to 0 or 1"),
        _entropy(settings, lambda x: _logs(x.sigmoid()), weight),
        operations=("sigmoid", "log"),
    )


def _of_epsilons(settings: Settings, p: Callable[[Tensor], Tensor]) -> Iterator[Slip]:
    """Probabilities kept away from 0 and 1."""
    weight = _weight(settings)

    def clamped(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        inside = p(x).clamp(eps, 1 - eps)
        return inside.log(), (1 - inside).log()

    def padded(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
        return (p(x) + eps).log(), (1 - p(x) + eps).log()

    for eps in EPSILONS:
        says = _("probabilities are clamped to [{eps:g}, 1 − {eps:g}]").format(eps=eps)
        loss = _entropy(settings, partial(clamped, eps=eps), weight)
        yield Slip(says, loss, operations=("clamp", "clip"), page=BCE)
        says = _("{eps:g} is added inside the logarithm").format(eps=eps)
        yield Slip(says, _entropy(settings, partial(padded, eps=eps), weight), operations=("log",), page=BCE)


@slips_of("kl_div")
def kl_div(reference: Reference, settings: Settings) -> Iterator[Slip]:
    reduce = reduction_of(settings)

    def of(f: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        return lambda x, t: reduce(f(x, t.exp() if settings["log_target"] else t))

    says = _("the entropy of the target is missing: cross-entropy instead of divergence")
    yield Slip(says, of(lambda x, p: -p * x))
    says = _("the cross-entropy is missing: minus the entropy of the target only")
    yield Slip(says, of(lambda x, p: torch.xlogy(p, p)))
    says = _("the divergence the other way round, KL(q‖p): the two distributions are swapped")
    yield Slip(says, of(lambda x, p: x.exp() * (x - p.log())))
    says = _("the logarithm of q is missing: {code}").format(code="p·(log p − q)")
    yield Slip(says, of(lambda x, p: p * (p.log() - x.exp())))
    yield Slip(_("both logarithms are missing"), of(lambda x, p: p * (p - x.exp())))
    says = _("the logarithm of the log-probabilities is taken once more")
    yield Slip(says, of(lambda x, p: p * (p.log() - x.exp().log().exp().log())))
    yield Slip(_("the weight p in front of the logarithm is missing"), of(lambda x, p: p.log() - x))
    yield Slip(_("the symmetric divergence"), of(lambda x, p: p * (p.log() - x) + x.exp() * (x - p.log())))
    says = _("half of the symmetric divergence")
    yield Slip(says, of(lambda x, p: 0.5 * (p * (p.log() - x) + x.exp() * (x - p.log()))))

    def with_log(log: Callable[[Tensor], Tensor]) -> Loss:
        return of(lambda x, p: p * (log(p) - x))

    for base, log in ((2, torch.log2), (10, torch.log10)):
        says = _("the logarithm has the base {base} (log{base}) where the natural one belongs").format(base=base)
        yield Slip(says, with_log(log), operations=(f"log{base}",))
    yield Slip(
        _("softmax of the target, which holds probabilities already: applied twice"),
        of(lambda x, p: p.softmax(-1) * (p.softmax(-1).log() - x)),
        operations=("softmax",),
    )
    yield Slip(
        _("the prediction is normalized once more"),
        of(lambda x, p: p * (p.log() - x.softmax(-1).log())),
        operations=("softmax", "log_softmax"),
    )
