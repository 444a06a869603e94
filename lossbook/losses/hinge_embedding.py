"""Hinge embedding loss: a distance, small for similar pairs, at least the margin for others."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_pair, check_signs
from ..kit.batches.by_element import elementwise, signed, signed_edges
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Number, Reduction
from ..kit.steps import by_element
from ..kit.text import given, number, operand
from ..kit.views import DISTANCE, SIGNS, View, each


@loss_function
def hinge_embedding_loss(
    input: Tensor, target: Tensor, *, margin: Number = 1.0, reduction: Reduction = "mean"
) -> Tensor:
    r"""The distance itself for a similar pair; how far it falls short of the margin for a dissimilar one.

    .. math:: \ell(x, y) = \begin{cases} x & y = 1 \\ \max(0, m - x) & y = -1 \end{cases}

    This is not the hinge loss of support vector machines: ``input`` is a distance, not a score.

    Args:
        input: distances of pairs, any shape ``(*)``, floating point.
        target: 1 for a similar pair, −1 for a dissimilar one, shape of ``input``. torch adds both cases up for any
            other number; here it is an error.
        margin: how far apart dissimilar pairs should be.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; at least 0 for distances.

    Raises:
        ValueError: shapes differ, or a target is neither 1 nor −1.
        TypeError: ``input`` holds no floating-point numbers.

    Source: :class:`torch.nn.HingeEmbeddingLoss`.

    >>> hinge_embedding_loss(torch.tensor([0.3, 0.3]), torch.tensor([1, -1]), reduction="none")
    tensor([0.3000, 0.7000])
    """
    check_pair(input, target)
    check_signs(target=target)
    return reduce(torch.where(target == 1, input, (margin - input).clamp_min(0)), reduction)


class HingeEmbeddingLoss(Loss):
    function = hinge_embedding_loss


def definition(distances: list[float], target: list[float], margin: float = 1.0) -> Iterator[Term]:
    for x, y in zip(distances, target, strict=True):
        yield Term(x if y == 1 else max(0.0, margin - x))


def formula(margin: float) -> str:
    return r"\ell(x, y) = \begin{cases} x & y = 1 \\ \max(0, m - x) & y = -1 \end{cases}" + given("m", margin)


def term(x: float, y: float, margin: float) -> str:
    return number(x) if y == 1 else f"max(0, {number(margin)} − {operand(x)})"


ENTRY = Entry(
    name="hinge_embedding",
    family="distance",
    module=HingeEmbeddingLoss,
    torch_module=torch.nn.HingeEmbeddingLoss,
    torch_function=torch.nn.functional.hinge_embedding_loss,
    page="guide/hinge-embedding",
    definition=definition,
    formula=formula,
    steps=by_element(hinge_embedding_loss, term),
    views=(View(DISTANCE, each(SIGNS)),),
    batches=elementwise(signed, signed_edges, trials=({"margin": 2.0},)),
    sample=lambda g: (uniform(g, 12), 2.0 * torch.randint(2, (12,), generator=g) - 1),
    settings=({}, {"margin": 2.5}),
)
