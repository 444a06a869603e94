"""Slips in losses of metric learning: contrastive, InfoNCE, NT-Xent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from ...kit.batches.batch import Settings
from ...language import gettext as _
from ...losses._by_similarity import similarities
from ...losses.arcface import arcface_loss
from ...losses.clip import clip_loss
from ...losses.contrastive import contrastive_loss, distances
from ...losses.info_nce import compared, info_nce_loss
from ...losses.nt_xent import nt_xent_loss
from ...losses.supervised_contrastive import supervised_contrastive_loss
from .slip import REDUCTIONS, Loss, slips_by_settings


@slips_by_settings("contrastive")
def contrastive(n: Settings) -> Iterator[tuple[str, Loss]]:
    margin, factor, power = n["margin"], 0.5 if n["half"] else 1.0, 2 if n["squared"] else 1
    reduce = REDUCTIONS[n["reduction"]]
    right: Loss = partial(contrastive_loss, **n)

    def of(near: Callable[[Tensor], Tensor], far: Callable[[Tensor], Tensor]) -> Loss:
        """The loss that these functions of the distance make."""

        def loss(a: Tensor, b: Tensor, y: Tensor) -> Tensor:
            d = distances(a, b, n["distance"])
            return factor * reduce(torch.where(y == n["similar"], near(d), far(d)))

        return loss

    def nearness(d: Tensor) -> Tensor:
        return d**power

    def hinge(d: Tensor) -> Tensor:
        return (margin - d).clamp(min=0)

    yield _("the labels are flipped: 0 and 1 are swapped"), partial(right, similar=1 - n["similar"])
    for far in (lambda d: -(d**power), lambda d: -d):
        yield _("the margin is missing: dissimilar pairs are pushed apart without end"), of(nearness, far)
    yield _("the margin is missing"), of(nearness, lambda d: (-d).clamp(min=0) ** power)
    if n["squared"]:
        yield _("the square of the hinge is missing"), of(nearness, hinge)
    yield (
        (_("the squares are missing") if n["squared"] else _("there are squares where none should be")),
        partial(right, squared=not n["squared"]),
    )
    yield (
        _("the margin is compared with the squared distance"),
        of(nearness, lambda d: (margin - d**2).clamp(min=0)),
    )
    yield _("the hinge is missing: far pairs cost something"), of(nearness, lambda d: (margin - d) ** power)
    yield _("dissimilar pairs cost nothing"), of(nearness, lambda d: 0 * d)
    yield _("the factor ½ is wrong"), partial(right, half=not n["half"])
    for measure, says in (
        ("cosine", _("cosine distances instead of Euclidean ones")),
        ("euclidean", _("Euclidean distances instead of cosine ones")),
    ):
        if measure != n["distance"]:
            yield says, partial(right, distance=measure)


@slips_by_settings("info_nce")
def info_nce(n: Settings) -> Iterator[tuple[str, Loss]]:
    T, normalize, in_batch = n["temperature"], n["normalize"], n["in_batch"]
    right: Loss = partial(info_nce_loss, **n)

    def of_scores(cost: Callable[[Tensor, Tensor], Tensor]) -> Loss:
        """The loss that this function makes of the scores of each query and the column of its own key."""

        def loss(a: Tensor, b: Tensor, negatives: Tensor | None = None) -> Tensor:
            similar, own = compared(a, b, negatives, normalize, in_batch)
            return cost(similar / T, own)

        return loss

    def without_own(scores: Tensor, own: Tensor) -> Tensor:
        right = F.one_hot(own, scores.shape[1]).bool()
        losses = scores.masked_fill(right, -torch.inf).logsumexp(1) - scores[right]
        return REDUCTIONS[n["reduction"]](losses)

    yield _("the vectors are not divided by their lengths"), partial(right, normalize=False)
    yield (
        _("softmax is applied twice: cross-entropy takes the scores themselves"),
        of_scores(lambda scores, own: F.cross_entropy(scores.softmax(1), own, reduction=n["reduction"])),
    )
    yield _("the temperature is missing"), partial(right, temperature=1.0)
    yield _("the temperature multiplies where it should divide"), partial(right, temperature=1 / T)
    yield _("the other direction counts: rows and columns are exchanged"), lambda a, b, *more: right(b, a, *more)
    yield (
        _("the two directions are averaged, where only one should count"),
        partial(clip_loss, temperature=T),
    )
    yield (
        _("the vectors are normalized over dimension 0, the batch"),
        lambda a, b, *more: right(*(F.normalize(x, dim=0) for x in (a, b, *more)), normalize=False),
    )
    yield _("the query's own key is missing from the sum: only the negatives are in it"), of_scores(without_own)
    says = _("the keys of the other queries count as negatives, too")
    yield (
        (_("the keys of the other queries are no negatives") if in_batch else says),
        partial(right, in_batch=not in_batch),
    )


@slips_by_settings("clip")
def clip(n: Settings) -> Iterator[tuple[str, Loss]]:
    T, normalize = n["temperature"], n["normalize"]
    right: Loss = partial(clip_loss, **n)
    one_way: Loss = partial(info_nce_loss, temperature=T, normalize=normalize, reduction=n["reduction"])

    def twice(a: Tensor, b: Tensor) -> Tensor:
        scores, own = similarities(a, b, normalize) / T, torch.arange(len(a))
        return (F.cross_entropy(scores.softmax(1), own) + F.cross_entropy(scores.T.softmax(1), own)) / 2

    def soft(a: Tensor, b: Tensor, lengths: bool) -> Tensor:
        scores, within = similarities(a, b, lengths) / T, similarities(a, a, lengths) + similarities(b, b, lengths)
        aims = (within / (2 * T)).softmax(-1)
        return -(aims.mT * scores.log_softmax(1) + aims * scores.mT.log_softmax(1)).sum(1).mean() / 2

    yield _("the vectors are not divided by their lengths"), partial(right, normalize=False)
    yield (
        _("the targets are the softmax of the similarities within each side, not the pairs"),
        partial(soft, lengths=normalize),
    )
    says = _("the vectors are not divided by their lengths, and the targets are made of their own similarities")
    yield says, partial(soft, lengths=False)
    yield _("only one of the two directions counts"), one_way
    yield _("only one of the two directions counts"), lambda a, b: one_way(b, a)
    yield _("both directions are added, not averaged"), lambda *t: 2 * right(*t)
    yield _("softmax is applied twice: cross-entropy takes the scores themselves"), twice
    yield _("the temperature is missing"), partial(right, temperature=1.0)
    yield _("the temperature multiplies where it should divide"), partial(right, temperature=1 / T)
    yield (
        _("the vectors are normalized over dimension 0, the batch"),
        lambda a, b: right(F.normalize(a, dim=0), F.normalize(b, dim=0), normalize=False),
    )
    yield _("the vectors of one view count as negatives of each other, too"), partial(nt_xent_loss, temperature=T)


@slips_by_settings("nt_xent")
def nt_xent(n: Settings) -> Iterator[tuple[str, Loss]]:
    T = n["temperature"]
    right: Loss = partial(nt_xent_loss, **n)

    def with_itself(a: Tensor, b: Tensor) -> Tensor:
        views = torch.cat([a, b])
        return info_nce_loss(views, torch.cat([b, a]), temperature=T, reduction=n["reduction"])

    def one_half(a: Tensor, b: Tensor) -> Tensor:
        return nt_xent_loss(a, b, temperature=T, reduction="none")[: len(a)].mean()

    yield _("each view is compared with itself: the diagonal is not masked"), with_itself
    yield _("the temperature is missing"), partial(right, temperature=1.0)
    yield _("the temperature multiplies where it should divide"), partial(right, temperature=1 / T)
    yield _("only the pairs between the two views count"), partial(clip_loss, temperature=T)
    yield _("only the pairs between the two views count"), partial(info_nce_loss, temperature=T)
    yield _("only the losses of the first half of the views count"), one_half
    yield _("the sum is divided by N, not by the 2N views"), lambda a, b: 2 * right(a, b)


@slips_by_settings("supervised_contrastive")
def supervised_contrastive(n: Settings) -> Iterator[tuple[str, Loss]]:
    T, reduce = n["temperature"], REDUCTIONS[n["reduction"]]
    right: Loss = partial(supervised_contrastive_loss, **n)

    def of(cost: Callable[[Tensor, Tensor], Tensor], itself: bool = False, normalize: bool = True) -> Loss:
        """The loss that this function makes of the scores and of who is alike."""

        def loss(x: Tensor, t: Tensor) -> Tensor:
            own = torch.eye(len(x), dtype=torch.bool)
            scores = similarities(x, x, normalize) / T
            alike = t.unsqueeze(0) == t.unsqueeze(1)
            if not itself:
                scores, alike = scores.masked_fill(own, -torch.inf), alike & ~own
            return reduce(cost(scores, alike))

        return loss

    def mean_of(log_p: Tensor, alike: Tensor) -> Tensor:
        return -torch.where(alike, log_p, 0).sum(1) / alike.sum(1)

    def rows(scores: Tensor, alike: Tensor) -> Tensor:
        return mean_of(scores.log_softmax(1), alike)

    def without_others_of_the_class(scores: Tensor, alike: Tensor) -> Tensor:
        negatives = scores.masked_fill(alike, -torch.inf).logsumexp(1, keepdim=True)
        return mean_of(scores - torch.logaddexp(scores, negatives), alike)

    yield _("each sample is compared with itself: the diagonal is not masked"), of(rows, itself=True)
    yield _("the vectors are not divided by their lengths"), of(rows, normalize=False)
    yield _("the temperature is missing"), partial(right, temperature=1.0)
    yield _("the temperature multiplies where it should divide"), partial(right, temperature=1 / T)
    yield (
        _("the sum over the samples of the class is not divided by their number"),
        of(lambda scores, alike: -torch.where(alike, scores.log_softmax(1), 0).sum(1)),
    )
    yield (
        _("only negatives and the one positive stand in the sum, not the other positives"),
        of(without_others_of_the_class),
    )
    yield _("the logarithm of the mean stands where the mean of the logarithms should"), partial(right, positives="in")
    yield _("the mean of the logarithms stands where the logarithm of the mean should"), partial(right, positives="out")
    for base in (0.07, None):
        if base != n["base_temperature"]:
            yield (
                _("it computes with {name} = {value}").format(name="base_temperature", value=base),
                partial(right, base_temperature=base),
            )


@slips_by_settings("arcface")
def arcface(n: Settings) -> Iterator[tuple[str, Loss]]:
    margin, scale = n["margin"], n["scale"]
    right: Loss = partial(arcface_loss, **n)

    def of_own(move: Callable[[Tensor], Tensor]) -> Loss:
        """The loss with this function of the own cosine."""

        def loss(x: Tensor, w: Tensor, t: Tensor) -> Tensor:
            cosines = similarities(x, w, True)
            own = F.one_hot(t, len(w)).bool()
            return F.cross_entropy(scale * torch.where(own, move(cosines), cosines), t, reduction=n["reduction"])

        return loss

    yield _("the margin is missing"), partial(right, margin=0.0)
    yield (
        _("the margin is subtracted from the cosine, as in CosFace, not added to the angle"),
        of_own(lambda c: c - margin),
    )
    yield (
        _("the margin is subtracted from the angle, not added"),
        of_own(lambda c: (c.clamp(-1, 1).acos() - margin).cos()),
    )
    yield _("the scale is missing"), partial(right, scale=1.0)
    for other in ("cosine", "easy", "linear"):
        if other != n["beyond"]:
            says = _("it computes with {name} = {value}").format(name="beyond", value=other)
            yield says, partial(right, beyond=other)
    yield (
        _("the margin is added to the angles of all classes"),
        lambda x, w, t: F.cross_entropy(
            scale * (similarities(x, w, True).clamp(-1, 1).acos() + margin).cos(), t, reduction=n["reduction"]
        ),
    )
