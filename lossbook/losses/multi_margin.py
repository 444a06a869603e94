"""Multi-class hinge loss: the true class should lead every other one by a margin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import torch
from torch import Tensor

from ..guards.classes import as_rows, check_class_indices, check_class_weight, unknown_class
from ..guards.tensors import check_floating, check_tensors
from ..kit.batches.by_class import WEIGHT, by_class
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Number, OptionalTensor, Reduction, one_of
from ..kit.steps import by_sample
from ..kit.text import given, number, operand, symbol
from ..kit.views import OF_SCORE


@loss_function
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    *,
    p: Annotated[int, one_of(1, 2)] = 1,
    margin: Number = 1.0,
    weight: OptionalTensor = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Hinge loss for several classes: how far each other class comes too close to the true one.

    .. math:: \ell(x, t) = \frac{1}{C} \sum_{j \ne t} w_t \max(0, m - x_t + x_j)^p

    Args:
        input: scores, shape ``(C,)`` or ``(N, C)``, floating point.
        target: class numbers 0 … C − 1, shape ``()`` or ``(N,)``, int64.
        p: 1 for the hinge, 2 for its square.
        margin: by how much the true class should lead.
        weight: one weight for each class, shape ``(C,)``; that of the true class counts, outside the power.
        reduction: ``"mean"`` divides by the number of samples, whatever the weights; ``"sum"``; ``"none"``.

    Returns:
        A tensor of shape ``()``, or the shape of ``target`` with ``reduction="none"``; at least 0. Exactly at the
        hinge the slope is 0, as in torch.

    Raises:
        ValueError, TypeError: a wrong shape or kind.
        IndexError: a class number outside 0 … C − 1.

    Source: J. Weston and C. Watkins, "Support vector machines for multi-class pattern recognition", 1999, without the
    division by C; :class:`torch.nn.MultiMarginLoss`.

    >>> multi_margin_loss(torch.tensor([0.1, 0.2, 0.4, 0.8]), torch.tensor(3))  # (0.3 + 0.4 + 0.6) / 4
    tensor(0.3250)
    """
    check_tensors(input=input, target=target)
    check_floating(input=input)
    input = as_rows(input)
    if input.dim() == 1 and target.shape == (1,):  # torch takes a row of one target for a single sample
        input = input.unsqueeze(0)
    check_class_indices(input, target)
    classes = input.shape[-1]
    check_class_weight(weight, classes)

    index = target.long().unsqueeze(-1)
    try:
        own = input.gather(-1, index)
    except (IndexError, RuntimeError) as cause:
        raise unknown_class(target, classes, cause) from None
    too_close = (margin - own + input).relu()
    is_own = torch.arange(classes, device=input.device) == index
    losses = torch.where(is_own, 0, too_close**p).sum(-1) / classes
    if weight is not None:
        losses = weight[target.long()] * losses
    return reduce(losses, reduction)


class MultiMarginLoss(Loss):
    function = multi_margin_loss


def definition(
    rows: list[list[float]], targets: list[int], p: int = 1, margin: float = 1.0, weight: list[float] | None = None
) -> Iterator[Term]:
    for row, t in zip(rows, targets, strict=True):
        loss = sum(max(0.0, margin - row[t] + x) ** p for j, x in enumerate(row) if j != t) / len(row)
        yield Term(loss if weight is None else weight[t] * loss)


def formula(p: int, margin: float, weight: Tensor | None) -> str:
    hinges = r"\ell(x, t) = \frac{1}{C} \sum_{j \ne t} " + symbol("w_t", weight) + r"\max(0, m - x_t + x_j)^p"
    return hinges + given("m", margin) + given("p", p)


def term(row: list[float], t: int, p: int, margin: float, weight: list[float] | None) -> str:
    square = "²" if p == 2 else ""
    hinges = [
        f"max(0, {number(margin)} − {operand(row[t])} + {operand(x)}){square}" for j, x in enumerate(row) if j != t
    ]
    factor = "" if weight is None else f"{operand(weight[t])} · "
    return f"{factor}({' + '.join(hinges) or '0'}) / {len(row)}"


ENTRY = Entry(
    name="multi_margin",
    family="classification",
    module=MultiMarginLoss,
    page="losses/multi-margin",
    torch_module=torch.nn.MultiMarginLoss,
    torch_function=torch.nn.functional.multi_margin_loss,
    definition=definition,
    formula=formula,
    steps=by_sample(multi_margin_loss, term),
    views=(OF_SCORE,),
    batches=by_class(trailing=False, trials=({"p": 2}, {"margin": 0.5}, {"weight": WEIGHT})),
    sample=lambda g: (uniform(g, 5, 4), torch.randint(4, (5,), generator=g)),
    settings=({}, {"p": 2, "margin": 0.5}, {"weight": WEIGHT}),
)
