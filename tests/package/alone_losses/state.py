"""What a call leaves behind: inputs, parameters, switches."""

import torch
from torch import nn
from torch.nn import functional as F

from . import pair, two
from .gradients import mean_error


def in_place(prediction, target):
    return prediction.sub_(target).abs().mean()


pair("in place", "inputs", "The loss overwrites argument 1", in_place, mean_error, two, certain=True)


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, generator=torch.Generator().manual_seed(1)))

    def forward(self, x, labels):
        return F.cross_entropy(x @ F.normalize(self.weight, dim=1).T, labels)


class Replacing(Head):
    def forward(self, x, labels):
        self.weight = nn.Parameter(F.normalize(self.weight, dim=1))
        return F.cross_entropy(x @ self.weight.T, labels)


pair(
    "a parameter replaced",
    "parameters",
    "replaces its parameter weight",
    Replacing,
    Head,
    lambda: (torch.randn(6, 3), torch.randint(4, (6,))),
    certain=True,
)


class Uncertain(nn.Module):
    def __init__(self):
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(2))

    def forward(self, losses):
        return (losses * (-self.log_variance).exp() + self.log_variance).sum()


class Certain(Uncertain):
    def forward(self, losses):
        return (losses * (-self.log_variance).exp() + self.log_variance).detach().sum() + 0 * losses.sum()


pair(
    "a parameter detached",
    "parameters",
    "No gradient reaches its parameter log_variance",
    Certain,
    Uncertain,
    lambda: (torch.rand(2) * 3,),
    certain=True,
)


class Switching(nn.Module):
    def forward(self, prediction, target):
        torch.set_grad_enabled(False)
        scale = target.abs().mean()
        torch.set_grad_enabled(True)
        return (prediction - target).abs().mean() / (scale + 1)


class WithNoGrad(nn.Module):
    def forward(self, prediction, target):
        with torch.no_grad():
            scale = target.abs().mean()
        return (prediction - target).abs().mean() / (scale + 1)


pair("gradients switched on", "switches", "set_grad_enabled", Switching, WithNoGrad, two, certain=True)
