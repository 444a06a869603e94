"""The steps of a working, as text that a reader (and a test) can evaluate: what `explain` is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..language import gettext as _
from .text import elided, equals, number, operand, row


@dataclass(frozen=True)
class Step:
    """One step of the working: what is done, the arithmetic, e.g. ``(2 − 4)² = 4``, and what it gives."""

    say: str
    text: tuple[str, ...]
    value: Tensor
    marks: tuple[str, ...] = ()  #: what is suspicious about it


def error_step(input: Tensor, target: Tensor) -> Step:
    errors = input.detach() - target.detach()
    return Step(_("Error of each element, prediction minus target"), (row(errors.flatten()),), errors)


def elementwise_working(
    losses: Tensor,
    tensors: Sequence[Tensor],
    write: Callable[..., str],
    reduction: str,
    *,
    share: Tensor | None = None,
    batch: int | None = None,
    first: Sequence[Step] = (),
) -> Iterator[Step]:
    """Steps of a loss that treats every element alone: what comes first, each element, the reduction.

    ``write`` writes one element, given its numbers in ``tensors``; ``share`` is the weight of each, if there is one;
    ``batch`` is what ``batchmean`` divides by.
    """
    losses = losses.detach()
    terms = [write(*numbers) for numbers in zip(*(t.detach().flatten().tolist() for t in tensors), strict=True)]
    if share is not None:
        terms = [f"{operand(w)} · {term}" for w, term in zip(share.flatten(), terms, strict=True)]
    lines = [equals(term, value) for term, value in zip(terms, losses.flatten(), strict=True)]
    yield from first
    yield Step(_("Loss of each element"), tuple(elided(lines)), losses)
    yield from reduction_steps(losses, None if share is None else share.flatten(), reduction, terms, batch)


def sample_working(
    losses: Tensor, tensors: Sequence[Tensor], write: Callable[..., str], reduction: str
) -> Iterator[Step]:
    """Steps of a loss that treats every sample alone: one line for each, then the reduction.

    ``write`` writes one sample, given its rows in ``tensors``.
    """
    losses = losses.detach()
    rows = [t.detach().reshape(losses.numel(), *t.shape[losses.dim() :]).tolist() for t in tensors]
    terms = [write(*numbers) for numbers in zip(*rows, strict=True)]
    lines = [equals(term, value) for term, value in zip(terms, losses.flatten(), strict=True)]
    yield Step(_("Loss of each sample"), tuple(elided(lines)), losses)
    if losses.dim():
        yield from reduction_steps(losses, None, reduction, [number(v) for v in losses.flatten()])


def reduction_steps(
    losses: Tensor, share: Tensor | None, reduction: str, terms: Sequence[str], batch: int | None = None
) -> Iterator[Step]:
    """The last step: what happens to the losses of all elements.

    ``share`` is what each adds to the divisor, if that is not their number; ``batch`` is what ``batchmean`` divides by.
    """
    if reduction == "none":
        return
    count: Any
    total, added = losses.sum(), " + ".join(elided(terms))
    if reduction == "sum":
        yield Step(_("Sum of all losses"), (equals(added, total),), total)
        return
    if reduction == "batchmean":
        say = _("Mean over the batch, the sum divided by the number of samples, {count}").format(count=batch)
        count, divisor = batch, str(batch)
    elif share is None:
        say = _("Mean, the sum divided by the number of losses, {count}").format(count=losses.numel())
        count, divisor = losses.numel(), str(losses.numel())
    else:
        say = _("Mean, the sum divided by the sum of the weights")
        count, divisor = share.sum(), f"({' + '.join(elided([number(w) for w in share]))})"
    value = total / count
    yield Step(say, (equals(f"({added}) / {divisor} = {number(total)} / {number(count)}", value),), value)
