"""Triplet loss: the anchor should be closer to the positive than to the negative, by a margin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..guards.embeddings import check_distances, check_embeddings
from ..guards.tensors import check_tensors
from ..kit.batches.by_vector import vectors
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction, Switch
from ..kit.steps import Step, element_steps
from ..kit.text import given, latex, number, row
from ..kit.views import OF_DISTANCE
from ..language import gettext as _
from ._triplets import all_triplets, hard_triplets, semi_hard_triplets

EPSILON = 1e-6


def hinge(
    distance: Callable[[Tensor, Tensor], Tensor],
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float,
    swap: bool,
) -> Tensor:
    """The loss of each triplet."""
    check_tensors(anchor=anchor, positive=positive, negative=negative)
    check_embeddings(anchor=anchor, positive=positive, negative=negative)
    near, far = distance(anchor, positive), distance(anchor, negative)
    check_distances(near, anchor)
    if swap:
        far = torch.minimum(far, distance(positive, negative))
    return (margin + near - far).clamp_min(0)


@loss_function
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    margin: Positive = 1.0,
    p: Positive = 2.0,
    eps: Positive = EPSILON,
    swap: Switch = False,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""How much closer than the positive the negative still is, with a margin between them.

    .. math:: \ell(a, p, n) = \max\bigl(0, d(a, p) - d(a, n) + m\bigr), \qquad d(x, y) = \lVert x - y + \epsilon \rVert_p

    Which triplets of a batch to take: :func:`lossbook.beyond.hard_triplets`, :func:`lossbook.beyond.semi_hard_triplets`,
    :func:`lossbook.beyond.all_triplets`.

    Args:
        anchor: embeddings, shape ``(D,)`` or ``(N, D)``, floating point or complex.
        positive: embeddings of the same class, shape of ``anchor``.
        negative: embeddings of another class, shape of ``anchor``.
        margin: by how much the negative should be farther away; larger than 0.
        p: which norm measures the distance; 2 is the ordinary one.
        eps: added to every coordinate of the difference, so that the slope exists where two points meet. Their distance
            is then not 0 but, with p = 2, ``eps`` · √D.
        swap: take the negative's distance to the anchor or to the positive, whichever is smaller.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(N,)`` with ``reduction="none"``; at least 0.

    Raises:
        ValueError: shapes differ (torch broadcasts them), or a setting is not positive.
        TypeError: no tensors.

    Source: F. Schroff et al., "FaceNet", 2015; V. Balntas et al. for ``swap``, 2016;
    :class:`torch.nn.TripletMarginLoss`.

    >>> anchor, positive, negative = torch.tensor([[0.0], [3.0], [2.0]]).unbind()
    >>> triplet_margin_loss(anchor, positive, negative)  # 3 − 2 + 1
    tensor(2.)
    """

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return torch.linalg.vector_norm(x - y + eps, ord=p, dim=-1)

    return reduce(hinge(distance, anchor, positive, negative, margin, swap), reduction)


class TripletMarginLoss(Loss):
    function = triplet_margin_loss


def norm(x: list[float], y: list[float], p: float = 2.0, eps: float = EPSILON) -> float:
    """The distance of two points by its definition."""
    return sum(abs(a - b + eps) ** p for a, b in zip(x, y, strict=True)) ** (1 / p)


def definition(
    anchors: list[list[float]],
    positives: list[list[float]],
    negatives: list[list[float]],
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = EPSILON,
    swap: bool = False,
    distance: Callable[..., float] | None = None,
) -> Iterator[Term]:
    d = distance or (lambda x, y: norm(x, y, p, eps))
    for a, pos, neg in zip(anchors, positives, negatives, strict=True):
        far = min(d(a, neg), d(pos, neg)) if swap else d(a, neg)
        yield Term(max(0.0, d(a, pos) - far + margin))


def norm_formula(p: float, eps: float) -> str:
    distance = rf"\lVert x - y + \epsilon \rVert_{{{latex(number(p))}}}"
    return given("d(x, y)", distance) + given(r"\epsilon", eps)


def triplet_formula(margin: float, swap: bool) -> str:
    far = r"\min\bigl(d(a, n), d(p, n)\bigr)" if swap else "d(a, n)"
    return rf"\ell(a, p, n) = \max\bigl(0, d(a, p) - {far} + m\bigr)" + given("m", margin)


def formula(margin: float, p: float, eps: float, swap: bool) -> str:
    return triplet_formula(margin, swap) + norm_formula(p, eps)


def steps(p: float, eps: float, **more: Any) -> Iterator[Step]:
    def distance(x: Tensor, y: Tensor) -> Tensor:
        return torch.linalg.vector_norm(x - y + eps, ord=p, dim=-1)

    return triplet_steps(distance, **more)


def triplet_steps(
    distance: Callable[[Tensor, Tensor], Tensor],
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float,
    swap: bool,
    reduction: str,
) -> Iterator[Step]:
    """Steps of both triplet losses: the distances, the hinge of each triplet, the reduction."""
    near, far, other = distance(anchor, positive), distance(anchor, negative), distance(positive, negative)
    yield distance_step(_("Distance from anchor to positive"), near)
    yield distance_step(_("Distance from anchor to negative"), far)
    if swap:
        yield distance_step(_("Distance from positive to negative; the smaller of both counts"), other)
        far = torch.minimum(far, other)
    losses = hinge(distance, anchor, positive, negative, margin, swap)
    distances = zip(near.flatten(), far.flatten(), strict=True)
    terms = [f"max(0, {number(d_near)} − {number(d_far)} + {number(margin)})" for d_near, d_far in distances]
    yield from element_steps(losses, terms, reduction)


def distance_step(say: str, distances: Tensor) -> Step:
    return Step(say, (row(distances.flatten()),), distances)


ENTRY = Entry(
    name="triplet_margin",
    family="distance",
    module=TripletMarginLoss,
    torch_module=torch.nn.TripletMarginLoss,
    torch_function=torch.nn.functional.triplet_margin_loss,
    page="guide/triplet-margin",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(OF_DISTANCE,),
    batches=vectors(3, trials=({"margin": 2.0}, {"p": 1.0}, {"swap": True})),
    sample=lambda g: (uniform(g, 5, 3), uniform(g, 5, 3), uniform(g, 5, 3)),
    settings=({}, {"swap": True, "margin": 3.0}, {"p": 1.0, "eps": 0.1}),
    helpers=(all_triplets, hard_triplets, semi_hard_triplets),
)
