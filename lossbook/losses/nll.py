"""Negative log-likelihood: minus the log-probability of the true class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..guards.classes import check_class_indices, check_class_weight, class_dim, unknown_class
from ..guards.tensors import check_floating, check_tensors
from ..kit.batches.by_class import WEIGHT, by_class
from ..kit.class_steps import steps_of_classes
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce, total
from ..kit.settings import ClassNumber, OptionalTensor, Reduction
from ..kit.steps import Step
from ..kit.text import symbol
from ..kit.views import OF_PROBABILITY
from ..softmax import log_softmax
from ._of_class import nll_of


@loss_function
def nll_loss(
    input: Tensor,
    target: Tensor,
    *,
    weight: OptionalTensor = None,
    ignore_index: ClassNumber = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Minus the log-probability that the model gave to the true class.

    .. math:: \ell(x, t) = -w_t\, x_t

    Args:
        input: log-probabilities (from :func:`log_softmax`), shape ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``, floating
            point, at most 0. The loss takes no logarithm: given probabilities it returns a meaningless number below 0.
        target: class numbers 0 … C − 1, shape ``()``, ``(N,)`` or ``(N, d1, …)``, int64.
        weight: one weight for each class, shape ``(C,)``.
        ignore_index: samples with this target add nothing to loss, gradient or mean.
        reduction: ``"mean"`` divides by the summed weights of the targets that count, not by N.

    Returns:
        A tensor of shape ``()``, or the shape of ``target`` with ``reduction="none"``; at least 0 for log-probabilities.
        The mean is ``nan`` when every target is ignored, as in torch.

    Raises:
        ValueError, TypeError: a wrong shape or kind.
        IndexError: a class number outside 0 … C − 1.

    Source: :class:`torch.nn.NLLLoss`.

    >>> probabilities = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    >>> nll_loss(probabilities.log2(), torch.tensor([0, 1]), reduction="none")  # in bits: log2 1/4, log2 1/2
    tensor([2., 1.])
    """
    check_tensors(input=input, target=target)
    check_floating(input=input)
    check_class_indices(input, target)
    dim = class_dim(input)
    check_class_weight(weight, input.shape[dim])

    losses, share = pick(input, target, dim, weight, ignore_index)
    return reduce(losses, reduction, divisor=total(share))


def pick(
    log_probabilities: Tensor, target: Tensor, dim: int, weight: Tensor | None, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """The weighted loss of each sample and its share in the mean, both in the shape of ``target``."""
    return weigh(
        lambda index: -log_probabilities.gather(dim, index.unsqueeze(dim)).squeeze(dim),
        target,
        weight,
        ignore_index,
        log_probabilities.shape[dim],
    )


def pick_from_logits(
    logits: Tensor, target: Tensor, dim: int, weight: Tensor | None, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """The same of the log-softmax, in less time and memory."""
    return weigh(lambda index: nll_of(logits, index, dim), target, weight, ignore_index, logits.shape[dim])


def weigh(
    nll: Callable[[Tensor], Tensor], target: Tensor, weight: Tensor | None, ignore_index: int, classes: int
) -> tuple[Tensor, Tensor]:
    """Losses and shares of samples, from the losses of class numbers: ignored targets and weights of classes."""
    target = target.long()  # as uint8, −100 would equal class 156
    kept = target != ignore_index
    index = torch.where(kept, target, 0)
    try:
        losses = nll(index)
    except (IndexError, RuntimeError) as cause:
        raise unknown_class(index, classes, cause, ignorable=True) from None
    share = torch.ones_like(losses) if weight is None else weight.to(losses.dtype)[index]
    share = torch.where(kept, share, 0)
    # An ignored row may hold anything, even nan; 0 · nan would let it through.
    return torch.where(kept, share * losses, 0), share


class NLLLoss(Loss):
    function = nll_loss


def definition(
    rows: list[list[float]], targets: list[int], weight: list[float] | None = None, ignore_index: int = -100
) -> Iterator[Term]:
    for row, t in zip(rows, targets, strict=True):
        if t == ignore_index:
            yield Term(0.0, 0.0)
        else:
            w = 1.0 if weight is None else weight[t]
            yield Term(-w * row[t], w)


def formula(weight: Tensor | None, ignore_index: int) -> str:
    text = "-" + symbol("w_t", weight) + "x_t"
    if ignore_index >= 0:
        text = rf"\begin{{cases}} {text} & t \ne {ignore_index} \\ 0 & t = {ignore_index} \end{{cases}}"
    return r"\ell(x, t) = " + text


def steps(input: Tensor, **more: Any) -> Iterator[Step]:
    return steps_of_classes(nll_loss, input, log_probabilities=input, **more)


def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    logits = uniform(generator, 5, 4)
    return log_softmax(logits, dim=1), torch.randint(4, (5,), generator=generator)


ENTRY = Entry(
    name="nll",
    family="classification",
    module=NLLLoss,
    torch_module=torch.nn.NLLLoss,
    torch_function=torch.nn.functional.nll_loss,
    page="guide/nll",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(OF_PROBABILITY,),
    batches=by_class(log_probabilities=True, trials=({"weight": WEIGHT}, {"ignore_index": 1})),
    sample=sample,
    settings=({}, {"ignore_index": 1}, {"weight": WEIGHT}, {"weight": WEIGHT, "ignore_index": 2}),
)
