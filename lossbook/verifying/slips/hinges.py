"""Slips in losses with a margin: of ranks, of pairs, of classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..subject.reference import Reference
from .slip import Loss, Slip, reduction_of, slips_of


@slips_of("margin_ranking")
def margin_ranking(reference: Reference, settings: Settings) -> Iterator[Slip]:
    reduce, margin = reduction_of(settings), settings["margin"]

    def ranked(f: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        return lambda a, b, y: reduce(f(a - b, y))

    yield Slip(
        _("the margin stands outside of the hinge: a constant is added"),
        ranked(lambda d, y: (-y * d).clamp(min=0) + margin),
    )
    yield Slip(_("the margin is missing"), ranked(lambda d, y: (-y * d).clamp(min=0)))
    yield Slip(_("the margin is subtracted, not added"), ranked(lambda d, y: (-y * d - margin).clamp(min=0)))
    yield Slip(_("the sign is wrong: the lower score should win"), ranked(lambda d, y: (y * d + margin).clamp(min=0)))
    yield Slip(
        _("the hinge is missing: pairs in the right order cost less than 0"), ranked(lambda d, y: -y * d + margin)
    )
    yield Slip(_("the target is not used"), ranked(lambda d, y: (-d + margin).clamp(min=0)))
    yield Slip(
        _("labels 0 and 1 are expected where −1 and 1 come"),
        ranked(lambda d, y: (-((y + 1) / 2) * d + margin).clamp(min=0)),
    )


@slips_of("hinge_embedding")
def hinge_embedding(reference: Reference, settings: Settings) -> Iterator[Slip]:
    reduce, margin = reduction_of(settings), settings["margin"]

    def embedded(near: Callable[[Tensor], Tensor], far: Callable[[Tensor], Tensor]) -> Loss:
        return lambda x, y: reduce(torch.where(y == 1, near(x), far(x)))

    def hinge(x: Tensor) -> Tensor:
        return (margin - x).clamp(min=0)

    yield Slip(
        _("the classification hinge max(0, m − y·x) instead"), lambda x, y: reduce((margin - y * x).clamp(min=0))
    )
    yield Slip(_("labels 0 and 1 are expected where −1 and 1 come"), lambda x, y: reduce(y * x + (1 - y) * hinge(x)))
    yield Slip(_("the labels are flipped: 1 and −1 are swapped"), embedded(hinge, lambda x: x))
    yield Slip(_("the hinge is missing"), embedded(lambda x: x, lambda x: margin - x))
    yield Slip(_("the hinge is squared"), embedded(lambda x: x * x, lambda x: hinge(x) ** 2))
    yield Slip(_("dissimilar pairs cost nothing"), embedded(lambda x: x, lambda x: 0 * x))
    yield Slip(_("the other pairs count as 0, and still in the mean"), embedded(lambda x: 0 * x, hinge))


@slips_of("multi_margin")
def multi_margin(reference: Reference, settings: Settings) -> Iterator[Slip]:
    reduce, margin, p = reduction_of(settings), settings["margin"], settings["p"]

    def apart(x: Tensor, t: Tensor) -> Tensor:
        return margin - x.gather(1, t.unsqueeze(1)) + x

    def hinges(x: Tensor, t: Tensor) -> Tensor:
        return apart(x, t).clamp(min=0) ** p

    def others(x: Tensor, t: Tensor) -> Tensor:
        return hinges(x, t).scatter(1, t.unsqueeze(1), 0.0)

    yield Slip(
        _("the power p is taken after the sum over the classes"),
        lambda x, t: reduce((others(x, t) ** (1 / p)).sum(1) ** p / x.shape[1]),
        operations=("pow", "square"),
    )
    yield Slip(
        _("a constant is added: the margin stands outside of the hinge"),
        lambda x, t: reduce(others(x, t).mean(1) + margin),
    )
    yield Slip(
        _("the true class is compared with itself: one margin too many in the sum"),
        lambda x, t: reduce(hinges(x, t).mean(1)),
    )
    yield Slip(_("the sum over the classes is not divided by their number C"), lambda x, t: reduce(others(x, t).sum(1)))
    yield Slip(_("divided by C − 1 instead of C"), lambda x, t: reduce(others(x, t).sum(1) / (x.shape[1] - 1)))
    yield Slip(_("only the worst class counts"), lambda x, t: reduce(others(x, t).amax(1)), operations=("max", "amax"))
    yield Slip(_("the hinge is missing"), lambda x, t: reduce(apart(x, t).scatter(1, t.unsqueeze(1), 0.0).mean(1)))
