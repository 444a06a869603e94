"""Right losses of numbers that torch lacks, as people write them."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from . import right


@right("pinball", quantile=0.9)
def pinball_where(pred, y, tau=0.9):
    diff = y - pred
    return torch.where(diff > 0, tau * diff, (tau - 1) * diff).mean()


@right("quantile", quantile=0.25, build=lambda c: c(0.25))
class PinballLoss(nn.Module):
    def __init__(self, q):
        super().__init__()
        self.q = q

    def forward(self, pred, y):
        diff = pred - y
        return torch.max((1 - self.q) * diff, -self.q * diff).mean()


@right("rmse")
def rmse_by_norm(pred, y):
    return torch.linalg.vector_norm(pred - y) / math.sqrt(pred.numel())


@right("log_cosh")
def log_cosh_of_absolute_errors(pred, y):
    e = (pred - y).abs()
    return (e + F.softplus(-2 * e) - math.log(2)).mean()


@right("charbonnier")
def charbonnier_as_in_lapsrn(pred, y):
    return ((pred - y).square() + 1e-3**2).sqrt().mean()
