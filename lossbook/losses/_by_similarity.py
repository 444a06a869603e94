"""Losses of embeddings that are compared with one another: their similarities, and the text of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ..kit.class_steps import steps_of_classes, steps_of_softmax
from ..kit.curve import is_differentiated, keeps_functions
from ..kit.loss import reduce
from ..kit.precision import keep_digits
from ..kit.steps import Step
from ..kit.text import elided, number, row
from ..language import gettext as _
from ..softmax import log_softmax


def unit(vectors: Tensor) -> Tensor:
    """Each vector divided by its length. A vector of zeros has no direction: it stays, and its slope is 0."""
    return _Unit.apply(vectors)[0] if keeps_functions(vectors) else directions(vectors)[0]


def directions(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Each vector divided by its length, and one over the length; both are 0 for a vector of zeros."""
    squares = vectors.square().sum(-1, keepdim=True)
    if keep_digits(squares, vectors.dtype):  # the usual case, in half the time
        length = squares.sqrt()
        return vectors / length, 1 / length
    # In the unit of the largest coordinate no square over- or underflows. It cancels, so no gradient flows through it.
    largest = vectors.detach().abs().amax(-1, keepdim=True)
    largest = torch.where(largest == 0, torch.inf, largest)
    scaled = vectors / largest
    squares = scaled.square().sum(-1, keepdim=True)
    length = torch.where(squares == 0, 1, squares).sqrt()
    return scaled / length, 1 / length / largest


class _Unit(torch.autograd.Function):
    """In the form that torch.func asks for. Beside the directions it returns one over each length, as a constant."""

    generate_vmap_rule = True

    @staticmethod
    def forward(vectors: Tensor) -> tuple[Tensor, Tensor]:
        return directions(vectors)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs, *output)
        ctx.save_for_forward(*inputs, *output)  # vmap over vmap asks for the same as above

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, _constant: None) -> Tensor | None:
        if gradient is None:
            return None
        vectors, along, per_length = ctx.saved_tensors
        if is_differentiated(vectors):  # again
            along, per_length = directions(vectors)
        return across(gradient, along) * per_length

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> tuple[Tensor, None]:
        along, per_length = directions(ctx.saved_tensors[0])  # a slope of the constant may be asked for
        return across(tangent, along) * per_length, None


def across(vectors: Tensor, along: Tensor) -> Tensor:
    """What of the vectors is not along the directions: a change along them changes no direction."""
    return vectors - along * (along * vectors).sum(-1, keepdim=True)


def similarities(first: Tensor, second: Tensor, normalize: bool) -> Tensor:
    """Cosines, or dot products, of N vectors with M others, shape (M, D), or with M each, (N, M, D). In float32 at least."""
    wide, same = torch.promote_types(first.dtype, torch.float32), second is first
    first, second = first.to(wide), second.to(wide)
    if normalize:
        first = unit(first)
        second = first if same else unit(second)
    return first @ second.T if second.dim() == 2 else (second @ first.unsqueeze(-1)).squeeze(-1)


def similarity(a: list[float], b: list[float], normalize: bool) -> float:
    """The same of two vectors in plain Python, for definitions."""
    product = sum(x * y for x, y in zip(a, b, strict=True))
    return product / (math.hypot(*a) * math.hypot(*b)) if normalize else product


def find_own(similar: Tensor, own: Tensor, temperature: float, reduction: str) -> Tensor:
    """Cross-entropy of each row's similarities over the temperature, with the number of its own column."""
    scores = similar if temperature == 1 else similar / temperature
    if not len(own):
        return reduce(scores.sum(1), reduction)  # of no rows: nan, 0 or nothing
    return cross_entropy(scores, own, reduction=reduction)


def similarity_step(similar: Tensor, normalize: bool) -> Step:
    say = _("Cosine of each vector with those it is compared with") if normalize else _("Products of the vectors")
    return Step(say, tuple(elided([row(values) for values in similar])), similar)


def steps_of_similarities(
    similar: Tensor, own: Tensor, temperature: float, normalize: bool, reduction: str
) -> Iterator[Step]:
    """The steps of a softmax over similarities, in which each row has to find its own."""
    yield similarity_step(similar, normalize)
    scores = similar / temperature
    if temperature != 1:
        say = _("Divided by the temperature {T}").format(T=number(temperature))
        yield Step(say, tuple(elided([row(values) for values in scores])), scores)
    yield from steps_of_softmax(scores, 1)
    yield from steps_of_classes(
        cross_entropy,
        scores,
        own,
        log_probabilities=log_softmax(scores, 1),
        weight=None,
        ignore_index=-100,
        reduction=reduction,
    )
