"""Hinge embedding loss: a distance, small for similar pairs, at least the margin for others."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_pair, check_signs
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Number, Reduction
from ..kit.steps import Step, elementwise_working
from ..kit.text import number, operand


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


def working(input: Tensor, target: Tensor, *, margin: float = 1.0, reduction: str = "mean") -> Iterator[Step]:
    def write(x: float, y: float) -> str:
        return number(x) if y == 1 else f"max(0, {number(margin)} − {operand(x)})"

    losses = hinge_embedding_loss(input, target, margin=margin, reduction="none")
    return elementwise_working(losses, (input, target), write, reduction)


ENTRY = Entry(
    name="hinge_embedding",
    function=hinge_embedding_loss,
    module=HingeEmbeddingLoss,
    definition=definition,
    working=working,
    torch_function=torch.nn.functional.hinge_embedding_loss,
    formula=r"\ell(x, y) = \begin{cases} x & y = 1 \\ \max(0, m - x) & y = -1 \end{cases}",
    family="distance",
    sample=lambda g: (uniform(g, 12), 2.0 * torch.randint(2, (12,), generator=g) - 1),
    settings=({}, {"margin": 2.5}),
)
