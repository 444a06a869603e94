"""Cosine embedding loss: the angle between two embeddings."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.embeddings import check_embeddings, check_pair_labels
from ..guards.tensors import check_floating, check_signs, check_tensors
from ..kit.batches.by_vector import vectors
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Number, Reduction
from ..kit.steps import by_sample
from ..kit.text import given, number, operand
from ..kit.views import COSINE, SIGNS, View, pair_with_cosine

EPSILON = 1e-12  #: added to each squared length, so that a vector of zeros has the cosine 0


@loss_function
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, *, margin: Number = 0.0, reduction: Reduction = "mean"
) -> Tensor:
    r"""How far the cosine of two vectors is from 1 for a similar pair; how far above the margin for another.

    .. math:: \ell(a, b, y) = \begin{cases} 1 - \cos(a, b) & y = 1 \\ \max(0, \cos(a, b) - m) & y = -1 \end{cases}

    Args:
        input1: embeddings, shape ``(D,)`` or ``(N, D)``, floating point.
        input2: embeddings to compare with, shape of ``input1``.
        target: 1 for a similar pair, −1 for a dissimilar one, shape ``()`` or ``(N,)``. torch makes any other number
            a loss of 0; here it is an error.
        margin: the cosine from which on a dissimilar pair costs; sensible from 0 to 0.5.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(N,)`` with ``reduction="none"``; in [0, 2] for a margin of at least −1. The
        lengths do not matter within 1e-3 … 1e9; a vector of zeros has the cosine 0 with every other.

    Raises:
        ValueError: shapes differ, or a target is neither 1 nor −1.
        TypeError: no floating-point numbers.

    Source: :class:`torch.nn.CosineEmbeddingLoss`.

    >>> a, b = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    >>> cosine_embedding_loss(a, b, torch.tensor([1, -1]), reduction="none")  # right angle; same direction
    tensor([1., 1.])
    """
    check_tensors(input1=input1, input2=input2, target=target)
    check_floating(input1=input1, input2=input2)
    check_embeddings(input1=input1, input2=input2)
    check_pair_labels(target, input1)
    check_signs(target=target)
    product = (input1 * input2).sum(-1)
    squares = (input1.square().sum(-1) + EPSILON) * (input2.square().sum(-1) + EPSILON)
    cosine = product / squares.sqrt()
    return reduce(torch.where(target == 1, 1 - cosine, (cosine - margin).clamp_min(0)), reduction)


class CosineEmbeddingLoss(Loss):
    function = cosine_embedding_loss


def definition(
    first: list[list[float]], second: list[list[float]], target: list[float], margin: float = 0.0
) -> Iterator[Term]:
    for a, b, y in zip(first, second, target, strict=True):
        cosine = sum(x * z for x, z in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))
        yield Term(1 - cosine if y == 1 else max(0.0, cosine - margin))


def formula(margin: float) -> str:
    cases = r"1 - \cos(a, b) & y = 1 \\ \max(0, \cos(a, b) - m) & y = -1"
    return rf"\ell(a, b, y) = \begin{{cases}} {cases} \end{{cases}}" + given("m", margin)


def term(a: list[float], b: list[float], y: float, margin: float) -> str:
    products = " + ".join(f"{operand(x)} · {operand(z)}" for x, z in zip(a, b, strict=True))
    cosine = f"({products}) / ({number(math.hypot(*a))} · {number(math.hypot(*b))})"
    return f"1 − {cosine}" if y == 1 else f"max(0, {cosine} − {operand(margin)})"


ENTRY = Entry(
    name="cosine_embedding",
    family="distance",
    module=CosineEmbeddingLoss,
    torch_module=torch.nn.CosineEmbeddingLoss,
    torch_function=torch.nn.functional.cosine_embedding_loss,
    page="guide/cosine-embedding",
    definition=definition,
    formula=formula,
    steps=by_sample(cosine_embedding_loss, term),
    views=(View(COSINE, {case: pair_with_cosine(y) for case, y in SIGNS.items()}),),
    batches=vectors(2, trials=({"margin": 0.25},)),
    sample=lambda g: (uniform(g, 5, 3), uniform(g, 5, 3), torch.tensor([1.0, -1.0, -1.0, 1.0, -1.0]).double()),
    settings=({}, {"margin": 0.25}),
)
