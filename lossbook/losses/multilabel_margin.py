"""Multi-label hinge loss: every true class should lead every other one by 1."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.classes import as_rows, check_class_numbers, unknown_class
from ..guards.tensors import can_be_read, check_floating, check_same_shape, check_tensors
from ..kit.batches.by_class import lists_of_labels
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import Reduction
from ..kit.steps import by_sample
from ..kit.text import operand
from ..kit.views import SCORE, View, same_rows, scores


@loss_function
def multilabel_margin_loss(input: Tensor, target: Tensor, *, reduction: Reduction = "mean") -> Tensor:
    r"""Hinge loss for samples with several true classes.

    .. math:: \ell(x, T) = \frac{1}{C} \sum_{t \in T} \sum_{j \notin T} \max(0, 1 - x_t + x_j)

    Args:
        input: scores, shape ``(C,)`` or ``(N, C)``, floating point.
        target: the true classes of each sample, as class numbers 0 … C − 1, then −1 to the end of the row; shape of
            ``input``, int64. What stands behind the first negative number does not count.
        reduction: ``"mean"`` divides by the number of samples; ``"sum"``; ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(N,)`` with ``reduction="none"``; at least 0. Exactly at the hinge the slope is 0,
        as in torch. For an empty batch torch returns uninitialized memory; here the mean is ``nan`` and the sum 0.

    Raises:
        ValueError, TypeError: a wrong shape or kind.
        IndexError: a class number above C − 1.

    Source: :class:`torch.nn.MultiLabelMarginLoss`.

    >>> scores = torch.tensor([0.1, 0.2, 0.4, 0.8])
    >>> multilabel_margin_loss(scores, torch.tensor([3, 0, -1, 1]))  # (0.4 + 0.6 + 1.1 + 1.3) / 4
    tensor(0.8500)
    """
    check_tensors(input=input, target=target)
    check_floating(input=input)
    check_same_shape(input=input, target=target)
    input, target = as_rows(input), as_rows(target)
    check_class_numbers(target)
    classes = input.shape[-1]

    target = target.long()
    readable = can_be_read(target) and target.numel()
    if readable:  # behind a column without a class no list goes on
        there = torch.cat([(target >= 0).reshape(-1, classes).any(0), target.new_zeros(1, dtype=torch.bool)])
        target = target[..., : int(there.int().argmin())]
    counted = (target >= 0).long().cumprod(-1)  # 1 until the first negative number
    index = target.where(counted.bool(), 0)
    try:
        hits = torch.zeros_like(input).scatter_add(-1, index, counted.to(input.dtype))
    except (IndexError, RuntimeError) as cause:
        raise unknown_class(index, classes, cause) from None
    is_other = (hits == 0).to(input.dtype)
    if readable:  # as many columns as the longest list of true classes
        most = int(counted.sum(-1).max())
        index, counted = index[..., :most], counted[..., :most]
    own = input.gather(-1, index)
    too_close = (1 - own.unsqueeze(-1) + input.unsqueeze(-2)).relu()  # true class × other class
    losses = (counted.unsqueeze(-1) * is_other.unsqueeze(-2) * too_close).sum((-2, -1)) / classes
    return reduce(losses, reduction)


class MultiLabelMarginLoss(Loss):
    function = multilabel_margin_loss


def true_classes(target: list[int]) -> list[int]:
    """The numbers before the first negative one."""
    end = next((i for i, t in enumerate(target) if t < 0), len(target))
    return target[:end]


def definition(rows: list[list[float]], targets: list[list[int]]) -> Iterator[Term]:
    for row, target in zip(rows, targets, strict=True):
        true = true_classes(target)
        others = [j for j in range(len(row)) if j not in true]
        yield Term(sum(max(0.0, 1 - row[t] + row[j]) for t in true for j in others) / len(row))


def formula() -> str:
    return r"\ell(x, T) = \frac{1}{C} \sum_{t \in T} \sum_{j \notin T} \max(0, 1 - x_t + x_j)"


def term(row: list[float], target: list[int]) -> str:
    true = true_classes(target)
    others = [j for j in range(len(row)) if j not in true]
    hinges = [f"max(0, 1 − {operand(row[t])} + {operand(row[j])})" for t in true for j in others]
    return f"({' + '.join(hinges) or '0'}) / {len(row)}"


def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    target = torch.tensor([[3, 0, -1, 1], [0, 1, 2, 3], [2, -1, -1, -1], [-1, 0, 1, 2], [1, 3, 0, -1]])
    return uniform(generator, 5, 4), target


ENTRY = Entry(
    name="multilabel_margin",
    family="classification",
    module=MultiLabelMarginLoss,
    page="losses/multilabel-margin",
    torch_module=torch.nn.MultiLabelMarginLoss,
    torch_function=torch.nn.functional.multilabel_margin_loss,
    definition=definition,
    formula=formula,
    steps=by_sample(multilabel_margin_loss, term),
    views=(View(SCORE, {"": lambda x: (scores(x), same_rows(x, [0, -1, -1], torch.int64))}),),
    batches=lists_of_labels(),
    sample=sample,
)
