"""For the losses that torch lacks: one loss against another, in value and in every gradient."""

import torch
from torch.testing import assert_close


def assert_same(ours, theirs, *tensors, **tolerance):
    """Both give the same numbers, and the same gradients to all floating-point tensors that want one."""
    given = [t.detach().clone().requires_grad_(t.requires_grad) for t in tensors]
    again = [t.detach().clone().requires_grad_(t.requires_grad) for t in tensors]
    value, expected = ours(*given), theirs(*again)
    assert_close(value, expected, **tolerance)
    upstream = torch.linspace(0.5, 1.5, value.numel(), dtype=value.dtype).reshape(value.shape)
    learning = [[t for t in some if t.requires_grad] for some in (given, again)]
    gradients = [torch.autograd.grad(v, some, upstream) for v, some in zip((value, expected), learning, strict=True)]
    assert gradients[0]
    for a, b in zip(*gradients, strict=True):
        assert_close(a, b, **tolerance)


def learned(generator, *shape, scale=2.0):
    """Random float64 numbers that want a gradient."""
    return (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).requires_grad_()
