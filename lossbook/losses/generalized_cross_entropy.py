"""Generalized cross-entropy: between cross-entropy and the absolute error of a probability, for labels that may be wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..guards.classes import check_class_indices, class_dim
from ..guards.tensors import check_floating, check_tensors
from ..kit.batches.by_class import by_class
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce, total
from ..kit.settings import ClassNumber, Reduction, UnitInterval
from ..kit.text import given, number, power
from ..kit.views import OF_SCORE
from ._by_probability import steps_of_probability
from .nll import pick_from_logits


@loss_function
def generalized_cross_entropy(
    input: Tensor,
    target: Tensor,
    *,
    q: UnitInterval = 0.7,
    k: UnitInterval = 0.0,
    ignore_index: ClassNumber = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""1 minus a power of the probability of the true class, divided by the exponent.

    .. math:: \ell(z, t) = \frac{1 - p_t^q}{q}, \qquad p_t = \frac{e^{z_t}}{\sum_j e^{z_j}}

    A sample whose label the model thinks unlikely pulls less than in the cross-entropy: its slope is that times
    :math:`p_t^q`. As q goes to 0 the loss goes to the cross-entropy; q = 1 gives 1 − p, half the absolute error.

    Args:
        input: logits (no softmax), shape ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``, floating point.
        target: class numbers 0 … C − 1, shape ``()``, ``(N,)`` or ``(N, d1, …)``, int64.
        q: the exponent, in [0, 1]. The paper takes 0.7. With 0 the loss is the cross-entropy, its limit.
        k: where :math:`p_t` is at most k, the loss is that of k, without a slope; 0 truncates nothing. The paper has ½ with
            q = 0.7.
        ignore_index: samples with this class number add nothing to loss, gradient or mean.
        reduction: ``"mean"`` divides by the number of samples that count; ``"sum"``; ``"none"``.

    Returns:
        A tensor of shape ``()``, or one loss for each sample with ``reduction="none"``; between 0 and 1 / q, without a unit
        (in nats for q = 0). Finite where the logits' differences are, and with its digits where p is near 1.

    Raises:
        ValueError, TypeError: a wrong shape or kind, or a setting outside its range.
        IndexError: a class number outside 0 … C − 1.

    Source: Z. Zhang and M. R. Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy
    labels", 2018, https://arxiv.org/abs/1805.07836.

    >>> generalized_cross_entropy(torch.zeros(1, 4), torch.tensor([0]), q=0.5)  # (1 − √0.25) / 0.5
    tensor(1.)
    """
    check_tensors(input=input, target=target)
    check_floating(input=input)
    check_class_indices(input, target)
    dim = class_dim(input)
    nll, share = pick_from_logits(input, target, dim, None, ignore_index)
    if k:
        nll = torch.where(nll >= -math.log(k), -math.log(k), nll)
    losses = -torch.expm1(-q * nll) / q if q else nll  # 1 − p^q without the difference
    return reduce(losses, reduction, divisor=total(share))


class GCELoss(Loss):
    """Module form of :func:`lossbook.beyond.generalized_cross_entropy`."""

    function = generalized_cross_entropy


def definition(
    rows: list[list[float]], targets: list[int], q: float = 0.7, k: float = 0.0, ignore_index: int = -100
) -> Iterator[Term]:
    for row, t in zip(rows, targets, strict=True):
        if t == ignore_index:
            yield Term(0.0, 0.0)
            continue
        p = max(math.exp(row[t]) / sum(math.exp(z) for z in row), k)
        yield Term((1 - p**q) / q if q else -math.log(p))


def formula(q: float, k: float, ignore_index: int) -> str:
    p = r"\max(p_t, k)" if k else "p_t"
    text = rf"\frac{{1 - {p}^q}}{{q}}" if q else rf"-\log {p}"
    if ignore_index >= 0:
        text = rf"\begin{{cases}} {text} & t \ne {ignore_index} \\ 0 & t = {ignore_index} \end{{cases}}"
    text = r"\ell(z, t) = " + text + given("p_t", r"\frac{e^{z_t}}{\sum_j e^{z_j}}")
    return text + (given("q", q) if q else "") + (given("k", k) if k else "")


def term(p: float, q: float, k: float) -> str:
    text = f"(max({number(p)}, {number(k)}))" if k else f"({number(p)})"
    return f"(1 − {text}{power(q)}) / {number(q)}" if q else f"−(ln {number(max(p, k))})"


ENTRY = Entry(
    name="generalized_cross_entropy",
    also=(
        "gce",
        "gce_loss",
        "GeneralizedCrossEntropyLoss",
        "GCE",
        "lq_loss",
        "GeneralizedCrossEntropy",
        "truncated_loss",
    ),
    family="classification",
    page="practice/noisy-labels",
    module=GCELoss,
    definition=definition,
    formula=formula,
    steps=steps_of_probability(generalized_cross_entropy, term),
    views=(OF_SCORE,),
    batches=by_class(trials=({"q": 0.25}, {"ignore_index": 1}, {"k": 0.25})),
    sample=lambda g: (uniform(g, 5, 4), torch.randint(4, (5,), generator=g)),
    settings=({}, {"q": 0.25, "ignore_index": 1}, {"k": 0.2}, {"q": 0.0}),
)
