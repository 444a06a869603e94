"""Slips in losses of order, distance and similarity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...language import gettext as _
from ..subject.reference import Reference
from .slip import Loss, Slip, page_of, reduction_of


def of_vectors(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    name, page = reference.entry.name, page_of(reference)
    reduce = reduction_of(settings)
    margin = settings.get("margin", 0.0 if name == "cosine_embedding" else 1.0)
    if name == "cosine_embedding":

        def cosines(how: Callable[[Tensor, Tensor], Tensor], near: Callable, far: Callable) -> Loss:
            return lambda x1, x2, y: reduce(torch.where(y == 1, near(how(x1, x2)), far(how(x1, x2))))

        right = torch.nn.functional.cosine_similarity
        hinge = lambda c: (c - margin).clamp(min=0)  # noqa: E731
        yield Slip(
            _("the cosine is taken over dimension 0, the batch"),
            cosines(lambda a, b: right(a, b, dim=0), lambda c: 1 - c, hinge),
            ("cosine_similarity", "normalize", "norm"),
            page,
        )
        yield Slip(
            _("the vectors are not divided by their lengths: a dot product, not a cosine"),
            cosines(lambda a, b: (a * b).sum(-1), lambda c: 1 - c, hinge),
            ("mul", "sum", "matmul"),
            page,
        )
        yield Slip(
            _("labels 0 and 1 are expected where −1 and 1 come"),
            lambda a, b, y: reduce(y * (1 - right(a, b)) + (1 - y) * hinge(right(a, b))),
            (),
            page,
        )
        yield Slip(
            _("the product is divided by the length of one vector twice, not by both lengths"),
            cosines(lambda a, b: (a * b).sum(-1) / (a * a).sum(-1).clamp(min=1e-8), lambda c: 1 - c, hinge),
            ("norm", "div"),
            page,
        )
        yield Slip(
            _("the target was broadcast from (N) to (N, N): every cosine meets every label"),
            lambda a, b, y: torch.where(y == 1, 1 - right(a, b).unsqueeze(1), hinge(right(a, b).unsqueeze(1))).mean(),
            (),
            "what-is-a-loss/l1-and-mse",
        )
        yield Slip(
            _("similar pairs cost the cosine instead of 1 − cosine"), cosines(right, lambda c: c, hinge), (), page
        )
        yield Slip(
            _("the hinge is missing: dissimilar pairs cost less than 0"),
            cosines(right, lambda c: 1 - c, lambda c: c - margin),
            (),
            page,
        )
        yield Slip(
            _("the margin stands outside of the hinge: a constant is added"),
            cosines(right, lambda c: 1 - c, lambda c: c.clamp(min=0) - margin),
            (),
            page,
        )
        yield Slip(
            _("dissimilar pairs cost 1 − cosine too"),
            cosines(right, lambda c: 1 - c, lambda c: (margin - c).clamp(min=0)),
            (),
            page,
        )
        yield Slip(_("dissimilar pairs cost nothing"), cosines(right, lambda c: 1 - c, lambda c: 0 * c), (), page)
        yield Slip(
            _("the margin is added, not subtracted"),
            cosines(right, lambda c: 1 - c, lambda c: (c + margin).clamp(min=0)),
            (),
            page,
        )
        return
    if not name.startswith("triplet"):
        return
    eps, p = settings.get("eps", 1e-6), settings.get("p", 2)

    def triplets(distance: Callable, hinge: Callable) -> Loss:
        return lambda a, pos, neg: reduce(hinge(distance(a, pos), distance(a, neg), distance(pos, neg)))

    def plain(x: Tensor, y: Tensor) -> Tensor:
        return torch.linalg.vector_norm(x - y + eps, ord=p, dim=-1)

    right = lambda near, far, other: (near - far + margin).clamp(min=0)  # noqa: E731
    squared = lambda x, y: (x - y).square().sum(-1)  # noqa: E731
    yield Slip(_("squared distances: the root is missing"), triplets(squared, right), ("square", "pow", "sum"), page)
    yield Slip(
        _("squared distances, averaged over the coordinates"),
        triplets(lambda x, y: (x - y).square().mean(-1), right),
        ("mse_loss", "mean"),
        page,
    )
    yield Slip(
        _("the distances of absolute values (p = 1)"),
        triplets(lambda x, y: (x - y).abs().sum(-1), right),
        ("abs",),
        page,
    )
    yield Slip(
        _("cosine distances instead of Euclidean ones"),
        triplets(lambda x, y: 1 - torch.nn.functional.cosine_similarity(x, y), right),
        ("cosine_similarity",),
        page,
    )
    yield Slip(_("the margin is missing"), triplets(plain, lambda n, f, o: (n - f).clamp(min=0)), (), page)
    yield Slip(
        _("the distances were broadcast from (N) to (N, N): every positive meets every negative"),
        lambda a, pos, neg: (plain(a, pos).unsqueeze(1) - plain(a, neg).unsqueeze(0) + margin).clamp(min=0).mean(),
        (),
        "what-is-a-loss/l1-and-mse",
    )
    yield Slip(
        _("the margin stands outside of the hinge: a constant is added"),
        triplets(plain, lambda n, f, o: (n - f).clamp(min=0) + margin),
        (),
        page,
    )
    yield Slip(
        _("the distances go over dimension 0, the batch, and not over the coordinates"),
        triplets(lambda x, y: torch.linalg.vector_norm(x - y + eps, ord=p, dim=0), right),
        ("norm", "vector_norm", "pairwise_distance", "sum"),
        page,
    )
    yield Slip(
        _("with swap the larger distance counts, where it should be the smaller one (max instead of min)"),
        triplets(plain, lambda n, f, o: (n - torch.maximum(f, o) + margin).clamp(min=0)),
        ("maximum", "max"),
        page,
    )
    yield Slip(
        _("the margin is subtracted, not added"),
        triplets(plain, lambda n, f, o: (n - f - margin).clamp(min=0)),
        (),
        page,
    )
    yield Slip(
        _("the hinge is missing: easy triplets cost less than 0"),
        triplets(plain, lambda n, f, o: n - f + margin),
        (),
        page,
    )
    yield Slip(
        _("positive and negative are exchanged"),
        triplets(plain, lambda n, f, o: (f - n + margin).clamp(min=0)),
        (),
        page,
    )
    yield Slip(
        _("the hinge is taken after the mean, not for each triplet"),
        lambda a, pos, neg: (plain(a, pos) - plain(a, neg) + margin).mean().clamp(min=0),
        (),
        page,
    )
    yield Slip(
        _("softplus instead of the hinge"),
        triplets(plain, lambda n, f, o: torch.nn.functional.softplus(n - f + margin)),
        ("softplus",),
        page,
    )
    yield Slip(
        _("the distance goes over all samples at once"),
        lambda a, pos, neg: ((a - pos).norm() - (a - neg).norm() + margin).clamp(min=0),
        ("norm",),
        page,
    )


def of_hinges(reference: Reference, settings: dict[str, Any]) -> Iterator[Slip]:
    name, page = reference.entry.name, page_of(reference)
    reduce = reduction_of(settings)
    margin = settings.get("margin", 0.0 if name == "margin_ranking" else 1.0)
    if name == "margin_ranking":

        def ranked(f: Callable) -> Loss:
            return lambda a, b, y: reduce(f(a - b, y))

        yield Slip(
            _("the margin stands outside of the hinge: a constant is added"),
            ranked(lambda d, y: (-y * d).clamp(min=0) + margin),
            (),
            page,
        )
        yield Slip(_("the margin is missing"), ranked(lambda d, y: (-y * d).clamp(min=0)), (), page)
        yield Slip(
            _("the margin is subtracted, not added"), ranked(lambda d, y: (-y * d - margin).clamp(min=0)), (), page
        )
        yield Slip(
            _("the sign is wrong: the lower score should win"),
            ranked(lambda d, y: (y * d + margin).clamp(min=0)),
            (),
            page,
        )
        yield Slip(
            _("the hinge is missing: pairs in the right order cost less than 0"),
            ranked(lambda d, y: -y * d + margin),
            (),
            page,
        )
        yield Slip(_("the target is not used"), ranked(lambda d, y: (-d + margin).clamp(min=0)), (), page)
        yield Slip(
            _("labels 0 and 1 are expected where −1 and 1 come"),
            ranked(lambda d, y: (-((y + 1) / 2) * d + margin).clamp(min=0)),
            (),
            page,
        )
        return

    def embedded(near: Callable, far: Callable) -> Loss:
        return lambda x, y: reduce(torch.where(y == 1, near(x), far(x)))

    hinge = lambda x: (margin - x).clamp(min=0)  # noqa: E731
    yield Slip(
        _("the classification hinge max(0, m − y·x) instead"),
        lambda x, y: reduce((margin - y * x).clamp(min=0)),
        (),
        page,
    )
    yield Slip(
        _("labels 0 and 1 are expected where −1 and 1 come"),
        lambda x, y: reduce(y * x + (1 - y) * hinge(x)),
        (),
        page,
    )
    yield Slip(_("the labels are turned round: 1 and −1 change places"), embedded(hinge, lambda x: x), (), page)
    yield Slip(_("the hinge is missing"), embedded(lambda x: x, lambda x: margin - x), (), page)
    yield Slip(_("the hinge is squared"), embedded(lambda x: x * x, lambda x: hinge(x) ** 2), (), page)
    yield Slip(_("dissimilar pairs cost nothing"), embedded(lambda x: x, lambda x: 0 * x), (), page)
    yield Slip(_("the other pairs count as 0, and still in the mean"), embedded(lambda x: 0 * x, hinge), (), page)
