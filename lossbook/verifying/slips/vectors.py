"""Slips in losses of distance and similarity."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ..subject.reference import Reference
from .slip import Loss, Slip, reduction_of, slips_of

BROADCAST = "what-is-a-loss/l1-and-mse"


@slips_of("cosine_embedding")
def cosine_embedding(reference: Reference, settings: Settings) -> Iterator[Slip]:
    reduce, margin = reduction_of(settings), settings["margin"]
    right = F.cosine_similarity

    def hinge(c: Tensor) -> Tensor:
        return (c - margin).clamp(min=0)

    def with_cosine(how: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        return lambda a, b, y: reduce(torch.where(y == 1, 1 - how(a, b), hinge(how(a, b))))

    def with_costs(near: Callable[[Tensor], Tensor], far: Callable[[Tensor], Tensor]) -> Loss:
        return lambda a, b, y: reduce(torch.where(y == 1, near(right(a, b)), far(right(a, b))))

    yield Slip(
        _("the cosine is taken over dimension 0, the batch"),
        with_cosine(lambda a, b: right(a, b, dim=0)),
        operations=("cosine_similarity", "normalize", "norm"),
    )
    yield Slip(
        _("the vectors are not divided by their lengths: a dot product, not a cosine"),
        with_cosine(lambda a, b: (a * b).sum(-1)),
        operations=("mul", "sum", "matmul"),
    )
    yield Slip(
        _("labels 0 and 1 are expected where −1 and 1 come"),
        lambda a, b, y: reduce(y * (1 - right(a, b)) + (1 - y) * hinge(right(a, b))),
    )
    yield Slip(
        _("the product is divided by the length of one vector twice, not by both lengths"),
        with_cosine(lambda a, b: (a * b).sum(-1) / (a * a).sum(-1).clamp(min=1e-8)),
        operations=("norm", "div"),
    )

    def tables(a: Tensor, b: Tensor, y: Tensor) -> Tensor:
        column = right(a, b).unsqueeze(1)
        return torch.where(y == 1, 1 - column, hinge(column)).mean()

    says = _("the target was broadcast from (N,) to (N, N): every cosine meets every label")
    yield Slip(says, tables, page=BROADCAST)
    yield Slip(_("similar pairs cost the cosine instead of 1 − cosine"), with_costs(lambda c: c, hinge))
    for says, far in (
        (_("the hinge is missing: dissimilar pairs cost less than 0"), lambda c: c - margin),
        (_("the margin stands outside of the hinge: a constant is added"), lambda c: c.clamp(min=0) - margin),
        (_("dissimilar pairs cost 1 − cosine too"), lambda c: 1 - c),
        (
            _("the hinge is reversed: dissimilar pairs cost max(0, margin − cosine)"),
            lambda c: (margin - c).clamp(min=0),
        ),
        (_("dissimilar pairs cost nothing"), lambda c: 0 * c),
        (_("the margin is added, not subtracted"), lambda c: (c + margin).clamp(min=0)),
    ):
        yield Slip(says, with_costs(lambda c: 1 - c, far))


Distance = Callable[[Tensor, Tensor], Tensor]


@slips_of("triplet_margin", "triplet_margin_with_distance")
def triplet_margin(reference: Reference, settings: Settings) -> Iterator[Slip]:
    eps, p = settings.get("eps", 1e-6), settings.get("p", 2)

    def distance(x: Tensor, y: Tensor, dim: int = -1) -> Tensor:
        return torch.linalg.vector_norm(x - y + eps, ord=p, dim=dim)

    yield from _of_distances(settings, distance)
    yield from _of_triplets(settings, distance)


def _of_distances(settings: Settings, distance: Callable[..., Tensor]) -> Iterator[Slip]:
    reduce, margin = reduction_of(settings), settings["margin"]

    def triplets(distance: Distance) -> Loss:
        return lambda a, near, far: reduce((distance(a, near) - distance(a, far) + margin).clamp(min=0))

    yield Slip(
        _("squared distances: the root is missing"),
        triplets(lambda x, y: (x - y).square().sum(-1)),
        operations=("square", "pow", "sum"),
    )
    yield Slip(
        _("squared distances, averaged over the coordinates"),
        triplets(lambda x, y: (x - y).square().mean(-1)),
        operations=("mse_loss", "mean"),
    )
    yield Slip(
        _("the distances of absolute values (p = 1)"),
        triplets(lambda x, y: (x - y).abs().sum(-1)),
        operations=("abs",),
    )
    yield Slip(
        _("cosine distances instead of Euclidean ones"),
        triplets(lambda x, y: 1 - F.cosine_similarity(x, y)),
        operations=("cosine_similarity",),
    )
    yield Slip(
        _("the distances go over dimension 0, the batch, and not over the coordinates"),
        triplets(lambda x, y: distance(x, y, dim=0)),
        operations=("norm", "vector_norm", "pairwise_distance", "sum"),
    )
    yield Slip(
        _("the distance goes over all samples at once"),
        lambda a, near, far: ((a - near).norm() - (a - far).norm() + margin).clamp(min=0),
        operations=("norm",),
    )


def _of_triplets(settings: Settings, distance: Distance) -> Iterator[Slip]:
    reduce, margin = reduction_of(settings), settings["margin"]

    def apart(a: Tensor, near: Tensor, far: Tensor) -> Tensor:
        return distance(a, near) - distance(a, far)

    def triplets(cost: Callable[[Tensor], Tensor]) -> Loss:
        """With this cost of a triplet whose positive is farther than its negative by d."""
        return lambda a, near, far: reduce(cost(apart(a, near, far)))

    def tables(a: Tensor, near: Tensor, far: Tensor) -> Tensor:
        every = distance(a, near).unsqueeze(1) - distance(a, far).unsqueeze(0)
        return (every + margin).clamp(min=0).mean()

    def wrong_swap(a: Tensor, near: Tensor, far: Tensor) -> Tensor:
        farther = torch.maximum(distance(a, far), distance(near, far))
        return reduce((distance(a, near) - farther + margin).clamp(min=0))

    yield Slip(_("the margin is missing"), triplets(lambda d: d.clamp(min=0)))
    says = _("the distances were broadcast from (N,) to (N, N): every positive meets every negative")
    yield Slip(says, tables, page=BROADCAST)
    yield Slip(
        _("the margin stands outside of the hinge: a constant is added"), triplets(lambda d: d.clamp(min=0) + margin)
    )
    yield Slip(
        _("with swap the larger distance counts, where it should be the smaller one (max instead of min)"),
        wrong_swap,
        operations=("maximum", "max"),
    )
    yield Slip(_("the margin is subtracted, not added"), triplets(lambda d: (d - margin).clamp(min=0)))
    yield Slip(_("the hinge is missing: easy triplets cost less than 0"), triplets(lambda d: d + margin))
    yield Slip(_("positive and negative are exchanged"), triplets(lambda d: (-d + margin).clamp(min=0)))
    yield Slip(
        _("the hinge is taken after the mean, not for each triplet"),
        lambda a, near, far: (apart(a, near, far) + margin).mean().clamp(min=0),
    )
    yield Slip(_("softplus instead of the hinge"), triplets(lambda d: F.softplus(d + margin)), operations=("softplus",))
