"""Right losses for numbers that are compiled, scripted, traced or vectorised."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import right


@right("mse", build=lambda f: torch.compile(f, backend="eager"))
def mse_compiled(pred, target):
    return torch.mean((pred - target) ** 2)


@right("smooth_l1", build=torch.jit.script)
def smooth_l1_scripted(pred: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    d = torch.abs(pred - target)
    return torch.where(d < 1.0, 0.5 * d * d, d - 0.5).mean()


@right("l1", build=lambda f: torch.jit.trace(f, (torch.ones(3, 2), torch.zeros(3, 2)), check_trace=False))
def l1_traced(pred, target):
    return (pred - target).abs().mean()


@right("huber", build=lambda c: torch.jit.script(c()))
class HuberScriptedModule(nn.Module):
    def forward(self, pred, target):
        d = torch.abs(pred - target)
        inside = torch.clamp(d, max=1.0)
        return torch.mean(0.5 * inside * inside + (d - inside))


@right("mse")
def mse_vmap(pred, target):
    return torch.vmap(lambda a, b: (a - b) ** 2)(pred.reshape(-1), target.reshape(-1)).mean()


@right("huber")
def huber_vmap_over_rows(pred, target):
    per_row = torch.func.vmap(lambda a, b: F.huber_loss(a, b))
    return per_row(pred, target).mean()


@right("gaussian_nll")
def gaussian_vmap(mean, target, var):
    if not mean.shape == target.shape == var.shape:
        raise ValueError("mean, target and variance of one shape")
    one = torch.vmap(lambda m, t, v: 0.5 * (v.log() + (t - m) ** 2 / v))
    safe = var + (var.clamp(min=1e-6) - var).detach()
    return one(mean.reshape(-1), target.reshape(-1), safe.reshape(-1)).mean()


@right("mse", build=lambda c: torch.compile(c(), backend="eager"))
class CompiledMSE(nn.Module):
    def forward(self, pred, target):
        return (pred - target).square().mean()
