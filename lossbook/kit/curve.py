"""For losses that are a curve over one number, such as the error: the slope given beside the curve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

#: From numbers to numbers, each for itself; of torch's operations, and of no other tensor.
Curve = Callable[[Tensor], Tensor]


def curve(x: Tensor, loss: Curve, slope: Curve) -> Tensor:
    """The loss of each number, whose backward pass takes the slope as it is written.

    torch would find it by going back through every operation of the loss: the same numbers, with many times the memory
    to fill. Higher derivatives are found that way, from the operations of the slope.

    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> curve(x, loss=lambda x: x * x * x, slope=lambda x: 3 * x * x).backward()
    >>> x.grad
    tensor([27.])
    """
    return _Curve.apply(x, loss, slope) if keeps_functions(x) else loss(x)


def keeps_functions(x: Tensor) -> bool:
    """Whether a backward pass will come, and may take a ``torch.autograd.Function``."""
    # A trace stores no Python function. torch.compile fuses the operations anyway; of grad over grad it would make 0.
    recorded = torch.compiler.is_compiling() or torch.jit.is_tracing()
    # Of forward mode over forward mode torch.autograd.Function makes 0, too.
    return x.requires_grad and not recorded


class _Curve(torch.autograd.Function):
    """In the form that torch.func asks for: https://docs.pytorch.org/docs/stable/notes/extending.func.html"""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, loss: Curve, slope: Curve) -> Tensor:
        return loss(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Curve, Curve], output: Tensor) -> None:
        x, _loss, ctx.slope = inputs
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return gradient * ctx.slope(x), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, *_functions: None) -> Tensor:
        (x,) = ctx.saved_tensors
        return tangent * ctx.slope(x)
