"""Small losses that the tests of `lossbook.verify` share: the right one of squares, and five with one trait each."""

import torch


def right(input, target):
    return (input - target).square().mean()


def shaken(input, target):
    return right(input, target) + 1e-7 * torch.rand(())


def spread(input, target):
    return ((input.max() - input.min()) - (target.max() - target.min())).square()


def two_sorted_rows():
    return torch.randn(6).sort().values, torch.randn(6).sort().values


def clears_the_target(input, target):
    loss = right(input, target)
    target.zero_()
    return loss


def asks_for_a_mask(input, target, mask):
    return (right(input, target) * mask).mean()
