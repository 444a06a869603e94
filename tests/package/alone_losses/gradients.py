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


def heads():
    return torch.randn(6, 4), torch.randn(6, 4), torch.randint(4, (6,))


def side_head_as_a_number(main, side, labels):
    aside = torch.tensor(float(torch.nn.functional.cross_entropy(side.detach(), labels)))
    return torch.nn.functional.cross_entropy(main, labels) + 0.4 * aside


def side_head_by_item(main, side, labels):
    aside = [torch.nn.functional.cross_entropy(side, labels).item()]
    return torch.nn.functional.cross_entropy(main, labels) + 0.4 * torch.tensor(aside).mean()


pair("a number of Python", "reaches", "No gradient reaches side", side_head_by_item, side_head_as_a_number, heads)
