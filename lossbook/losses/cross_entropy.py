"""Cross-entropy: the negative log-likelihood of the softmax."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from ..guards.classes import check_class_indices, check_class_probabilities, check_class_weight, class_dim
from ..guards.tensors import check_floating, check_tensors
from ..kit.batches.by_class import WEIGHT, by_class
from ..kit.class_steps import steps_of_classes, steps_of_softmax
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce, total
from ..kit.settings import ClassNumber, OptionalTensor, Reduction, UnitInterval
from ..kit.steps import Step
from ..kit.text import given, symbol
from ..kit.views import OF_PROBABILITY, OF_SCORE
from ..softmax import log_softmax
from .kl_div import sum_times_log
from .nll import pick, pick_from_logits


@loss_function
def cross_entropy(
    input: Tensor,
    target: Tensor,
    *,
    weight: OptionalTensor = None,
    ignore_index: ClassNumber = -100,
    reduction: Reduction = "mean",
    label_smoothing: UnitInterval = 0.0,
) -> Tensor:
    r"""Minus the logarithm of the softmax at the true class; softmax is applied inside.

    .. math:: \ell(z, t) = -w_t \log \frac{e^{z_t}}{\sum_j e^{z_j}}, \qquad
              \ell(z, q) = -\sum_j w_j\, q_j \log \frac{e^{z_j}}{\sum_k e^{z_k}}

    Args:
        input: logits (no softmax), shape ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``, floating point.
        target: class numbers 0 … C − 1, shape ``()``, ``(N,)`` or ``(N, d1, …)``, int64; or class probabilities
            :math:`q`, shape of ``input``, floating point, in [0, 1], adding up to 1 over the classes (not checked).
        weight: one weight for each class, shape ``(C,)``.
        ignore_index: samples with this class number add nothing to loss, gradient or mean; class numbers only.
        reduction: ``"mean"`` divides by the summed weights of the targets that count. With class probabilities it
            divides by the number of samples, whatever the weights: so does torch.
        label_smoothing: the share ε of each target that is spread evenly over all C classes, in [0, 1].

    Returns:
        A tensor of shape ``()``, or one loss for each sample with ``reduction="none"``; in nats, at least 0. A model
        that knows nothing scores ln C. A logit of −∞ under a target probability of 0 adds 0 (torch: ``nan``).

    Raises:
        ValueError, TypeError: a wrong shape or kind.
        IndexError: a class number outside 0 … C − 1.

    Source: :class:`torch.nn.CrossEntropyLoss`.

    >>> cross_entropy(torch.tensor([0.0, 0.0]), torch.tensor(1))  # ln 2
    tensor(0.6931)
    """
    check_tensors(input=input, target=target)
    check_floating(input=input)
    dim = class_dim(input)
    classes = input.shape[dim]
    check_class_weight(weight, classes)
    weights = 1 if weight is None else weight.to(input.dtype).reshape(-1, *[1] * (input.dim() - dim - 1))

    if target.shape == input.shape:
        check_class_probabilities(target, ignore_index)
        smoothed = (1 - label_smoothing) * target + label_smoothing / classes
        return reduce(-sum_times_log(weights * smoothed, log_softmax(input, dim), dim), reduction)

    check_class_indices(input, target)
    if not label_smoothing:
        losses, share = pick_from_logits(input, target, dim, weight, ignore_index)
    else:
        log_p = log_softmax(input, dim)
        losses, share = pick(log_p, target, dim, weight, ignore_index)
        even = torch.where(target.long() != ignore_index, -(weights * log_p).mean(dim), 0)
        losses = (1 - label_smoothing) * losses + label_smoothing * even
    return reduce(losses, reduction, divisor=total(share))


class CrossEntropyLoss(Loss):
    function = cross_entropy


def definition(
    rows: list[list[float]],
    targets: Sequence[int | list[float]],
    weight: list[float] | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Iterator[Term]:
    for row, target in zip(rows, targets, strict=True):
        if target == ignore_index:
            yield Term(0.0, 0.0)
            continue
        classes = len(row)
        w = weight or [1.0] * classes
        one_hot = target if isinstance(target, list) else [float(c == target) for c in range(classes)]
        q = [(1 - label_smoothing) * share + label_smoothing / classes for share in one_hot]
        total = sum(math.exp(z - max(row)) for z in row)
        loss = -sum(w[c] * q[c] * (row[c] - max(row) - math.log(total)) for c in range(classes))
        yield Term(loss, 1.0 if isinstance(target, list) else w[target])


def formula(target: Tensor, weight: Tensor | None, ignore_index: int, label_smoothing: float) -> str:
    soft = target.is_floating_point()
    if soft or label_smoothing:
        q = r"\tilde{q}_j" if label_smoothing else "q_j"
        text = r"-\sum_j " + symbol("w_j", weight) + rf"{q} \log \frac{{e^{{z_j}}}}{{\sum_k e^{{z_k}}}}"
    else:
        text = "-" + symbol("w_t", weight) + r"\log \frac{e^{z_t}}{\sum_j e^{z_j}}"
    if ignore_index >= 0 and not soft:
        text = rf"\begin{{cases}} {text} & t \ne {ignore_index} \\ 0 & t = {ignore_index} \end{{cases}}"
    text = (r"\ell(z, q) = " if soft else r"\ell(z, t) = ") + text
    if label_smoothing:
        smoothed = rf"(1 - \epsilon)\, {'q_j' if soft else '[j = t]'} + \epsilon / C"
        text += given(r"\tilde{q}_j", smoothed) + given(r"\epsilon", label_smoothing)
    return text


def steps(input: Tensor, **more: Any) -> Iterator[Step]:
    yield from steps_of_softmax(input)
    log_p = log_softmax(input, class_dim(input))
    yield from steps_of_classes(cross_entropy, input, log_probabilities=log_p, **more)


def sample(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return uniform(generator, 5, 4), torch.randint(4, (5,), generator=generator)


ENTRY = Entry(
    name="cross_entropy",
    family="classification",
    module=CrossEntropyLoss,
    torch_module=torch.nn.CrossEntropyLoss,
    torch_function=torch.nn.functional.cross_entropy,
    page="guide/cross-entropy",
    definition=definition,
    formula=formula,
    steps=steps,
    views=(OF_SCORE, OF_PROBABILITY),
    batches=by_class(
        soft_targets=True,
        trials=(
            {"weight": WEIGHT},
            {"ignore_index": 1},
            {"label_smoothing": 0.25},
            {"weight": WEIGHT, "label_smoothing": 0.25},
            {"weight": WEIGHT, "ignore_index": 1},
            {"label_smoothing": 0.25, "ignore_index": 1},
        ),
    ),
    sample=sample,
    settings=(
        {},
        {"weight": WEIGHT},
        {"ignore_index": 1},
        {"label_smoothing": 0.25},
        {"weight": WEIGHT, "ignore_index": 2, "label_smoothing": 0.1},
    ),
)
