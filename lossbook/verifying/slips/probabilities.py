"""Slips in losses of probabilities: binary cross-entropy and KL divergence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from ..subject.reference import Reference
from .slip import EPSILONS, Loss, Slip, reduction_of


def of_binary(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    page = "guide/bce-with-logits"
    name = reference.entry.name
    reduce = reduction_of(settings)
    weight = settings.get("pos_weight")
    w = weight.double() if isinstance(weight, Tensor) else 1.0

    def logs(x: Tensor) -> tuple[Tensor, Tensor]:
        if name == "bce":
            return x.log().clamp(min=-100), (1 - x).log().clamp(min=-100)
        return torch.nn.functional.logsigmoid(x), torch.nn.functional.logsigmoid(-x)

    def mixed(a: Callable, b: Callable) -> Loss:
        def loss(x: Tensor, t: Tensor) -> Tensor:
            p, q = logs(x)
            return reduce(-(a(t) * p + b(t) * q))

        return loss

    if isinstance(weight, Tensor):
        yield Slip(_("pos_weight weighs both terms"), mixed(lambda t: w * t, lambda t: w * (1 - t)), (), page)
        yield Slip(_("pos_weight weighs the negative class"), mixed(lambda t: t, lambda t: w * (1 - t)), (), page)

        def divided(x: Tensor, t: Tensor) -> Tensor:
            p, q = logs(x)
            return -(w * t * p + (1 - t) * q).sum() / (w * t + (1 - t)).sum()

        yield Slip(_("the mean divides by the sum of the weights, not by N"), divided, (), page)
    yield Slip(
        _("the sign of the second term is wrong"), mixed(lambda t: w * t, lambda t: t - 1), ("sub", "neg"), "guide/bce"
    )
    yield Slip(
        _("the sign of the first term is wrong"), mixed(lambda t: -w * t, lambda t: 1 - t), ("sub", "neg"), "guide/bce"
    )
    yield Slip(_("the term (1 − y)·log(1 − p) is missing"), mixed(lambda t: w * t, lambda t: 0 * t), (), "guide/bce")
    yield Slip(_("the term y·log p is missing"), mixed(lambda t: 0 * t, lambda t: 1 - t), (), "guide/bce")
    if name == "bce_with_logits":

        def probabilities(x: Tensor, t: Tensor) -> Tensor:
            return reduce(-(w * t * x.log() + (1 - t) * (1 - x).log()))

        yield Slip(_("sigmoid is missing: the logits are taken for probabilities"), probabilities, ("log",), page)

        for dim in (-1, 0, 1):

            def over_classes(x: Tensor, t: Tensor, dim: int = dim) -> Tensor:
                p = x.softmax(dim)
                return reduce(-(w * t * p.log() + (1 - t) * (1 - p).log().clamp(min=-100)))

            yield Slip(_("softmax in the place of sigmoid: the labels compete"), over_classes, ("softmax",), page)

        for eps in EPSILONS:

            def bounded(x: Tensor, t: Tensor, eps: float = eps) -> Tensor:
                p = x.clamp(eps, 1 - eps)
                return reduce(-(w * t * p.log() + (1 - t) * (1 - p).log()))

            says = _("sigmoid is missing: the logits are clamped to [0, 1] and taken for probabilities")
            yield Slip(says, bounded, ("clamp", "clip"), page)

        def clipped(x: Tensor, t: Tensor) -> Tensor:
            return torch.nn.functional.binary_cross_entropy(x.clamp(0, 1), t) if reduce is torch.mean else x

        says = _("sigmoid is missing: the logits are clamped to [0, 1] and taken for probabilities")
        yield Slip(says, clipped, ("clamp", "clip"), page)

        def in_two(x: Tensor, t: Tensor) -> Tensor:
            p, q = x.sigmoid().log().clamp(min=-100), (1 - x.sigmoid()).log().clamp(min=-100)
            return reduce(-(w * t * p + (1 - t) * q))

        yield Slip(_("sigmoid first, then the logarithm: for large logits the probability is rounded to 0 or 1"), in_two, ("sigmoid", "log"), page)  # fmt: skip
    for eps in EPSILONS:

        def clamped(x: Tensor, t: Tensor, eps: float = eps) -> Tensor:
            p = (x if name == "bce" else x.sigmoid()).clamp(eps, 1 - eps)
            return reduce(-(w * t * p.log() + (1 - t) * (1 - p).log()))

        says = _("probabilities are clamped to [{eps:g}, 1 − {eps:g}]").format(eps=eps)
        yield Slip(says, clamped, ("clamp", "clip"), "guide/bce")

        def padded(x: Tensor, t: Tensor, eps: float = eps) -> Tensor:
            p = x if name == "bce" else x.sigmoid()
            return reduce(-(w * t * (p + eps).log() + (1 - t) * (1 - p + eps).log()))

        yield Slip(_("{eps:g} is added inside the logarithm").format(eps=eps), padded, ("log",), "guide/bce")


def of_kl(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    page = "guide/kl-divergence"
    own = settings.get("reduction", "mean")

    def reduce(e: Tensor) -> Tensor:
        return {"mean": e.mean, "sum": e.sum, "batchmean": lambda: e.sum() / e.shape[0], "none": lambda: e}[own]()

    def of(f: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        def loss(x: Tensor, t: Tensor) -> Tensor:
            return reduce(f(x, t.exp() if settings.get("log_target") else t))

        return loss

    yield Slip(
        _("the entropy of the target is missing: cross-entropy instead of divergence"),
        of(lambda x, p: -p * x),
        (),
        page,
    )
    yield Slip(
        _("the cross-entropy is missing: minus the entropy of the target only"),
        of(lambda x, p: torch.xlogy(p, p)),
        (),
        page,
    )
    yield Slip(
        _("the divergence the other way round, KL(q‖p): the two distributions are swapped"),
        of(lambda x, p: x.exp() * (x - p.log())),
        (),
        page,
    )
    yield Slip(
        _("the logarithm of q is missing: {code}").format(code="p·(log p − q)"),
        of(lambda x, p: p * (p.log() - x.exp())),
        (),
        page,
    )
    yield Slip(_("both logarithms are missing"), of(lambda x, p: p * (p - x.exp())), (), page)
    yield Slip(
        _("the logarithm of the log-probabilities is taken once more"),
        of(lambda x, p: p * (p.log() - x.exp().log().exp().log())),
        (),
        page,
    )
    yield Slip(_("the weight p in front of the logarithm is missing"), of(lambda x, p: p.log() - x), (), page)
    yield Slip(_("the symmetric divergence"), of(lambda x, p: p * (p.log() - x) + x.exp() * (x - p.log())), (), page)
    yield Slip(
        _("half of the symmetric divergence"),
        of(lambda x, p: 0.5 * (p * (p.log() - x) + x.exp() * (x - p.log()))),
        (),
        page,
    )
    for base, log in ((2, torch.log2), (10, torch.log10)):
        says = _("the logarithm has the base {base} (log{base}) where the natural one belongs").format(base=base)
        yield Slip(says, of(lambda x, p, log=log: p * (log(p) - x)), (f"log{base}",), page)
    yield Slip(
        _("softmax of the target, which holds probabilities already: applied twice"),
        of(lambda x, p: p.softmax(-1) * (p.softmax(-1).log() - x)),
        ("softmax",),
        page,
    )
    yield Slip(
        _("the prediction is normalized once more"),
        of(lambda x, p: p * (p.log() - x.softmax(-1).log())),
        ("softmax", "log_softmax"),
        page,
    )
