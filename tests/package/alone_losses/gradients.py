"""Gradients that are cut, wrong or infinite."""

import torch

from . import pair, two


def cut(prediction, target):
    return torch.tensor((prediction - target).abs().mean().item(), requires_grad=True)


def mean_error(prediction, target):
    return (prediction - target).abs().mean()


pair("cut", "reaches", "No gradient reaches the prediction", cut, mean_error, two, certain=True)


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, prediction, target, factor):
        ctx.save_for_backward(prediction, target)
        ctx.factor = factor
        return (prediction - target).square().mean()

    @staticmethod
    def backward(ctx, upstream):
        prediction, target = ctx.saved_tensors
        return upstream * ctx.factor * (prediction - target) / prediction.numel(), None, None


pair(
    "backward by hand",
    "slopes",
    "does not belong to the forward pass",
    lambda prediction, target: Doubled.apply(prediction, target, 1.0),
    lambda prediction, target: Doubled.apply(prediction, target, 2.0),
    two,
    certain=True,
)


def root(anchor, positive):
    return (anchor - positive).square().sum(1).sqrt().mean()


def safe_root(anchor, positive):
    return ((anchor - positive).square().sum(1) + 1e-12).sqrt().mean()


pair("root at 0", "edges", "its gradient is not (perfect predictions)", root, safe_root, two)
