"""Binary cross-entropy on probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_expandable, check_floating, check_pair, check_probabilities
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import OptionalTensor, Reduction
from ..kit.steps import Step, elementwise_working
from ..kit.text import number, operand

SMALLEST_LOG = -100.0  #: log 0 counts as this, so that one certain mistake costs 100 and not infinity
STEEPEST = 1e-12  #: below this probability the slope of the logarithm stays what it is there


def bounded_log(p: Tensor) -> Tensor:
    """log p, at least −100, with a slope of at most 1e12."""
    steady = p > STEEPEST
    curve = torch.where(steady, p, 1).log()
    value = torch.where(steady, 1, p.detach()).log().clamp_min(SMALLEST_LOG)
    return torch.where(steady, curve, value + (p - p.detach()) / STEEPEST)


@loss_function
def binary_cross_entropy(
    input: Tensor, target: Tensor, *, weight: OptionalTensor = None, reduction: Reduction = "mean"
) -> Tensor:
    r"""Cross-entropy of yes-or-no answers, given as probabilities.

    .. math:: \ell(p, y) = -\bigl( y \log p + (1 - y) \log(1 - p) \bigr)

    Equal to :func:`binary_cross_entropy_with_logits` on logits whose sigmoid is ``input``; prefer that one, it
    keeps its precision where the sigmoid rounds to 0 or 1.

    Args:
        input: probabilities of yes, in [0, 1], any shape ``(*)``, floating point.
        target: 1 for yes, 0 for no, or anything between, shape and type of ``input``.
        weight: how much each element counts, a shape that expands to that of ``input``. The mean still divides by the
            number of elements.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        A tensor of shape ``()``, or ``(*)`` with ``reduction="none"``; from 0 to 100 per element before weighting:
        the logarithm is cut at −100 and its slope at 1e12. At a certain and right answer the slope is that of −log p,
        where torch says 0.

    Raises:
        ValueError: shapes differ, or an input lies outside [0, 1] or is nan.
        TypeError: no floating-point numbers.

    Source: :class:`torch.nn.BCELoss`.

    >>> binary_cross_entropy(torch.tensor([0.25]), torch.tensor([0.0]))  # −ln 0.75
    tensor(0.2877)
    """
    check_pair(input, target)
    check_floating(target=target)
    check_probabilities(input=input)
    losses = -(target * bounded_log(input) + (1 - target) * bounded_log(1 - input))
    if weight is not None:
        losses = check_expandable("weight", weight, input) * losses
    return reduce(losses, reduction)


class BCELoss(Loss):
    function = binary_cross_entropy


def definition(probabilities: list[float], target: list[float], weight: list[float] | None = None) -> Iterator[Term]:
    for i, (p, y) in enumerate(zip(probabilities, target, strict=True)):
        yes = math.log(p) if p > 0 else SMALLEST_LOG
        no = math.log(1 - p) if p < 1 else SMALLEST_LOG
        loss = -(y * max(yes, SMALLEST_LOG) + (1 - y) * max(no, SMALLEST_LOG))
        yield Term(loss if weight is None else weight[i] * loss)


def working(input: Tensor, target: Tensor, *, weight: Tensor | None = None, reduction: str = "mean") -> Iterator[Step]:
    def log(p: float) -> str:
        return f"(−ln {number(p)})" if p > math.exp(SMALLEST_LOG) else number(-SMALLEST_LOG)

    def write(p: float, y: float, w: float) -> str:
        factor = "" if weight is None else f"{operand(w)} · "
        if y in (0, 1):
            return factor + log(p if y else 1 - p)
        return f"{factor}({number(y)} · {log(p)} + {number(1 - y)} · {log(1 - p)})"

    losses = binary_cross_entropy(input, target, weight=weight, reduction="none")
    weights = torch.ones_like(input) if weight is None else weight.expand_as(input)
    return elementwise_working(losses, (input, target, weights), write, reduction)


ENTRY = Entry(
    name="bce",
    function=binary_cross_entropy,
    module=BCELoss,
    definition=definition,
    working=working,
    torch_function=torch.nn.functional.binary_cross_entropy,
    formula=r"\ell(p, y) = -\bigl( y \log p + (1 - y) \log(1 - p) \bigr)",
    family="binary",
    sample=lambda g: (uniform(g, 12, low=0.01, high=0.99), torch.randint(3, (12,), generator=g).double() / 2),
    settings=({}, {"weight": torch.arange(1.0, 13.0).double()}),
)
