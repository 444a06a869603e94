"""Binary cross-entropy on probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.tensors import check_expandable, check_floating, check_pair, check_probabilities
from ..kit.batches.by_element import chance_edges, chances, elementwise
from ..kit.curve import curve, reduced_curve
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce
from ..kit.settings import OptionalTensor, Reduction
from ..kit.steps import by_element
from ..kit.text import number
from ..kit.views import ANSWERS, YES, View, each

SMALLEST_LOG = -100.0  #: log 0 counts as this, so that one certain mistake costs 100 and not infinity
STEEPEST = 1e12  #: the slope of the logarithm is at most this


def bounded_log(p: Tensor) -> Tensor:
    """log p, at least −100, with a slope that is bounded too."""
    steady = p > 1 / steepest(p)
    log = torch.where(steady, p, p.detach()).log()  # one logarithm serves value and slope
    return torch.where(steady, log, log.detach().clamp_min(SMALLEST_LOG) + (p - p.detach()) * steepest(p))


def steepest(p: Tensor) -> float:
    """The bound of the slope: 1e12, or, in float16, what it can hold."""
    return min(STEEPEST, torch.finfo(p.dtype).max / 2)


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
        the logarithm is cut at −100 and its slope at 1e12, in float16 at 32768. For p exactly equal to the label the
        gradient is that of −log p; torch returns 0.

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
    if weight is None:
        return reduced_curve(input, of_probability, its_slope, target, reduction=reduction)
    check_expandable(input, weight=weight)
    return reduce(weight * curve(input, of_probability, its_slope, target), reduction)


def of_probability(p: Tensor, y: Tensor) -> Tensor:
    """−(y log p + (1 − y) log(1 − p)), by operations that torch can go back through."""
    return -(y * bounded_log(p) + (1 - y) * bounded_log(1 - p))


def its_slope(p: Tensor, y: Tensor) -> Tensor:
    yes, no = (chance.clamp_min(1 / steepest(p)) for chance in (p, 1 - p))
    return (1 - y) / no - y / yes


class BCELoss(Loss):
    function = binary_cross_entropy


def definition(probabilities: list[float], target: list[float], weight: list[float] | None = None) -> Iterator[Term]:
    for i, (p, y) in enumerate(zip(probabilities, target, strict=True)):
        yes = math.log(p) if p > 0 else SMALLEST_LOG
        no = math.log(1 - p) if p < 1 else SMALLEST_LOG
        loss = -(y * max(yes, SMALLEST_LOG) + (1 - y) * max(no, SMALLEST_LOG))
        yield Term(loss if weight is None else weight[i] * loss)


def formula(weight: Tensor | None) -> str:
    w = "" if weight is None else r"w\,"
    return rf"\ell(p, y) = -{w}\bigl( y \log p + (1 - y) \log(1 - p) \bigr)"


def term(p: float, y: float) -> str:
    def log(p: float) -> str:
        return f"(−ln {number(p)})" if p > math.exp(SMALLEST_LOG) else number(-SMALLEST_LOG)

    if y in (0, 1):
        return log(p if y else 1 - p)
    return f"({number(y)} · {log(p)} + {number(1 - y)} · {log(1 - p)})"


ENTRY = Entry(
    name="bce",
    family="binary",
    module=BCELoss,
    torch_module=torch.nn.BCELoss,
    torch_function=torch.nn.functional.binary_cross_entropy,
    page="guide/bce",
    definition=definition,
    formula=formula,
    steps=by_element(binary_cross_entropy, term),
    views=(View(YES, each(ANSWERS)),),
    batches=elementwise(chances, chance_edges),
    sample=lambda g: (uniform(g, 12, low=0.01, high=0.99), torch.randint(3, (12,), generator=g).double() / 2),
    settings=({}, {"weight": torch.arange(1.0, 13.0).double()}),
)
