"""Margin ranking loss: which of two scores should be higher."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_floating, check_same_shape, check_tensors
from ..kit.batches.by_element import elementwise, pair_edges, pairs
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Number, Reduction
from ..kit.steps import by_element
from ..kit.text import given, number, operand
from ..kit.views import LEAD, SIGNS, View, each


@loss_function
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, *, margin: Number = 0.0, reduction: Reduction = "mean"
) -> Tensor:
    r"""How far two scores are from the right order, with a margin between them.

    .. math:: \ell(x_1, x_2, y) = \max\bigl(0, -y\,(x_1 - x_2) + m\bigr)

    The hinge loss max(0, 1 − y·s) is this loss with ``input2`` 0 and ``margin`` 1.

    Args:
        input1: scores, any shape ``(*)``, floating point.
        input2: scores to compare with, shape of ``input1``.
        target: 1 where ``input1`` should be higher, −1 where ``input2`` should, shape of ``input1``; not checked, and any
            other number weighs the difference, so labels 0 and 1 are a mistake that nothing reports.
        margin: by how much.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; at least 0. Exactly at the hinge the slope is
        that of the wrong side, as in torch.

    Raises:
        ValueError: shapes differ. torch broadcasts them.
        TypeError: scores are no floating-point numbers.

    Source: :class:`torch.nn.MarginRankingLoss`.

    >>> margin_ranking_loss(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.0]), torch.tensor([1, 1]), reduction="none")
    tensor([2., 0.])
    """
    check_tensors(input1=input1, input2=input2, target=target)
    check_same_shape(input1=input1, input2=input2, target=target)
    check_floating(input1=input1, input2=input2)
    return reduce((-(target * (input1 - input2)) + margin).clamp_min(0), reduction)


class MarginRankingLoss(Loss):
    function = margin_ranking_loss


def definition(first: list[float], second: list[float], target: list[float], margin: float = 0.0) -> Iterator[Term]:
    for x1, x2, y in zip(first, second, target, strict=True):
        yield Term(max(0.0, -y * (x1 - x2) + margin))


def formula(margin: float) -> str:
    return r"\ell(x_1, x_2, y) = \max\bigl(0, -y\,(x_1 - x_2) + m\bigr)" + given("m", margin)


def term(x1: float, x2: float, y: float, margin: float) -> str:
    sign = "" if y == -1 else "−"
    return f"max(0, {sign}({number(x1)} − {operand(x2)}){f' + {number(margin)}' if margin else ''})"


ENTRY = Entry(
    name="margin_ranking",
    family="ranking",
    module=MarginRankingLoss,
    torch_module=torch.nn.MarginRankingLoss,
    torch_function=torch.nn.functional.margin_ranking_loss,
    page="guide/margin-ranking",
    definition=definition,
    formula=formula,
    steps=by_element(margin_ranking_loss, term),
    views=(View(LEAD, each(SIGNS, 0)),),
    batches=elementwise(pairs, pair_edges, wrt=(0, 1), trials=({"margin": 0.5},)),
    sample=lambda g: (uniform(g, 12), uniform(g, 12), 2.0 * torch.randint(2, (12,), generator=g) - 1),
    settings=({}, {"margin": 1.5}),
)
