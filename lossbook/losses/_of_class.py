"""Minus the log-probability of one class, from logits: a softmax of which no number is kept."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..guards.tensors import can_be_read
from ..kit.curve import few_samples, is_differentiated, keeps_functions
from ..kit.precision import at_least_float32


def nll_of(logits: Tensor, index: Tensor, dim: int) -> Tensor:
    """−log softmax of each sample at its class, in the shape of index; half precision is summed in float32.

    Of a sequence, which has its classes last, index may leave out the last places.
    """
    losses = _OfClass.apply if keeps_functions(logits) else _OfClass.forward
    return losses(logits, index, dim - logits.dim() if dim >= 0 else dim).to(logits.dtype)


def _in_use(logits: Tensor, index: Tensor, dim: int) -> tuple[Tensor, Tensor | None]:
    """The logits of the places that index has, and those that it leaves out."""
    if dim != -1 or not index.dim() or logits.shape[-2] == index.shape[-1]:
        return logits, None
    return logits[..., : index.shape[-1], :], logits[..., index.shape[-1] :, :]


class _OfClass(torch.autograd.Function):
    """In the form that torch.func asks for."""

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, index: Tensor, dim: int) -> Tensor:
        wide = at_least_float32(logits)
        used, _left_out = _in_use(logits, index, dim)
        few = few_samples(used, index.unsqueeze(dim), sequences=dim == -1)
        found = [torch.log_softmax(z, dim, dtype=wide).gather(dim, own) for z, own in few]
        log_p = found[0] if len(found) == 1 else torch.cat(found)
        return 0 - log_p.view(index.shape)  # certainty costs 0, not −0

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: Tensor) -> None:
        logits, index, ctx.dim = inputs
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(logits, index)
        ctx.save_for_forward(logits, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, None, None]:
        if gradient is None:
            return None, None, None
        (logits, index), dim = ctx.saved_tensors, ctx.dim
        used, left_out = _in_use(logits, index, dim)
        own, each, wide = index.unsqueeze(dim), gradient.unsqueeze(dim), at_least_float32(logits)
        if is_differentiated(logits, gradient) or not all(map(can_be_read, (logits, gradient))):  # again, or batched
            p = torch.softmax(used, dim, dtype=wide)
            found = (p * each).scatter_add(dim, own, -each).to(logits.dtype)
            return found if left_out is None else torch.cat([found, torch.zeros_like(left_out)], -2), None, None
        whole = torch.empty_like(logits)
        slope, rest = _in_use(whole, index, dim)
        same = logits.dtype == wide
        for made, z, i, g, minus in few_samples(slope, used, own, each, -each, sequences=dim == -1):
            p = torch.softmax(z, dim, dtype=wide, out=made if same else None).mul_(g).scatter_add_(dim, i, minus)
            if not same:
                made.copy_(p)  # half precision is rounded once, at the end
        if rest is not None:
            rest.zero_()
        return whole, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_others: None) -> Tensor:
        (logits, index), dim = ctx.saved_tensors, ctx.dim
        used, _left_out = _in_use(logits, index, dim)
        moved, _left_out = _in_use(tangent, index, dim)
        p = torch.softmax(used, dim, dtype=at_least_float32(logits))
        return (p * moved).sum(dim) - moved.gather(dim, index.unsqueeze(dim)).squeeze(dim)
