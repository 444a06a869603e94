"""For losses that are a curve over one number, such as the error, or over a row of numbers: the slope given beside it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from torch._C import _functorch as functorch
from torch.autograd import forward_ad

from ..guards.tensors import can_be_read, is_recorded
from .loss import reduce, total

#: From numbers to numbers, each for itself, or each row; of torch's operations, and of no other tensor than those given.
Curve = Callable[..., Tensor]

#: What has a loss: each number; each row, along the last dimension; or all numbers together, as the sum of theirs.
Of = Literal["each", "rows", "all"]

#: Tensors, a part of each at a time.
Split = Callable[..., list[tuple[Tensor, ...]]]

#: So many numbers of a few tensors stay in the cache of a core while they are computed with.
PIECE = 65536


def curve(x: Tensor, loss: Curve, slope: Curve, *beside: Tensor) -> Tensor:
    """The loss of each number, whose backward pass takes the slope as it is written.

    torch would find it by going back through every operation of the loss: the same numbers, with many times the memory
    to fill. Higher derivatives are found that way, from the operations of the slope. Loss and slope take, after x, the
    tensors ``beside`` it, such as labels; where those learn too, torch goes back to them through the loss.

    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> curve(x, loss=lambda x: x * x * x, slope=lambda x: 3 * x * x).backward()
    >>> x.grad
    tensor([27.])
    """
    return _curve(x, loss, slope, "each", beside)


def total_of_curve(x: Tensor, loss: Curve, slope: Curve, *beside: Tensor) -> Tensor:
    """The sum of the losses of all numbers, none of which is stored; of half precision in float32."""
    return _curve(x, loss, slope, "all", beside)


def reduced_curve(
    x: Tensor, loss: Curve, slope: Curve, *beside: Tensor, reduction: str, divisor: int | None = None
) -> Tensor:
    """`loss.reduce` of a curve, whose losses are stored only where each is asked for."""
    if reduction == "none":
        return curve(x, loss, slope, *beside)
    divisor = x.numel() if divisor is None else divisor
    found = reduce(total_of_curve(x, loss, slope, *beside), reduction, divisor=divisor)
    return found.to(functools.reduce(torch.promote_types, (t.dtype for t in (x, *beside))))


def curve_of_rows(x: Tensor, loss: Curve, slope: Curve, *beside: Tensor) -> Tensor:
    """The loss of each row, along the last dimension; its slope has a number for each of the row.

    >>> x = torch.tensor([[3.0, 4.0]], requires_grad=True)
    >>> curve_of_rows(x, loss=lambda x: x.square().sum(-1), slope=lambda x: 2 * x).backward()
    >>> x.grad
    tensor([[6., 8.]])
    """
    return _curve(x, loss, slope, "rows", beside)


def _curve(x: Tensor, loss: Curve, slope: Curve, of: Of, beside: tuple[Tensor, ...]) -> Tensor:
    if keeps_functions(x) and not any(map(_has_tangent, beside)):
        return _Curve.apply(x, loss, slope, of, *beside)
    if not is_recorded() and not any(t.requires_grad or _has_tangent(t) for t in (x, *beside)):
        return _Curve.forward(x, loss, slope, of, *beside)
    return _summed(loss(x, *beside), of)


def _summed(losses: Tensor, of: Of) -> Tensor:
    return total(losses) if of == "all" else losses


def keeps_functions(x: Tensor) -> bool:
    """Whether a backward pass will come, and may take a ``torch.autograd.Function``."""
    # A trace stores no Python function. torch.compile fuses the operations anyway; of grad over grad it would make 0.
    return x.requires_grad and not is_recorded() and not _is_forward_over_forward()


def is_differentiated(*tensors: Tensor) -> bool:
    """Whether derivatives are taken of what is made of these tensors; in a backward pass: of the gradient."""
    return torch.is_grad_enabled() or any(map(_has_tangent, tensors))


def in_pieces(compute: Curve, *tensors: Tensor) -> Tensor:
    """What a curve makes of large tensors, piece by piece: what it fills on the way is never fetched from memory."""
    first, *others = tensors
    if len(pieces(*tensors)) == 1 or not all(t.dtype == first.dtype for t in others):
        return compute(*tensors)
    whole = torch.empty_like(first, memory_format=torch.contiguous_format)
    for made, *few in pieces(whole, *tensors):
        made.copy_(compute(*few))
    return whole


def pieces(*tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """Large tensors of one shape, a few of their numbers at a time; all at once where these do not lie one after another."""
    first, size = tensors[0], PIECE * torch.get_num_threads()
    alike = all(t.is_cpu and t.shape == first.shape for t in tensors)
    if first.numel() < 2 * size or not alike or not all(_is_flat(t) and can_be_read(t) for t in tensors):
        return [tensors]
    return list(zip(*(t.view(-1).split(size) for t in tensors), strict=True))


def times_slope(gradient: Tensor, slope: Curve, x: Tensor, *beside: Tensor, split: Split = pieces) -> Tensor:
    """The gradient times a slope in the shape of x: a few numbers at a time, written where the product is to stand."""
    tensors = gradient, x, *beside
    if is_differentiated(*tensors) or not all(map(can_be_read, tensors)):  # again, or there are several at once
        return gradient * slope(x, *beside)
    whole = torch.empty_like(x)
    for made, few_of_gradient, *few in split(whole, *tensors):
        torch.mul(few_of_gradient, slope(*few), out=made)
    return whole


def few_samples(*tensors: Tensor, sequences: bool = False) -> list[tuple[Tensor, ...]]:
    """The tensors, a few of their samples at a time: what is made of those stays in the cache.

    Of ``sequences`` a sample is one place; else it is an entry of the first dimension.
    """
    first = tensors[0]
    if first.dim() < 2 or not first.is_cpu or not all(map(can_be_read, tensors)):
        return [tensors]
    size = PIECE * torch.get_num_threads()
    if sequences and first.dim() > 2 and first.numel() > size * len(first):
        return [few for one in zip(*tensors, strict=True) for few in few_samples(*one, sequences=True)]
    rows = max(1, size * len(first) // max(1, first.numel()))
    return list(zip(*(t.split(rows) for t in tensors), strict=True))


def _has_tangent(x: Tensor) -> bool:
    """Whether a derivative is taken for this tensor in forward mode."""
    return forward_ad.unpack_dual(x).tangent is not None


def _is_forward_over_forward() -> bool:
    """Whether forward mode is taken of forward mode: there torch.autograd.Function makes 0."""
    stack = functorch.get_interpreter_stack() or ()  # None outside of torch.func
    return sum(level.key() == functorch.TransformType.Jvp for level in stack) > 1


def _slopes_beside(loss: Curve, x: Tensor, *beside: Tensor) -> tuple[Tensor, ...]:
    """The derivative of each loss for each of the tensors beside x."""
    losses, back, *_ = torch.func.vjp(partial(loss, x), *beside)
    return back(torch.ones_like(losses))


def _is_flat(x: Tensor) -> bool:
    """Whether its numbers lie one after another, or are all one number: the gradient of a mean."""
    return x.is_contiguous() or not any(x.stride())


class _Curve(torch.autograd.Function):
    """In the form that torch.func asks for: https://docs.pytorch.org/docs/stable/notes/extending.func.html"""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, loss: Curve, slope: Curve, of: Of, *beside: Tensor) -> Tensor:
        if of == "each":
            return in_pieces(loss, x, *beside)
        split = few_samples if of == "rows" else pieces
        found = [_summed(loss(*few), of) for few in split(x, *beside)]
        if len(found) == 1:
            return found[0]
        return torch.cat(found) if of == "rows" else torch.stack(found).sum()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.loss, ctx.slope, ctx.of, *beside = inputs
        ctx.save_for_backward(x, *beside)
        ctx.save_for_forward(x, *beside)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        tensors = ctx.saved_tensors
        others: list[Tensor | None] = [None] * (len(tensors) - 1)
        if gradient is None:
            return None, None, None, None, *others
        if ctx.of == "rows":
            gradient = gradient.unsqueeze(-1)
        elif ctx.of == "all":
            gradient = gradient.expand_as(tensors[0])
        split = few_samples if ctx.of == "rows" else pieces
        found = times_slope(gradient, ctx.slope, *tensors, split=split)
        if any(ctx.needs_input_grad[4:]):
            others = [gradient * slope for slope in _slopes_beside(ctx.loss, *tensors)]
        return found, None, None, None, *others

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor | None, _loss: None, _slope: None, _of: None, *beside: Tensor | None) -> Tensor:
        tensors = ctx.saved_tensors
        parts = [] if tangent is None else [tangent * ctx.slope(*tensors)]
        if any(moved is not None for moved in beside):
            slopes = _slopes_beside(ctx.loss, *tensors)
            parts += [moved * slope for moved, slope in zip(beside, slopes, strict=True) if moved is not None]
        found = functools.reduce(torch.add, parts)
        return found.sum(-1) if ctx.of == "rows" else _summed(found, ctx.of)
