"""Slips in losses of boxes: IoU, GIoU, DIoU, CIoU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ...losses import _boxes as of
from ...losses._boxes import Corners, corners
from ...losses.ciou import angle, complete_box_iou_loss
from ...losses.diou import distance_box_iou_loss
from ...losses.giou import generalized_box_iou_loss
from ...losses.iou import box_iou_loss
from .slip import EPSILONS, Loss, reduction_of, slips_by_settings


def _shared(n: Settings, right: Callable[..., Tensor]) -> Iterator[tuple[str, Loss]]:
    """What people get wrong in the intersection and the union, whatever stands beside them."""
    eps, reduce = n["eps"], reduction_of(n)
    each: Loss = partial(right, **{**n, "reduction": "none"})

    def with_iou(iou: Callable[[Corners, Corners], Tensor]) -> Loss:
        def loss(a: Tensor, b: Tensor) -> Tensor:
            c, d = corners(a), corners(b)
            return reduce(each(a, b) + of.iou(c, d, eps) - iou(c, d))

        return loss

    def unclamped(a: Corners, b: Corners) -> Tensor:
        shared = of.product(torch.minimum(a.high, b.high) - torch.maximum(a.low, b.low))
        return shared / (of.area(a) + of.area(b) - shared + eps)

    def twice(a: Corners, b: Corners) -> Tensor:
        return of.shared_area(a, b) / (of.area(a) + of.area(b) + eps)

    yield (
        _("sides of the intersection below 0 are not set to 0: boxes that lie apart share an area"),
        with_iou(unclamped),
    )
    yield _("the intersection is counted twice in the union"), with_iou(twice)
    yield (
        _("the intersection is divided by the area of the true box alone"),
        with_iou(lambda a, b: of.shared_area(a, b) / (of.area(b) + eps)),
    )
    yield _("1 − is missing: the value grows with the quality"), lambda a, b: reduce(1 - each(a, b))
    yield _("the boxes are taken as centers and sizes"), lambda a, b: reduce(each(_corners(a), _corners(b)))
    for value in EPSILONS:
        yield (
            _("it computes with {name} = {value}").format(name="eps", value=value),
            partial(right, **{**n, "eps": value}),
        )


def _corners(box: Tensor) -> Tensor:
    center, size = box[..., :2], box[..., 2:]
    return torch.cat([center - size / 2, center + size / 2], dim=-1)


@slips_by_settings("iou")
def iou_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    reduce = reduction_of(n)
    yield (
        _("the logarithm of the IoU, as in UnitBox"),
        lambda a, b: -reduce(of.iou(corners(a), corners(b), n["eps"]).log()),
    )
    yield from _shared(n, box_iou_loss)


@slips_by_settings("giou")
def giou_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    eps, reduce = n["eps"], reduction_of(n)

    def with_part(part: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        """The loss with this share of the smallest box around both that is empty."""

        def loss(a: Tensor, b: Tensor) -> Tensor:
            c, d = corners(a), corners(b)
            return reduce(1 - of.iou(c, d, eps) + part(of.enclosing_area(c, d), _union(c, d)))

        return loss

    def exchanged(a: Tensor, b: Tensor) -> Tensor:
        c, d = corners(a), corners(b)
        return reduce(1 - of.iou(c, d, eps) + 1 - _union(c, d) / (of.shared_area(c, d) + eps))

    yield _("what is added is missing: the plain IoU loss"), partial(box_iou_loss, **n)
    yield _("what is added has the wrong sign"), with_part(lambda c, u: (u - c) / (c + eps))
    yield (
        _("the empty part is divided by the union, not by the smallest box"),
        with_part(lambda c, u: (c - u) / (u + eps)),
    )
    yield (
        _("the union is divided by the smallest box, and not subtracted from it"),
        with_part(lambda c, u: u / (c + eps)),
    )
    yield (
        _("the smallest box around both is made with min and max exchanged"),
        exchanged,
    )
    yield from _shared(n, generalized_box_iou_loss)


def _union(a: Corners, b: Corners) -> Tensor:
    return of.shared_and_union(a, b)[1]


@slips_by_settings("diou")
def diou_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    yield from _with_distance(n, distance_box_iou_loss)


@slips_by_settings("ciou")
def ciou_slips(n: Settings) -> Iterator[tuple[str, Loss]]:
    eps, reduce = n["eps"], reduction_of(n)
    plain = {name: value for name, value in n.items() if name not in ("iou_threshold", "v_gradient")}
    diou: Loss = partial(distance_box_iou_loss, **{**plain, "reduction": "none"})

    def with_v(weight: Callable[[Tensor, Tensor], Tensor], factor: float = 4 / torch.pi**2) -> Loss:
        def loss(a: Tensor, b: Tensor) -> Tensor:
            c, d = corners(a), corners(b)
            v = factor * (angle(d) - angle(c)).square()
            return reduce(diou(a, b) + weight(of.iou(c, d, eps), v) * v)

        return loss

    yield _("the proportions are missing: the DIoU loss"), partial(distance_box_iou_loss, **plain)
    yield (
        _("a gradient flows through alpha, which is a weight: detach it"),
        with_v(lambda iou, v: v / (1 - iou + v + eps)),
    )
    yield _("alpha is missing: v counts whole"), with_v(lambda iou, v: torch.ones_like(v))
    yield (
        _("the factor 4 / π² is missing"),
        with_v(lambda iou, v: (v / (1 - iou + v + eps)).detach(), factor=1.0),
    )
    yield _("alpha divides v by IoU + v, not by 1 − IoU + v"), with_v(lambda iou, v: (v / (iou + v + eps)).detach())
    for name, value in (
        ("iou_threshold", 0.0),
        ("iou_threshold", 0.5),
        ("v_gradient", "exact"),
        ("v_gradient", "unscaled"),
    ):
        says = _("it computes with {name} = {value}").format(name=name, value=value)
        yield says, partial(complete_box_iou_loss, **{**n, name: value})
    yield from _with_distance(n, complete_box_iou_loss)


def _with_distance(n: Settings, right: Callable[..., Tensor]) -> Iterator[tuple[str, Loss]]:
    eps, reduce = n["eps"], reduction_of(n)
    each: Loss = partial(right, **{**n, "reduction": "none"})

    def added(change: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        """The loss with another distance, a function of ρ² and d²."""

        def loss(a: Tensor, b: Tensor) -> Tensor:
            c, d = corners(a), corners(b)
            distance, diagonal = of.center_distance(c, d), of.enclosing_diagonal(c, d)
            return reduce(each(a, b) - distance / (diagonal + eps) + change(distance, diagonal))

        return loss

    yield (
        _("what is added is missing: the plain IoU loss"),
        lambda a, b: reduce(1 - of.iou(corners(a), corners(b), eps)),
    )
    yield _("the distance is not squared"), added(lambda p, d: p.sqrt() / (d.sqrt() + eps))
    yield _("the distance is not divided by the diagonal"), added(lambda p, d: p)
    yield _("what is added has the wrong sign"), added(lambda p, d: -p / (d + eps))
    yield (
        _("the centers are twice too far apart: the sum of the corners is not halved"),
        added(lambda p, d: 4 * p / (d + eps)),
    )
    yield from _shared(n, right)
