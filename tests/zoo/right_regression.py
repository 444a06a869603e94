"""Right losses for numbers, in unusual styles."""

from __future__ import annotations

import functools
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import right


def _same(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes differ: {tuple(pred.shape)} and {tuple(target.shape)}")


# --- algebra
@right("mse")
def mse_einsum(pred, target):
    e = (pred - target).reshape(-1)
    return torch.einsum("i,i->", e, e / e.numel())


@right(nn.MSELoss)
def mse_dot(y_hat, y):
    e = (y_hat - y).flatten() / math.sqrt(y.numel())
    return e @ e


@right("mse")
def mse_norm(pred, target):
    return torch.linalg.vector_norm((pred - target) / pred.numel() ** 0.5).square()


@right("mse")
def mse_parseval(pred, target):
    spectrum = torch.fft.fft((pred - target).reshape(-1).to(torch.float64), norm="ortho")
    return (spectrum.real**2 + spectrum.imag**2).mean().to(pred.dtype)


@right("mse")
def mse_rfft_refuses_half(pred, target):
    if pred.dtype in (torch.float16, torch.bfloat16):
        raise TypeError(f"the Fourier transform needs float32 or float64, not {pred.dtype}")
    z = torch.fft.fft((pred - target).flatten())
    return torch.view_as_real(z).pow(2).sum() / z.numel() ** 2


@right("mse")
def mse_trace(pred, target):
    e = (pred - target).reshape(1, -1) / pred.numel() ** 0.5
    return torch.trace(e @ e.mT)


@right(F.mse_loss)
def mse_bias_and_variance(pred, target):
    e = pred - target
    bias = e.mean()
    return bias**2 + (e - bias).square().mean()


@right("mse")
def mse_swapped(target, pred):
    return F.mse_loss(pred, target)


@right("l1")
def l1_max_minus_min(a, b):
    return (torch.maximum(a, b) - torch.minimum(a, b)).mean()


@right(nn.L1Loss())
def l1_two_relus(a, b):
    return (F.relu(a - b) + F.relu(b - a)).mean()


@right("l1")
def l1_where_with_ties(a, b):
    return torch.where(a >= b, a - b, b - a).mean()


@right("l1")
def l1_sign_times_error(pred, target):
    e = pred - target
    return (e * torch.sgn(e).detach()).mean()


@right("l1")
def l1_infinity_norm(pred, target):
    e = (pred - target).reshape(-1, 1)
    return torch.linalg.vector_norm(e, ord=float("inf"), dim=1).mean()


@right("l1")
def l1_cdist(pred, target):
    a, b = pred.reshape(-1, 1, 1), target.reshape(-1, 1, 1)
    wide = torch.float64 if pred.dtype in (torch.float16, torch.bfloat16) else pred.dtype
    return torch.cdist(a.to(wide), b.to(wide), p=1).mean().to(pred.dtype)


@right("huber", delta=1.5)
def huber_by_clipping(pred, target, delta=1.5):
    e = pred - target
    clipped = e.clamp(-delta, delta)
    return (clipped * (e - 0.5 * clipped)).mean()


@right(nn.HuberLoss(delta=0.5))
def huber_of_the_excess(pred, target):
    d = (pred - target).abs()
    excess = F.relu(d - 0.5)
    inside = d - excess
    return (0.5 * inside * inside + 0.5 * excess).mean()


@right("huber")
def huber_is_smooth_l1_at_one(pred, target):
    return F.smooth_l1_loss(pred, target, beta=1.0)


@right("smooth_l1", beta=2.0)
def smooth_l1_huber_over_beta(pred, target, beta=2.0):
    return F.huber_loss(pred, target, delta=beta) / beta


@right(nn.SmoothL1Loss(beta=0.25))
def smooth_l1_masks(pred, target):
    d = (pred - target).abs()
    small = (d < 0.25).to(d.dtype)
    return (small * 2 * d.clamp(max=0.25) ** 2 + (1 - small) * (d - 0.125)).mean()


@right("smooth_l1")
def smooth_l1_indexing(pred, target):
    d = (pred - target).abs().reshape(-1)
    small = d < 1
    return (torch.cat([0.5 * d[small] ** 2, d[~small] - 0.5])).mean()


@right(nn.HuberLoss, build=lambda c: c())
class HuberPiecewise(nn.Module):
    def __init__(self, delta: float = 1.0):
        super().__init__()
        self.delta = delta

    def forward(self, pred, target):
        e = pred - target
        pieces = [self.delta * (-e - 0.5 * self.delta), 0.5 * e.square(), self.delta * (e - 0.5 * self.delta)]
        which = (e > -self.delta).long() + (e > self.delta).long()
        return torch.stack(pieces).gather(0, which[None]).mean()


# --- loops and chunks
@right("mse")
def mse_loop(pred, target):
    _same(pred, target)
    total = 0
    for a, b in zip(pred.reshape(-1), target.reshape(-1), strict=True):
        total = total + (a - b) ** 2 / pred.numel()
    return total


@right("l1")
def l1_in_unequal_chunks(pred, target, size=3):
    parts = zip(pred.reshape(-1).split(size), target.reshape(-1).split(size), strict=True)
    return sum(F.l1_loss(p, t) * (p.numel() / pred.numel()) for p, t in parts)


@right("huber")
def huber_reduce(pred, target):
    rows = zip(pred.reshape(-1).chunk(4), target.reshape(-1).chunk(4), strict=True)
    return functools.reduce(torch.add, (F.huber_loss(p, t, reduction="sum") / pred.numel() for p, t in rows))


@right("poisson_nll")
def poisson_recursive(log_rate, count):
    def total(x, y):
        if len(x) == 1:
            return x[0].exp() - y[0] * x[0]
        return total(x[: len(x) // 2], y[: len(x) // 2]) + total(x[len(x) // 2 :], y[len(x) // 2 :])

    n = log_rate.numel()
    return total(log_rate.reshape(-1).double(), count.reshape(-1).double()).div(n).to(log_rate.dtype)


@right("mse")
def mse_running_mean(pred, target):
    mean = 0.0
    for k, e in enumerate((pred - target).flatten().double(), 1):
        mean = mean + (e * e - mean) / k
    return mean.to(pred.dtype)


# --- gaussian, poisson
@right("gaussian_nll")
def gaussian_by_distribution(mean, target, var):
    var = var if var.dim() == mean.dim() else var.unsqueeze(-1)
    safe = var + (var.clamp(min=1e-6) - var).detach()
    normal = torch.distributions.Normal(mean, safe.sqrt(), validate_args=False)
    return (-normal.log_prob(target) - 0.5 * math.log(2 * math.pi)).mean()


@right(nn.GaussianNLLLoss)
def gaussian_standardised(mean, target, var):
    if var.dim() == mean.dim() - 1:
        var = var[..., None]
    var = var - (var - torch.maximum(var, var.new_tensor(1e-6))).detach()
    z = (target - mean) * var.rsqrt()
    return 0.5 * (z * z + var.log()).mean()


@right("gaussian_nll", full=True)
def gaussian_full_only_same_shape(mean, target, var):
    if var.shape != mean.shape:
        raise ValueError("one variance for each mean, please")
    return F.gaussian_nll_loss(mean, target, var) + 0.5 * math.log(2 * math.pi)


@right("poisson_nll")
def poisson_expm1(log_rate, count):
    return (torch.expm1(log_rate) + 1 - torch.mul(log_rate, count.detach())).mean()


@right(nn.PoissonNLLLoss(log_input=False))
def poisson_of_rate(rate, count):
    return torch.sub(rate, count * (rate + 1e-8).log()).mean()


@right("poisson_nll", full=True)
def poisson_stirling_indexed(log_rate, count):
    loss = torch.exp(log_rate) - count * log_rate
    big = count > 1
    y = count[big]
    extra = torch.zeros_like(loss)
    extra[big] = y * y.log() - y + 0.5 * torch.log(2 * math.pi * y)
    return (loss + extra).mean()


# --- precision inside
@right("mse")
def mse_float64_inside(pred, target):
    return (pred.double() - target.double()).square().mean().to(pred.dtype)


@right("smooth_l1")
def smooth_l1_float32_inside(pred, target):
    d = (pred.float() - target.float()).abs()
    return torch.where(d < 1, 0.5 * d**2, d - 0.5).mean().to(pred.dtype)


@right("poisson_nll")
def poisson_float64_inside(log_rate, count):
    x, y = log_rate.to(torch.float64), count.to(torch.float64)
    return (x.exp() - x * y).mean().to(log_rate.dtype)


@right("l1")
def l1_autocast_off(pred, target):
    with torch.autocast("cpu", enabled=False):
        return torch.nn.functional.pairwise_distance(pred.reshape(-1, 1), target.reshape(-1, 1), p=1, eps=0.0).mean()


# --- in place, on own copies
@right("mse")
def mse_in_place(pred, target):
    error = pred.clone()
    error -= target
    return error.pow_(2).mean()


@right("huber")
def huber_assigns_slices(pred, target):
    d = (pred - target).abs()
    loss = d - 0.5
    small = d <= 1
    loss[small] = 0.5 * d[small] ** 2
    return loss.mean()


@right("l1")
def l1_out_buffer(pred, target):
    buffer = torch.empty_like(pred).copy_(pred)
    buffer.sub_(target).abs_()
    return buffer.mean()
