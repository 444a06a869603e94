"""Losses that are right on ordinary numbers and wrong where numbers are large, small or short."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import wrong

HALF = r"half|float16|bfloat16|16|overflow|inf|precis|fit"
FLOAT32 = r"float32|precis|cancel|expand|large|round|digits|inf|overflow"


@wrong("mse", "float16", HALF)
def sum_then_divide(pred, target):
    return (pred - target).pow(2).sum() / pred.numel()


@wrong("cross_entropy", "float16", HALF + r"|-1e|constant|mask|dtype|rais|error")
def masks_with_a_big_number(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    keep = target != -100
    others = logits[keep].masked_fill(F.one_hot(target[keep], logits.size(1)).bool(), -1e9)
    own = logits[keep].gather(1, target[keep][:, None])
    return (torch.logsumexp(torch.cat([own, others], 1), 1) - own.squeeze(1)).mean()


@wrong("l1", "float16", HALF + r"|scale|1000|1e|constant", build=lambda c: c())
class MilliL1(nn.Module):
    """Works in thousandths, so as not to lose small errors."""

    def forward(self, pred, target):
        return ((pred - target) * 8192).abs().mean() / 8192


@wrong("l1", "float16", HALF + r"|eps|1e-|dtype|nan|zero")
def tiny_eps_in_half(pred, target):
    error = pred - target
    return (error**2 / (error.abs() + 1e-9)).mean()


@wrong(
    "bce_with_logits",
    "unstable log, overflow",
    r"overflow|inf|nan|stab|huge|large|softplus|finite",
    build=torch.jit.script,
)
def scripted_bce(x, y):
    return (torch.log1p(torch.exp(x)) - y * x).mean()


@wrong("l1", "expanded-square cancellation", FLOAT32)
def l1_from_squares(a, b):
    squared = (a * a + b * b - 2 * a * b).clamp(min=1e-14)
    return squared.sqrt().mean()


@wrong("mse", "expanded-square cancellation", FLOAT32)
def mse_as_difference_of_squares(a, b):
    return ((a - b) * a - (a * b - b * b)).mean()


@wrong("poisson_nll", "unstable log, overflow", r"clamp|large|satur|gradient|exp|bound|clip|limit")
def poisson_clamped(log_rate, count):
    return (log_rate.clamp(max=5).exp() - count * log_rate).mean()


@wrong("bce_with_logits", "eps too small", r"clamp|clip|gradient|satur|large|huge|bound|limit|beyond")
def clamps_the_logits(x, y):
    x = x.clamp(-10, 10)
    return F.binary_cross_entropy_with_logits(x, y)


@wrong(
    "cross_entropy", "unstable log, overflow", r"overflow|inf|nan|stab|huge|large|max|subtract|shift|underflow|finite"
)
def shifts_by_one_maximum(logits, target):
    z = logits - logits.max()
    dim = 1 if logits.dim() > 1 else 0
    log_p = z - z.exp().sum(dim, keepdim=True).log()
    if target.is_floating_point():
        raise ValueError("class numbers only")
    return F.nll_loss(log_p, target)


@wrong("mse", "unstable log, overflow", r"large|clip|clamp|bound|outlier|beyond")
def clips_outliers(pred, target):
    return (pred - target).clamp(-100, 100).square().mean()


@wrong("gaussian_nll", "NaN gradient, finite value", r"nan|inf|where|not finite")
def nll_where(mu, y, var):
    inverse = torch.where(var > 1e-6, 1 / var, torch.full_like(var, 1e6))
    return 0.5 * (var.clamp(min=1e-6).log() + (y - mu) ** 2 * inverse).mean()


@wrong("huber", "float16", HALF + r"|sum|divi")
def huber_total(pred, target):
    d = (pred - target).abs()
    per = torch.where(d <= 1, 0.5 * d * d, d - 0.5)
    return (per * 1024).sum() / (1024 * per.numel())
