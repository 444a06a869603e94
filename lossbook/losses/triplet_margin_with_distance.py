"""Triplet loss with a distance of your own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import torch
from torch import Tensor

from ..kit.batches.by_vector import vectors
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Positive, Reduction, Switch, callable_or_none
from ..kit.steps import Step
from ..kit.text import given
from ..kit.views import OF_DISTANCE
from . import triplet_margin
from .triplet_margin import EPSILON, hinge, norm_formula, triplet_formula, triplet_steps

Distance = Callable[[Tensor, Tensor], Tensor]


def euclidean(x: Tensor, y: Tensor) -> Tensor:
    return torch.linalg.vector_norm(x - y + EPSILON, dim=-1)


@loss_function
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Annotated[Distance | None, callable_or_none] = None,
    margin: Positive = 1.0,
    swap: Switch = False,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""The triplet loss with a distance of your own.

    .. math:: \ell(a, p, n) = \max\bigl(0, d(a, p) - d(a, n) + m\bigr)

    Args:
        anchor: embeddings, shape ``(D,)`` or ``(N, D)``.
        positive: embeddings of the same class, shape of ``anchor``.
        negative: embeddings of another class, shape of ``anchor``.
        distance_function: takes two batches of embeddings and returns one distance for each pair; the Euclidean
            distance when left out.
        margin: by how much the negative should be farther away; larger than 0.
        swap: take the negative's distance to the anchor or to the positive, whichever is smaller.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(N,)`` with ``reduction="none"``; at least 0.

    Raises:
        ValueError: shapes differ, or ``margin`` is not positive.
        TypeError: no tensors, or ``distance_function`` cannot be called.

    Source: :class:`torch.nn.TripletMarginWithDistanceLoss`.

    >>> anchor, positive, negative = torch.tensor([[0.0], [3.0], [2.0]]).unbind()
    >>> triplet_margin_with_distance_loss(
    ...     anchor, positive, negative, distance_function=lambda x, y: (x - y).square().sum(-1)
    ... )  # 9 − 4 + 1
    tensor(6.)
    """

    return reduce(hinge(distance_function or euclidean, anchor, positive, negative, margin, swap), reduction)


class TripletMarginWithDistanceLoss(Loss):
    function = triplet_margin_with_distance_loss


def manhattan(x: Tensor, y: Tensor) -> Tensor:
    """The distance along the axes: a distance for the tests."""
    return (x - y).abs().sum(-1)


def definition(
    anchors: list[list[float]],
    positives: list[list[float]],
    negatives: list[list[float]],
    distance_function: Distance | None = None,
    margin: float = 1.0,
    swap: bool = False,
) -> Iterator[Term]:
    def along_axes(x: list[float], y: list[float]) -> float:
        return sum(abs(a - b) for a, b in zip(x, y, strict=True))

    distance = along_axes if distance_function is manhattan else None
    return triplet_margin.definition(anchors, positives, negatives, margin=margin, swap=swap, distance=distance)


def formula(distance_function: Distance | None, margin: float, swap: bool) -> str:
    text = triplet_formula(margin, swap)
    if distance_function is None:
        return text + norm_formula(2, EPSILON)
    name = getattr(distance_function, "__name__", type(distance_function).__name__)
    return text + given("d", rf"\text{{{name}}}".replace("_", r"\_"))


def steps(distance_function: Distance | None, **more: Any) -> Iterator[Step]:
    return triplet_steps(distance_function or euclidean, **more)


ENTRY = Entry(
    name="triplet_margin_with_distance",
    family="distance",
    module=TripletMarginWithDistanceLoss,
    torch_module=torch.nn.TripletMarginWithDistanceLoss,
    torch_function=torch.nn.functional.triplet_margin_with_distance_loss,
    page="guide/triplet-margin",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(OF_DISTANCE,),
    batches=vectors(3, trials=({"margin": 2.0}, {"swap": True})),
    sample=lambda g: (uniform(g, 5, 3), uniform(g, 5, 3), uniform(g, 5, 3)),
    settings=({}, {"distance_function": manhattan, "swap": True, "margin": 3.0}),
)
