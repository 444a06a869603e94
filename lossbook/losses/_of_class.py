"""Minus the log-probability of one class, from logits: a softmax that keeps no number of the other classes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..guards.tensors import can_be_read, is_half
from ..kit.curve import few_samples, keeps_functions
from ..softmax import largest, log_softmax


def nll_of(logits: Tensor, index: Tensor, dim: int) -> Tensor:
    """−log softmax of each sample at its class, in the shape of index; half precision is summed in float32."""
    if keeps_functions(logits):
        return _OfClass.apply(logits, index, dim - logits.dim() if dim >= 0 else dim)[0].to(logits.dtype)
    return -log_softmax(logits, dim).gather(dim, index.unsqueeze(dim)).squeeze(dim)


class _OfClass(torch.autograd.Function):
    """In the form that torch.func asks for. Beside the losses it returns shift and log-sum of each softmax, as constants."""

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, index: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
        def of_samples(logits: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            shift = largest(logits, dim)
            # Half precision goes on in float32 from here, so no copy of all logits is kept.
            shift = shift.float() if is_half(shift) else shift
            shifted = logits - shift
            log_sum = shifted.exp().sum(dim, keepdim=True).log()
            return (log_sum - shifted.gather(dim, index.unsqueeze(dim))).squeeze(dim), shift, log_sum

        found = [of_samples(*few) for few in few_samples(logits, index, sequences=dim == -1)]
        if len(found) == 1:
            return found[0]
        losses, shift, log_sum = map(torch.cat, zip(*found, strict=True))
        each = index.unsqueeze(dim).shape
        return losses.view(index.shape), shift.view(each), log_sum.view(each)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int], output: tuple[Tensor, ...]) -> None:
        logits, index, ctx.dim = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(logits, index, *output[1:])
        ctx.save_for_forward(logits, index)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, *_constants: None) -> tuple[Tensor | None, None, None]:
        if gradient is None:
            return None, None, None
        logits, index, shift, log_sum = ctx.saved_tensors
        index, gradient, dim = index.unsqueeze(ctx.dim), gradient.unsqueeze(ctx.dim), ctx.dim
        if torch.is_grad_enabled() or not all(map(can_be_read, (logits, gradient))):  # differentiated again, or batched
            p = log_softmax(logits, dim, dtype=shift.dtype).exp()
            return (p * gradient).scatter_add(dim, index, -gradient).to(logits.dtype), None, None
        whole = torch.empty_like(logits)
        for made, z, i, g, m, s in few_samples(whole, logits, index, gradient, shift, log_sum, sequences=dim == -1):
            p = (z - m).sub_(s).exp_()
            found = torch.mul(p, g, out=made if made.dtype == p.dtype else p).scatter_add_(dim, i, -g)
            made.copy_(found)  # half precision is rounded once, at the end
        return whole, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_others: None) -> tuple[Tensor, None, None]:
        logits, index = ctx.saved_tensors
        dim = ctx.dim
        p = log_softmax(logits, dim, dtype=torch.promote_types(logits.dtype, torch.float32)).exp()
        own = tangent.gather(dim, index.unsqueeze(dim)).squeeze(dim)
        return (p * tangent).sum(dim) - own, None, None
