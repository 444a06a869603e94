"""Symmetric cross-entropy: cross-entropy and its reverse, for labels that may be wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

import torch
from torch import Tensor

from ..guards.classes import check_class_indices, class_dim
from ..guards.tensors import check_floating, check_tensors
from ..kit.batches.by_class import by_class
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce, total
from ..kit.settings import ClassNumber, NotNegative, Reduction, between
from ..kit.text import given, number
from ..kit.views import OF_SCORE
from ._by_probability import steps_of_probability
from .nll import pick_from_logits


@loss_function
def symmetric_cross_entropy(
    input: Tensor,
    target: Tensor,
    *,
    alpha: NotNegative = 0.1,
    beta: NotNegative = 1.0,
    log_zero: Annotated[float, between(-1e6, 0)] = -4.0,
    ignore_index: ClassNumber = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""The cross-entropy of the softmax, and that of the label under the softmax, each with a weight.

    .. math:: \ell(z, t) = -\alpha \log p_t - \beta A (1 - p_t), \qquad p_t = \frac{e^{z_t}}{\sum_j e^{z_j}}

    The reverse cross-entropy takes the logarithm of the label, which is 0 for every other class; A stands for log 0. What is
    left is A times the probability of the other classes: bounded, so that a wrong label cannot cost without end.

    Args:
        input: logits (no softmax), shape ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``, floating point.
        target: class numbers 0 … C − 1, shape ``()``, ``(N,)`` or ``(N, d1, …)``, int64.
        alpha: α, the weight of the cross-entropy; at least 0. The paper has 0.1 for CIFAR-10 and 6 for CIFAR-100.
        beta: β, the weight of its reverse; at least 0. The paper has 1 and 0.1.
        log_zero: A, at most 0; −4 in the paper. Its authors' code, and much after it, clamps the label at 1e-4: A = −9.21.
            Code that clamps the probabilities too is off by what it clamps.
        ignore_index: samples with this class number add nothing to loss, gradient or mean.
        reduction: ``"mean"`` divides by the number of samples that count; ``"sum"``; ``"none"``.

    Returns:
        A tensor of shape ``()``, or one loss for each sample with ``reduction="none"``; at least 0. Value and gradient are
        finite where the logits' differences are.

    Raises:
        ValueError, TypeError: a wrong shape or kind, or a setting outside its range.
        IndexError: a class number outside 0 … C − 1.

    Source: Y. Wang et al., "Symmetric cross entropy for robust learning with noisy labels", 2019,
    https://arxiv.org/abs/1908.06112.

    >>> symmetric_cross_entropy(torch.zeros(1, 2), torch.tensor([0]), alpha=0.0)  # 1 · 4 · (1 − 1/2)
    tensor(2.)
    """
    check_tensors(input=input, target=target)
    check_floating(input=input)
    check_class_indices(input, target)
    dim = class_dim(input)
    nll, share = pick_from_logits(input, target, dim, None, ignore_index)
    losses = alpha * nll + beta * log_zero * torch.expm1(-nll)
    return reduce(losses, reduction, divisor=total(share))


class SCELoss(Loss):
    """Module form of :func:`lossbook.beyond.symmetric_cross_entropy`."""

    function = symmetric_cross_entropy


def definition(
    rows: list[list[float]],
    targets: list[int],
    alpha: float = 0.1,
    beta: float = 1.0,
    log_zero: float = -4.0,
    ignore_index: int = -100,
) -> Iterator[Term]:
    for row, t in zip(rows, targets, strict=True):
        if t == ignore_index:
            yield Term(0.0, 0.0)
            continue
        total = sum(math.exp(z) for z in row)
        p = [math.exp(z) / total for z in row]
        reverse = -sum(p[c] * (0.0 if c == t else log_zero) for c in range(len(row)))
        yield Term(alpha * -math.log(p[t]) + beta * reverse)


def formula(alpha: float, beta: float, log_zero: float, ignore_index: int) -> str:
    text = r"-\alpha \log p_t - \beta A (1 - p_t)"
    if ignore_index >= 0:
        text = rf"\begin{{cases}} {text} & t \ne {ignore_index} \\ 0 & t = {ignore_index} \end{{cases}}"
    text = r"\ell(z, t) = " + text + given("p_t", r"\frac{e^{z_t}}{\sum_j e^{z_j}}")
    return text + given(r"\alpha", alpha) + given(r"\beta", beta) + given("A", log_zero)


def term(p: float, alpha: float, beta: float, log_zero: float) -> str:
    return f"{number(alpha)} · (−ln {number(p)}) + {number(beta)} · {number(-log_zero)} · (1 − {number(p)})"


ENTRY = Entry(
    name="symmetric_cross_entropy",
    also=("sce", "sce_loss", "SymmetricCrossEntropyLoss", "SymmetricCrossEntropy", "symmetric_ce", "sl_loss"),
    family="classification",
    module=SCELoss,
    page="practice/noisy-labels",
    definition=definition,
    formula=formula,
    steps=steps_of_probability(symmetric_cross_entropy, term),
    views=(OF_SCORE,),
    batches=by_class(trials=({"alpha": 1.0}, {"beta": 0.5}, {"ignore_index": 1})),
    sample=lambda g: (uniform(g, 5, 4), torch.randint(4, (5,), generator=g)),
    settings=({}, {"alpha": 6.0, "beta": 0.1, "log_zero": -8.0}, {"ignore_index": 1}),
)
