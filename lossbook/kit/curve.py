"""For losses that are a curve over one number, such as the error: the slope given beside the curve."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from ..guards.tensors import can_be_read

#: From numbers to numbers, each for itself; of torch's operations, and of no other tensor than those it is given.
Curve = Callable[..., Tensor]

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
    if keeps_functions(x) and not any(map(_has_tangent, beside)):
        return _Curve.apply(x, loss, slope, *beside)
    return loss(x, *beside)


def keeps_functions(x: Tensor) -> bool:
    """Whether a backward pass will come, and may take a ``torch.autograd.Function``."""
    # A trace stores no Python function. torch.compile fuses the operations anyway; of grad over grad it would make 0.
    recorded = torch.compiler.is_compiling() or torch.jit.is_tracing()
    # Of forward mode over forward mode torch.autograd.Function makes 0, too.
    return x.requires_grad and not recorded


def in_pieces(compute: Curve, *tensors: Tensor) -> Tensor:
    """What a curve makes of large tensors, piece by piece: what it fills on the way is never fetched from memory."""
    first, size = tensors[0], PIECE * torch.get_num_threads()
    alike = all(t.is_cpu and t.shape == first.shape and t.dtype == first.dtype for t in tensors)
    if first.numel() < 2 * size or not alike or not all(_is_flat(t) and can_be_read(t) for t in tensors):
        return compute(*tensors)
    whole = torch.empty_like(first, memory_format=torch.contiguous_format)
    for made, *pieces in zip(*(t.view(-1).split(size) for t in (whole, *tensors)), strict=True):
        made.copy_(compute(*pieces))
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
    def forward(x: Tensor, loss: Curve, slope: Curve, *beside: Tensor) -> Tensor:
        return in_pieces(loss, x, *beside)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.loss, ctx.slope, *beside = inputs
        ctx.save_for_backward(x, *beside)
        ctx.save_for_forward(x, *beside)
        ctx.set_materialize_grads(False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        def downhill(gradient: Tensor, *tensors: Tensor) -> Tensor:
            return gradient * ctx.slope(*tensors)

        tensors = ctx.saved_tensors
        others: list[Tensor | None] = [None] * (len(tensors) - 1)
        if gradient is None:
            return None, None, None, *others
        again = torch.is_grad_enabled()  # the gradient will be differentiated: its operations are recorded
        found = downhill(gradient, *tensors) if again else in_pieces(downhill, gradient, *tensors)
        if any(ctx.needs_input_grad[3:]):
            others = [gradient * slope for slope in _slopes_beside(ctx.loss, *tensors)]
        return found, None, None, *others

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor | None, _loss: None, _slope: None, *beside: Tensor | None) -> Tensor:
        tensors = ctx.saved_tensors
        parts = [] if tangent is None else [tangent * ctx.slope(*tensors)]
        if any(moved is not None for moved in beside):
            slopes = _slopes_beside(ctx.loss, *tensors)
            parts += [moved * slope for moved, slope in zip(beside, slopes, strict=True) if moved is not None]
        return reduce(torch.add, parts)
