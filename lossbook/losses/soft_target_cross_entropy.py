"""Cross-entropy with soft targets, of the samples that a mask lets through."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from ..guards.classes import classes_last
from ..guards.tensors import check_real, check_tensors
from ..kit.batches.batch import Batch, Kind, Settings, exact, normal
from ..kit.class_steps import steps_of_softmax
from ..kit.entry import Entry, Term, uniform
from ..kit.loss import Loss, loss_function, reduce, total
from ..kit.settings import ClassDim, Reduction
from ..kit.steps import Step, reduction_steps
from ..kit.text import elided, equals, number
from ..kit.views import SCORE, Inputs, View, scores
from ..language import gettext as _
from ..language import message
from .kl_div import sum_times_log


@loss_function
def soft_target_cross_entropy(
    input: Tensor,
    target: Tensor,
    mask: Tensor | None = None,
    *,
    dim: ClassDim = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy of the softmax with a distribution as target, over the samples that count.

    .. math:: \ell(z, q) = -m\, \sum_j q_j \log \frac{e^{z_j}}{\sum_k e^{z_k}}, \qquad m = 1 \text{ without a mask}

    For targets that mixup, label smoothing, several annotators or a teacher have made soft.
    :func:`lossbook.functional.cross_entropy` takes such targets too, but has nothing to leave out samples with:
    ``ignore_index`` is a class number.

    Args:
        input: logits (no softmax), shape ``(C,)``, ``(N, C)`` or ``(N, C, d1, …)``, floating point.
        target: class probabilities q, shape of ``input``, floating point; that they add up to 1 is not checked.
        mask: which samples count, shape of ``input`` without the classes: True or 1 for those that do, False or 0 for
            padding, whose logits and targets may hold anything, ``nan`` too. Numbers between weigh. ``None``: all count.
        dim: the dimension of the classes; ``None`` is 1, or 0 for one sample. timm's ``SoftTargetCrossEntropy`` has −1:
            so write it for ``(B, T, V)``.
        reduction: ``"mean"`` divides by the sum of the mask, not by its size; ``"sum"``; ``"none"``, where a masked sample
            has the loss 0. The mean of nothing is ``nan``, as elsewhere.

    Returns:
        A tensor of shape ``()``, or one loss for each sample with ``reduction="none"``; in nats, at least 0. It is smallest
        where the softmax is q, and there the entropy of q, not 0.

    Raises:
        ValueError: shapes differ.
        TypeError: logits or targets are no floating-point numbers.

    Source: :class:`torch.nn.CrossEntropyLoss`; timm's ``SoftTargetCrossEntropy``, from which it has its name.

    >>> logits, target = torch.zeros(2, 2), torch.tensor([[0.5, 0.5], [1.0, 0.0]])
    >>> soft_target_cross_entropy(logits, target, torch.tensor([True, False]))  # ln 2, of one sample
    tensor(0.6931)
    """
    z, q = classes_last(dim, input=input, target=target)
    if mask is None:
        return reduce(-sum_times_log(q, log_softmax(z, -1), -1), reduction)
    check_mask(z, mask)
    kept = (mask != 0).unsqueeze(-1)
    # Before the softmax: 0 · nan would be nan, in the gradient too.
    z, q = torch.where(kept, z, 0), torch.where(kept, q, 0)
    losses = -sum_times_log(q, log_softmax(z, -1), -1)
    weights = mask.to(losses.dtype)
    return reduce(weights * losses, reduction, divisor=total(weights))


def check_mask(rows: Tensor, mask: Tensor) -> None:
    """A mask holds one number for each row of logits."""
    check_tensors(input=rows, mask=mask)
    if mask.shape != rows.shape[:-1]:
        raise ValueError(
            message(
                "mask must hold one number for each sample, the shape of input without the classes, "
                "{rows_shape}, got {mask_shape}. It masks samples; to leave out a class set its logit to −inf.",
                rows_shape=tuple(rows.shape[:-1]),
                mask_shape=tuple(mask.shape),
            )
        )
    if mask.dtype != torch.bool:
        check_real(mask=mask)


class SoftTargetCrossEntropyLoss(Loss):
    """Module form of :func:`lossbook.beyond.soft_target_cross_entropy`."""

    function = soft_target_cross_entropy


def definition(
    rows: list[list[float]],
    targets: list[list[float]],
    mask: list[float] | None = None,
    dim: int | None = None,
) -> Iterator[Term]:
    for i, (row, target) in enumerate(zip(rows, targets, strict=True)):
        total = sum(math.exp(z - max(row)) for z in row)
        loss = -sum(q * (z - max(row) - math.log(total)) for z, q in zip(row, target, strict=True))
        weight = 1.0 if mask is None else float(mask[i])
        yield Term(weight * loss, weight)


def formula(mask: Tensor | None) -> str:
    weight = "" if mask is None else r"m\, "
    return rf"\ell(z, q) = -{weight}\sum_j q_j \log \frac{{e^{{z_j}}}}{{\sum_k e^{{z_k}}}}"


def steps(input: Tensor, target: Tensor, mask: Tensor | None, dim: int | None, reduction: str) -> Iterator[Step]:
    z, q = classes_last(dim, input=input.detach(), target=target.detach())
    weights = torch.ones_like(z.select(-1, 0)) if mask is None else mask.detach().to(z.dtype)
    z = torch.where((weights != 0).unsqueeze(-1), z, 0)
    yield from steps_of_softmax(z, -1)
    losses = soft_target_cross_entropy(z, q, mask, dim=-1, reduction="none")
    lines = []
    rows = [t.reshape(-1, z.shape[-1]).tolist() for t in (q, log_softmax(z, -1).exp())]
    for wanted, p, m, loss in zip(*rows, weights.flatten().tolist(), losses.flatten(), strict=True):
        text = " + ".join(f"{number(a)} · (−ln {number(b)})" for a, b in zip(wanted, p, strict=True) if a)
        text = "0" if m == 0 else text if m == 1 else f"{number(m)} · ({text})"
        lines.append(equals(text, loss))
    yield Step(_("Loss of each sample, the mean of −ln p under its target"), tuple(elided(lines)), losses)
    if losses.dim():
        share = None if bool((weights == 1).all()) else weights.flatten()
        yield from reduction_steps(losses.flatten(), share, reduction, [number(v) for v in losses.flatten()])


def batches(settings: Settings, g: torch.Generator) -> Iterator[Batch]:
    def draw(n: int, c: int) -> tuple[Tensor, Tensor]:
        return normal(g, n, c) * 2, exact(normal(g, n, c).softmax(1))

    masked = _("with a mask")
    for n, c in ((5, 4), (4, 4), (7, 3), (3, 6)):
        yield Batch(draw(n, c), "(N, C)")
        yield Batch((*draw(n, c), torch.arange(n) != 1), f"(N, C), {masked}")
    yield Batch(draw(1, 4), "(1, C)", "(N, C)")
    one_hot = torch.eye(4).double()[:3]
    yield Batch((normal(g, 3, 4), one_hot), "(N, C)", "(N, C)", edge=True, name=_("target probabilities of 0"))
    large = torch.tensor([[40.0, 0, -40], [-100, 0, 100]]).double()
    even = exact(torch.full((2, 3), 1 / 3))
    yield Batch((large, even), "(N, C)", "(N, C)", edge=True, name=_("large logits"))


def sample(generator: torch.Generator) -> tuple[Tensor, ...]:
    return uniform(generator, 5, 4), uniform(generator, 5, 4).softmax(1), torch.tensor([True, True, False, True, False])


def with_target(q: float) -> Inputs:
    """The target q for the true class, the rest of it shared by the two others."""

    def inputs(x: Tensor) -> tuple[Tensor, Tensor]:
        return scores(x), torch.tensor([q, (1 - q) / 2, (1 - q) / 2], dtype=x.dtype).expand(len(x), -1)

    return inputs


ENTRY = Entry(
    name="soft_target_cross_entropy",
    also=("soft_cross_entropy", "SoftTargetCrossEntropy"),
    family="classification",
    module=SoftTargetCrossEntropyLoss,
    definition=definition,
    formula=formula,
    steps=steps,
    views=(View(SCORE, {f"q = {q:g}": with_target(q) for q in (1, 0.8, 0.5)}),),
    batches=Kind(batches, lambda g, rows, columns: (normal(g, rows, columns), normal(g, rows, columns).softmax(1))),
    sample=sample,
    settings=({}, {"dim": -1}),
)
