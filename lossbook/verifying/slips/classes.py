"""Slips in losses of classes."""

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

NLL, LOG_SOFTMAX = "guide/nll", ("log_softmax", "softmax", "logsumexp")


@slips_of("nll")
def nll(reference: Reference, settings: Settings) -> Iterator[Slip]:
    yield from _of_means(reference, settings)
    right = reference.bound(settings)[0]
    says = _("log-probabilities are taken for probabilities: their logarithm is taken once more")
    for eps in EPSILONS:
        yield Slip(says, lambda x, t, eps=eps: right(x.clamp(min=eps).log(), t), operations=("log",), page=NLL)


@slips_of("cross_entropy")
def cross_entropy(reference: Reference, settings: Settings) -> Iterator[Slip]:
    yield from _of_means(reference, settings)
    if settings["label_smoothing"]:
        yield from _of_smoothing(settings)
    yield from _of_softmax(settings)


def _of_means(reference: Reference, settings: Settings) -> Iterator[Slip]:
    """Wrong divisors of the mean, with class weights and ignored targets."""
    page = "guide/cross-entropy"
    weight, ignored = settings["weight"], settings["ignore_index"]
    each = reference.bound({**settings, "reduction": "none"})[0]

    def divided_by(count: Callable[[Tensor], Tensor | int]) -> Loss:
        """With probabilities as targets the mean divides by the number of samples, whatever their weights."""

        def loss(x: Tensor, t: Tensor) -> Tensor:
            losses = each(x, t)
            return losses.sum() / (losses.numel() if t.is_floating_point() else count(t))

        return loss

    of_all = Slip(
        _("ignored targets count in what the mean divides by"),
        divided_by(lambda t: t.numel()),
        operations=("mean", "div"),
        page=page,
    )
    if not isinstance(weight, Tensor):
        yield of_all
        return
    w = weight.double()
    yield Slip(
        _("the class weights are not divided out: the mean divides by N, not by the sum of the weights"),
        divided_by(lambda t: (t != ignored).sum()),
        operations=("mean", "div"),
        page=page,
    )
    yield Slip(
        _("the class weights are not divided out, and ignored targets count too"),
        divided_by(lambda t: t.numel()),
        operations=("mean", "div"),
        page=page,
    )
    yield of_all
    yield Slip(
        _("the mean divides by the sum of all class weights, not by those of the targets"),
        divided_by(lambda t: w.sum()),
        operations=("sum", "div"),
        page=page,
    )
    unweighted = reference.bound({**settings, "weight": None})[0]
    yield Slip(
        _("the class weights were broadcast from (N,) to (N, N): every weight meets every sample"),
        lambda x, t: unweighted(x, t) * (w[t.clamp(min=0)]).mean(),
        page=page,
    )


def _of_smoothing(settings: Settings) -> Iterator[Slip]:
    epsilon, ignored = settings["label_smoothing"], settings["ignore_index"]
    weight, reduce = settings["weight"], reduction_of(settings)

    def smoothed(other: Callable[[int], float], own: Callable[[int], float]) -> Loss:
        """With these probabilities of a wrong class and of the true one, by the number of classes."""

        def loss(x: Tensor, t: Tensor) -> Tensor:
            log_p, c = x.log_softmax(1), x.shape[1]
            p = torch.full_like(log_p, other(c)).scatter(1, t.clamp(min=0).unsqueeze(1), own(c))
            losses = -(p * log_p).sum(1)
            return reduce(losses if settings["reduction"] == "none" else losses[t != ignored])

        return loss

    yield Slip(
        _("the setting {name} is not used").format(name="label_smoothing"), smoothed(lambda c: 0.0, lambda c: 1.0)
    )
    yield Slip(
        _("label smoothing spreads ε over the C − 1 wrong classes, not over all C: ε/(C − 1)"),
        smoothed(lambda c: epsilon / (c - 1), lambda c: 1 - epsilon),
    )
    yield Slip(
        _("label smoothing leaves 1 − ε at the true class, without its share ε/C"),
        smoothed(lambda c: epsilon / c, lambda c: 1 - epsilon),
    )
    yield Slip(
        _("label smoothing spreads ε/C but keeps 1 at the true class"), smoothed(lambda c: epsilon / c, lambda c: 1)
    )
    yield Slip(
        _("label smoothing takes the sum over the classes where it should take the mean"),
        smoothed(lambda c: epsilon, lambda c: 1),
        operations=("sum",),
    )
    yield Slip(
        _("the smoothing term is added without the factor 1 − ε on the rest"),
        smoothed(lambda c: epsilon / c, lambda c: 1 + epsilon / c),
    )
    yield Slip(
        _("label smoothing divides ε by C − 2"), smoothed(lambda c: epsilon / max(c - 2, 1), lambda c: 1 - epsilon)
    )
    yield Slip(_("the smoothing term keeps the ignored targets"), partial(_padded, epsilon=epsilon, ignored=ignored))
    if isinstance(weight, Tensor):
        unweighted = partial(_unweighted, weight=weight.double(), epsilon=epsilon, ignored=ignored)
        yield Slip(_("the smoothing term is not weighted"), unweighted)


def _of_true_class(log_p: Tensor, t: Tensor) -> Tensor:
    return -log_p.gather(1, t.clamp(min=0).unsqueeze(1)).squeeze(1)


def _padded(x: Tensor, t: Tensor, *, epsilon: float, ignored: int) -> Tensor:
    log_p, kept = x.log_softmax(1), t != ignored
    nll = _of_true_class(log_p, t) * kept
    return ((1 - epsilon) * nll.sum() - epsilon * log_p.mean(1).sum()) / kept.sum()


def _unweighted(x: Tensor, t: Tensor, *, weight: Tensor, epsilon: float, ignored: int) -> Tensor:
    log_p, kept = x.log_softmax(1), t != ignored
    share = weight[t.clamp(min=0)] * kept
    nll = (share * _of_true_class(log_p, t)).sum() / share.sum()
    return (1 - epsilon) * nll + epsilon * -(log_p.mean(1) * kept).sum() / kept.sum()


def _of_softmax(settings: Settings) -> Iterator[Slip]:
    weight = settings["weight"]
    nll = partial(
        F.nll_loss,
        weight=weight.double() if isinstance(weight, Tensor) else None,
        ignore_index=settings["ignore_index"],
        reduction=settings["reduction"],
    )
    yield Slip(
        _("log-softmax goes over dimension 0, the batch, and not over the classes"),
        lambda x, t: nll(x.log_softmax(0), t),
        operations=LOG_SOFTMAX,
    )
    yield Slip(
        _("log-softmax goes over the last dimension, not over the classes"),
        lambda x, t: nll(x.log_softmax(-1), t),
        operations=LOG_SOFTMAX,
    )
    yield Slip(_("log-softmax is missing: the logits are taken for log-probabilities"), nll, page=NLL)
    yield Slip(
        _("the logarithm is missing: the loss is minus the probability"),
        lambda x, t: nll(x.softmax(1), t),
        operations=("softmax",),
        page=NLL,
    )
    yield Slip(
        _("the loss is 1 minus the probability, without the logarithm"),
        lambda x, t: 1 + nll(x.softmax(1), t),
        operations=("softmax",),
        page=NLL,
    )
    for eps in EPSILONS:
        yield Slip(
            _("{eps:g} is added inside the logarithm").format(eps=eps),
            lambda x, t, eps=eps: nll((x.softmax(1) + eps).log(), t),
            operations=("log", "add"),
            page=NLL,
        )
        yield Slip(
            _("probabilities are clamped at {eps:g}").format(eps=eps),
            lambda x, t, eps=eps: nll(x.softmax(1).clamp(min=eps).log(), t),
            operations=("clamp", "log"),
            page=NLL,
        )

    def binary(x: Tensor, t: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(x, F.one_hot(t, x.shape[1]).to(x.dtype))

    yield Slip(_("it computes binary cross-entropy of each class instead"), binary, page="guide/bce-with-logits")
