"""Slips in losses of classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from ..subject.reference import Reference
from .slip import EPSILONS, Loss, Slip, reduction_of


def of_cross_entropy(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    page = "guide/cross-entropy"
    weight, smoothing = settings.get("weight"), settings.get("label_smoothing", 0.0)
    ignored = settings.get("ignore_index", -100)
    reduce = reduction_of(settings)
    each = reference.bound({**settings, "reduction": "none"})[0]
    right = reference.bound(settings)[0]

    def kept(x: Tensor, t: Tensor) -> Tensor:
        return t != ignored

    if isinstance(weight, Tensor):
        w = weight.double()
        yield Slip(_("the class weights are not divided out: the mean divides by N, not by the sum of the weights"),
                   lambda x, t: each(x, t).sum() / kept(x, t).sum(), ("mean", "div"), page)  # fmt: skip
        yield Slip(_("the class weights are not divided out, and ignored targets count too"),
                   lambda x, t: each(x, t).sum() / t.numel(), ("mean", "div"), page)  # fmt: skip
    yield Slip(_("ignored targets count in what the mean divides by"),
               lambda x, t: each(x, t).sum() / t.numel(), ("mean", "div"), page)  # fmt: skip
    if isinstance(weight, Tensor):
        yield Slip(_("the mean divides by the sum of all class weights, not by those of the targets"),
                   lambda x, t: each(x, t).sum() / w.sum(), ("sum", "div"), page)  # fmt: skip
    if isinstance(weight, Tensor):
        yield Slip(_("the class weights were broadcast from (N) to (N, N): every weight meets every sample"),
                   lambda x, t: reference.bound({**settings, "weight": None})[0](x, t) * (w[t.clamp(min=0)]).mean(), (), page)  # fmt: skip
    if reference.entry.name != "cross_entropy":
        for eps in EPSILONS:
            yield Slip(_("log-probabilities are taken for probabilities: their logarithm is taken once more"),
                       lambda x, t, eps=eps: right(x.clamp(min=eps).log(), t), ("log",), "guide/nll")  # fmt: skip
        return

    def smoothed(other: Callable[[int, float], float], own: Callable[[int, float], float]) -> Loss:
        def loss(x: Tensor, t: Tensor) -> Tensor:
            log_p = x.log_softmax(1)
            c = x.shape[1]
            rows = t.clamp(min=0).unsqueeze(1)
            p = torch.full_like(log_p, other(c, smoothing)).scatter(1, rows, own(c, smoothing))
            losses = -(p * log_p).sum(1)
            return reduce(losses[kept(x, t)] if settings.get("reduction", "mean") != "none" else losses)

        return loss

    if smoothing:
        yield Slip(_("label smoothing spreads ε over the C − 1 wrong classes, not over all C: ε/(C − 1)"),
                   smoothed(lambda c, e: e / (c - 1), lambda c, e: 1 - e), (), page)  # fmt: skip
        yield Slip(_("label smoothing leaves 1 − ε at the true class, without its share ε/C"),
                   smoothed(lambda c, e: e / c, lambda c, e: 1 - e), (), page)  # fmt: skip
        yield Slip(_("label smoothing spreads ε/C but keeps 1 at the true class"),
                   smoothed(lambda c, e: e / c, lambda c, e: 1.0), (), page)  # fmt: skip
        yield Slip(_("label smoothing takes the sum over the classes where it should take the mean"),
                   smoothed(lambda c, e: e, lambda c, e: 1.0), ("sum",), page)  # fmt: skip
        yield Slip(_("the smoothing term is added without the factor 1 − ε on the rest"),
                   smoothed(lambda c, e: e / c, lambda c, e: 1 + e / c), (), page)  # fmt: skip
        yield Slip(_("label smoothing divides ε by C − 2"),
                   smoothed(lambda c, e: e / max(c - 2, 1), lambda c, e: 1 - e), (), page)  # fmt: skip

        def padded(x: Tensor, t: Tensor) -> Tensor:
            log_p = x.log_softmax(1)
            nll = -log_p.gather(1, t.clamp(min=0).unsqueeze(1)).squeeze(1) * kept(x, t)
            return ((1 - smoothing) * nll.sum() - smoothing * log_p.mean(1).sum()) / kept(x, t).sum()

        yield Slip(_("the smoothing term keeps the ignored targets"), padded, (), page)
        if isinstance(weight, Tensor):

            def unweighted(x: Tensor, t: Tensor) -> Tensor:
                log_p = x.log_softmax(1)
                own = w[t.clamp(min=0)] * kept(x, t)
                nll = -(own * log_p.gather(1, t.clamp(min=0).unsqueeze(1)).squeeze(1)).sum() / own.sum()
                return (1 - smoothing) * nll + smoothing * -(log_p.mean(1) * kept(x, t)).sum() / kept(x, t).sum()

            yield Slip(_("the smoothing term is not weighted"), unweighted, (), page)

    def nll(x: Tensor, t: Tensor) -> Tensor:
        return torch.nn.functional.nll_loss(x, t, **_nll_settings(settings))

    yield Slip(_("log-softmax goes over dimension 0, the batch, and not over the classes"),
               lambda x, t: nll(x.log_softmax(0), t), ("log_softmax", "softmax", "logsumexp"), page)  # fmt: skip
    yield Slip(_("log-softmax goes over the last dimension, not over the classes"),
               lambda x, t: nll(x.log_softmax(-1), t), ("log_softmax", "softmax", "logsumexp"), page)  # fmt: skip
    yield Slip(_("log-softmax is missing: the logits are taken for log-probabilities"), nll, (), "guide/nll")
    yield Slip(_("the logarithm is missing: the loss is minus the probability"),
               lambda x, t: nll(x.softmax(1), t), ("softmax",), "guide/nll")  # fmt: skip
    yield Slip(_("the loss is 1 minus the probability, without the logarithm"),
               lambda x, t: 1 + nll(x.softmax(1), t), ("softmax",), "guide/nll")  # fmt: skip

    for eps in EPSILONS:
        yield Slip(_("{eps:g} is added inside the logarithm").format(eps=eps),
                   lambda x, t, eps=eps: nll((x.softmax(1) + eps).log(), t), ("log", "add"), "guide/nll")  # fmt: skip
        yield Slip(_("probabilities are clamped at {eps:g}").format(eps=eps),
                   lambda x, t, eps=eps: nll(x.softmax(1).clamp(min=eps).log(), t), ("clamp", "log"), "guide/nll")  # fmt: skip

    def binary(x: Tensor, t: Tensor) -> Tensor:
        one_hot = torch.nn.functional.one_hot(t, x.shape[1]).to(x.dtype)
        return torch.nn.functional.binary_cross_entropy_with_logits(x, one_hot)

    yield Slip(_("it computes binary cross-entropy of each class instead"), binary, (), "guide/bce-with-logits")


def _nll_settings(settings: dict[str, Any]) -> dict[str, Any]:
    weight = settings.get("weight")
    return {
        "weight": weight.double() if isinstance(weight, Tensor) else None,
        "ignore_index": settings.get("ignore_index", -100),
        "reduction": settings.get("reduction", "mean"),
    }


def of_margins(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    reduce = reduction_of(settings)
    margin, p = settings.get("margin", 1.0), settings.get("p", 1)

    def hinges(x: Tensor, t: Tensor) -> Tensor:
        return (margin - x.gather(1, t.unsqueeze(1)) + x).clamp(min=0) ** p

    def others(x: Tensor, t: Tensor) -> Tensor:
        return hinges(x, t).scatter(1, t.unsqueeze(1), 0.0)

    yield Slip(_("the power p is taken after the sum over the classes"),
               lambda x, t: reduce((others(x, t) ** (1 / p)).sum(1) ** p / x.shape[1]), ("pow", "square"))  # fmt: skip
    yield Slip(_("a constant is added: the margin stands outside of the hinge"),
               lambda x, t: reduce(others(x, t).mean(1) + margin))  # fmt: skip
    yield Slip(_("the true class is compared with itself: margin too much"), lambda x, t: reduce(hinges(x, t).mean(1)))
    yield Slip(_("the sum over the classes is not divided by their number C"), lambda x, t: reduce(others(x, t).sum(1)))
    yield Slip(_("divided by C − 1 instead of C"), lambda x, t: reduce(others(x, t).sum(1) / (x.shape[1] - 1)))
    yield Slip(_("only the worst class counts"), lambda x, t: reduce(others(x, t).amax(1)), ("max", "amax"))
    yield Slip(
        _("the hinge is missing"),
        lambda x, t: reduce((margin - x.gather(1, t.unsqueeze(1)) + x).scatter(1, t.unsqueeze(1), 0.0).mean(1)),
    )
