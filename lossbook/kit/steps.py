"""The steps of an explanation, as text that a reader (and a test) can evaluate: what `explain` is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..language import gettext as _
from .loss import pick, settings_of
from .text import elided, equals, number, row, scaled


@dataclass(frozen=True)
class Step:
    """One step of an explanation: what is done, the arithmetic, e.g. ``(2 − 4)² = 4``, and what it gives."""

    say: str
    text: tuple[str, ...]
    value: Tensor
    marks: tuple[str, ...] = ()  #: what is suspicious about it


def error_step(input: Tensor, target: Tensor) -> Step:
    errors = input.detach() - target.detach()
    return Step(_("Error of each element, prediction minus target"), (row(errors.flatten()),), errors)


def by_element(
    loss: Callable[..., Tensor],
    term: Callable[..., str],
    *,
    first: Callable[..., Step] | None = None,
    weighted_mean: bool = False,
) -> Callable[..., Iterator[Step]]:
    """The steps of a loss that treats every element alone: what comes first, each element, the reduction.

    ``term`` writes one element. It takes the element's numbers by position, and by name the settings that it needs; of
    a tensor among these the element's number. A ``weight`` is written in front of the term. ``first`` makes a step from
    the tensors. Of a setting with a value for each element the term gets that one. ``weighted_mean``: the mean divides by the sum of the weights.
    """

    def steps(**arguments: Any) -> Iterator[Step]:
        losses = loss(**{**arguments, "reduction": "none"}).detach()

        def numbers(value: Any) -> list[Any]:
            if isinstance(value, Tensor):
                return value.detach().expand_as(losses).flatten().tolist()
            several = isinstance(value, list | tuple) and len(value) == losses.numel()
            return list(value) if several else [value] * losses.numel()

        tensors = [value for name, value in arguments.items() if name not in settings_of(loss)]
        asked = {name: numbers(value) for name, value in settings_for(term, loss, arguments).items()}
        terms = [
            term(*element, **{name: values[i] for name, values in asked.items()})
            for i, element in enumerate(zip(*map(numbers, tensors), strict=True))
        ]
        weight = arguments.get("weight")
        if weight is not None:
            terms = [scaled(w, text) for w, text in zip(numbers(weight), terms, strict=True)]
        if first is not None:
            yield first(*tensors)
        share = weight.flatten() if weighted_mean and weight is not None else None
        yield from element_steps(losses, terms, arguments["reduction"], share)

    return steps


def by_sample(loss: Callable[..., Tensor], term: Callable[..., str]) -> Callable[..., Iterator[Step]]:
    """The steps of a loss that treats every sample alone: a line for each, then the reduction.

    ``term`` writes one sample. It takes the sample's rows by position, and by name the settings that it needs.
    """

    def steps(**arguments: Any) -> Iterator[Step]:
        losses = loss(**{**arguments, "reduction": "none"}).detach()
        scores, *others = (value.detach() for name, value in arguments.items() if name not in settings_of(loss))
        rows = [scores.reshape(losses.numel(), scores.shape[-1])]
        rows += [t.reshape(losses.numel(), *t.shape[losses.dim() :]) for t in others]
        asked = settings_for(term, loss, arguments)
        asked = {name: value.tolist() if isinstance(value, Tensor) else value for name, value in asked.items()}
        terms = [term(*sample, **asked) for sample in zip(*(t.tolist() for t in rows), strict=True)]
        lines = [equals(text, value) for text, value in zip(terms, losses.flatten(), strict=True)]
        yield Step(_("Loss of each sample"), tuple(elided(lines)), losses)
        if losses.dim():
            yield from reduction_steps(losses, None, arguments["reduction"], [number(v) for v in losses.flatten()])

    return steps


def settings_for(term: Callable[..., str], loss: Callable[..., Tensor], arguments: dict[str, Any]) -> dict[str, Any]:
    """The settings of the loss that the term takes."""
    return {name: value for name, value in pick(term, arguments).items() if name in settings_of(loss)}


def element_steps(losses: Tensor, terms: Sequence[str], reduction: str, share: Tensor | None = None) -> Iterator[Step]:
    """Two steps: the loss of each element, as text and as number, and the reduction."""
    lines = [equals(text, value) for text, value in zip(terms, losses.flatten(), strict=True)]
    yield Step(_("Loss of each element"), tuple(elided(lines)), losses)
    yield from reduction_steps(losses, share, reduction, terms, len(losses) if losses.dim() else 1)


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
