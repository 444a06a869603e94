"""The steps of softmax, and of losses that pick a class."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ..guards.classes import class_dim
from ..language import gettext as _
from ..softmax import softmax_steps
from .steps import Step, reduction_steps
from .text import elided, equals, number, operand, row, side_by_side


def steps_of_softmax(input: Tensor, dim: int | None = None) -> Iterator[Step]:
    """Steps of the softmax, one line for each sample."""
    dim = class_dim(input) if dim is None else dim
    steps = softmax_steps(input.detach().double(), dim)
    rows = [tensor.movedim(dim, -1).reshape(-1, tensor.shape[dim]) for tensor in (input.detach(), *steps)]
    shifts, exponentials, sums, divisions = [], [], [], []
    for logits, shift, shifted, numerator, normalizer, probabilities in zip(*rows, strict=True):
        shifts.append(f"{row(logits)} − {operand(shift)} = {row(shifted)}")
        exponentials.append(side_by_side((f"e^{operand(s)}" for s in shifted), numerator))
        sums.append(equals(" + ".join(elided([number(n) for n in numerator])), normalizer))
        divisions.append(side_by_side((f"{number(n)} / {number(normalizer)}" for n in numerator), probabilities))
    say = _("Shift by the largest logit; it cancels, and no exponential can overflow")
    yield Step(say, tuple(elided(shifts)), steps.shifted)
    yield Step(_("Numerators, the exponential of each"), tuple(elided(exponentials)), steps.numerator)
    yield Step(_("Normalizer, their sum"), tuple(elided(sums)), steps.normalizer)
    yield Step(_("Probabilities, each numerator divided by the sum"), tuple(elided(divisions)), steps.probabilities)


def steps_of_classes(
    loss: Callable[..., Tensor],
    input: Tensor,
    target: Tensor,
    *,
    log_probabilities: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float | None = None,
) -> Iterator[Step]:
    """Steps of a loss that picks log-probabilities: one line for each sample, then the reduction."""
    smoothing = {} if label_smoothing is None else {"label_smoothing": label_smoothing}
    losses = loss(input, target, reduction="none", weight=weight, ignore_index=ignore_index, **smoothing).detach()
    epsilon = label_smoothing or 0.0
    dim = class_dim(input)
    classes = input.shape[dim]
    log_p = log_probabilities.movedim(dim, -1).reshape(-1, classes)
    weights = torch.ones(classes).double() if weight is None else weight
    if target.is_floating_point():
        asked, share = target.movedim(dim, -1).reshape(-1, classes), torch.ones(len(log_p)).double()
    else:
        kept = target.flatten().long() != ignore_index
        index = torch.where(kept, target.flatten().long(), 0)
        asked, share = torch.eye(classes).double()[index] * kept[:, None], weights[index] * kept
    counted = asked.sum(dim=1, keepdim=True) > 0  # ignored samples stay at 0 under label smoothing
    asked = torch.where(counted, (1 - epsilon) * asked + epsilon / classes, 0)

    def term(q: Tensor, lp: Tensor) -> str:
        parts = []
        for wanted, w, log in zip(q.tolist(), weights.tolist(), lp.tolist(), strict=True):
            factors = [number(factor) for factor in (w, wanted) if factor != 1]
            if wanted:
                parts.append(" · ".join([*factors, f"(−ln {number(math.exp(log))})"]))
        alone = len(parts) == 1 and "·" not in parts[0]
        return parts[0].strip("()") if alone else " + ".join(parts) or "0"

    each = losses.flatten()
    lines = [equals(term(q, lp), v) for q, lp, v in zip(asked, log_p, each, strict=True)]
    yield Step(
        _("Loss of each sample, minus the logarithm of the probability of its class"), tuple(elided(lines)), losses
    )
    if losses.dim() or (reduction == "mean" and share != 1):
        weighted = None if bool((share == 1).all()) else share
        yield from reduction_steps(each, weighted, reduction, [number(v) for v in each])
