"""Right losses for numbers by what a loss can be: functions, methods, objects and modules, with settings or without."""

from __future__ import annotations

import functools
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

import lossbook

from . import right


# --- what a loss can be
@right("mse", build=lambda f: f())
def mse_lambda():
    return lambda pred, target: ((pred - target.detach()) ** 2).mean()


@right("l1", build=lambda f: functools.partial(f, power=1))
def error_power(pred, target, power):
    return (pred - target).abs().pow(power).mean()


@right("smooth_l1", build=lambda f: functools.partial(f, beta=0.5), beta=0.5)
def smooth_l1_partial(pred, target, *, beta):
    d = (pred - target).abs()
    return torch.where(d < beta, d * d / (2 * beta), d - beta / 2).mean()


@right("huber", build=lambda c: c(1.0))
class CallableHuber:
    def __init__(self, delta):
        self.delta = delta

    def __call__(self, pred, target):
        e = (pred - target).abs()
        return torch.where(e < self.delta, 0.5 * e**2, self.delta * (e - 0.5 * self.delta)).mean()


@right("mse", build=lambda c: c().training_loss)
class Trainer:
    scale = 1.0

    def training_loss(self, prediction, batch):
        return self.scale * F.mse_loss(prediction, batch)


@right("l1", build=lambda c: c.compute)
class Losses:
    @staticmethod
    def compute(output, label):
        return torch.abs(torch.sub(output, label)).mean()


@right("mse", build=lambda c: c.loss)
class Model:
    @classmethod
    def loss(cls, pred, target):
        return (pred - target).pow(2).mean()


@right("mse", build=lambda f: f(torch.tensor(1.0)))
def make_scaled_mse(scale):
    def loss(pred, target):
        return (scale.to(pred) * (pred - target) ** 2).mean()

    return loss


@right(lossbook.nn.MSELoss, build=lambda c: c())
class ThinWrapper(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.MSELoss()

    def forward(self, *args, **kwargs):
        return self.inner(*args, **kwargs)


@right("mse", build=lambda c: c())
class SubclassOfTorch(nn.MSELoss):
    def forward(self, input, target):
        return super().forward(input, target.detach())


@right("l1", build=lambda c: c())
class CountsItsCalls(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, pred, target):
        self.calls = self.calls + 1
        return (pred - target).abs().mean()


# --- settings
@right("mse", build=lambda c: c())
class MSEWithSettings(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("none", "mean", "sum"):
            raise ValueError(f"no reduction {reduction!r}")
        self.reduction = reduction

    def forward(self, input, target):
        loss = (input - target) ** 2
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()


@right("smooth_l1")
def smooth_l1_with_settings(input, target, reduction="mean", beta=1.0):
    d = (input - target).abs()
    loss = d if beta == 0 else torch.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta)
    return {"none": lambda x: x, "mean": torch.mean, "sum": torch.sum}[reduction](loss)


@right("huber")
def huber_with_settings(pred, target, *, delta=1.0, reduction="mean"):
    e = pred - target
    inside = e.clamp(-delta, delta)
    loss = inside * e - 0.5 * inside**2
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


@right("poisson_nll")
def poisson_with_settings(input, target, log_input=True, full=False, eps=1e-8, reduction="mean"):
    loss = input.exp() - target * input if log_input else input - target * torch.log(input + eps)
    if full:
        y = target.clamp(min=1)
        loss = loss + torch.where(target > 1, y * y.log() - y + 0.5 * torch.log(2 * math.pi * y), 0.0)
    return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.mean()


@right("gaussian_nll")
def gaussian_with_settings(input, target, var, full=False, eps=1e-6, reduction="mean"):
    if var.shape != input.shape and var.shape == input.shape[:-1]:
        var = var.unsqueeze(-1)
    var = var + (var.clamp(min=eps) - var).detach()
    loss = 0.5 * (var.log() + (input - target) ** 2 / var + (math.log(2 * math.pi) if full else 0))
    return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.mean()
