"""Losses of one's own: a function, a class, and what a class brings."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close


def _own_mse(predictions, target):
    return torch.mean(torch.square(predictions - target))


class _OwnMSE(nn.Module):
    def forward(self, predictions, target):
        return torch.mean(torch.square(predictions - target))


def _graph(tensor) -> list[str]:
    """The names of the nodes that lead from a tensor back to its inputs."""
    names, nodes = [], [tensor.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is not None:
            names.append(type(node).__name__)
            nodes += [parent for parent, _ in node.next_functions]
    return names


def own_mse_equals_torchs():
    """Mean of the squares, as a function: value and gradient of nn.MSELoss, and a graph that ends in a mean."""
    for _ in range(100):
        a, b = torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)
        own, torchs = _own_mse(a, b), nn.MSELoss()(a, b)
        assert_close(own, torchs)
        assert_close(*(torch.autograd.grad(loss, a)[0] for loss in (own, torchs)))
    assert type(own.grad_fn).__name__ == "MeanBackward0"


def class_and_function_make_the_same_graph():
    """Nodes come from the tensor operations: the class adds none, and gives the same value."""
    a, b = torch.randn(3, 5, requires_grad=True), torch.randn(3, 5)
    assert torch.equal(_OwnMSE()(a, b), _own_mse(a, b))
    assert _graph(_OwnMSE()(a, b)) == _graph(_own_mse(a, b))
    assert _graph(_own_mse(a, b))[-1] == "AccumulateGrad"


def own_class_has_no_parameters():
    """It has the base class of a convolution, but nothing to train."""
    convolution = nn.Conv2d(1, 1, 3)
    assert isinstance(_OwnMSE(), nn.Module)
    assert isinstance(convolution, nn.Module)
    assert list(_OwnMSE().parameters()) == []
    assert len(list(convolution.parameters())) == 2


def wrong_name_takes_a_global():
    """A name that is not the argument's fails, or, if a global is called so, is computed with in silence."""
    names = {"torch": torch}
    exec("def loss(predictions, target):\n    return torch.square(y_predictions - target).mean()", names)
    with pytest.raises(NameError, match="y_predictions"):
        names["loss"](torch.ones(2), torch.zeros(2))
    names["y_predictions"] = torch.full((2,), 9.0)
    assert names["loss"](torch.ones(2), torch.zeros(2)) == 81


def own_call_skips_hooks():
    """A hook fires when forward is written, and never when __call__ is overridden."""

    class Called(nn.Module):
        __call__ = _OwnMSE.forward

    seen = []
    for loss in (_OwnMSE(), Called()):
        loss.register_forward_hook(lambda module, *_: seen.append(type(module)))
        assert loss(torch.ones(2), torch.zeros(2)) == 1
    assert seen == [_OwnMSE]


def autograd_function_is_a_third_way():
    """torch.autograd.Function: forward and backward are both one's own."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, prediction, target):
            ctx.save_for_backward(prediction - target)
            return F.mse_loss(prediction, target)

        @staticmethod
        def backward(ctx, gradient):
            (error,) = ctx.saved_tensors
            return gradient * 2 * error / error.numel(), None

    a, b = torch.randn(3, requires_grad=True), torch.randn(3)
    own, torchs = (torch.autograd.grad(loss(a, b), a)[0] for loss in (Square.apply, F.mse_loss))
    assert_close(own, torchs)
