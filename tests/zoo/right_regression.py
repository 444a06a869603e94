"""Right losses for numbers, in unusual styles."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import lossbook

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


# --- own backward
class _MSE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, pred, target):
        e = pred - target
        ctx.save_for_backward(e)
        return e.square().mean()

    @staticmethod
    def backward(ctx, grad_output):
        (e,) = ctx.saved_tensors
        g = grad_output * 2 * e / e.numel()
        return g, -g


@right("mse")
def mse_own_backward(pred, target):
    return _MSE.apply(pred, target)


class _NumpyL1(torch.autograd.Function):
    @staticmethod
    def forward(ctx, pred, target):
        e = pred.detach().cpu().double().numpy() - target.detach().cpu().double().numpy()
        ctx.sign = torch.from_numpy(np.sign(e) / e.size)
        ctx.like = pred.dtype
        return torch.tensor(np.abs(e).mean(), dtype=pred.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        return (grad_output.double() * ctx.sign).to(ctx.like), None


@right("l1")
def l1_in_numpy(pred, target):
    return _NumpyL1.apply(pred, target)


class _Huber(torch.autograd.Function):
    @staticmethod
    def forward(ctx, pred, target, delta):
        ctx.save_for_backward(pred, target)
        ctx.delta = delta
        return F.huber_loss(pred, target, delta=delta)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_output):
        pred, target = ctx.saved_tensors
        return grad_output * (pred - target).clamp(-ctx.delta, ctx.delta) / pred.numel(), None, None


@right("huber", build=lambda c: c(), delta=2.0)
class HuberFunction(nn.Module):
    delta = 2.0

    def forward(self, pred, target):
        return _Huber.apply(pred, target, self.delta)


class _Poisson(torch.autograd.Function):
    @staticmethod
    def forward(log_rate, count):
        return (log_rate.exp() - count * log_rate).mean()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad_output):
        log_rate, count = ctx.saved_tensors
        return grad_output * (log_rate.exp() - count) / count.numel(), None


@right("poisson_nll")
def poisson_setup_context(log_rate, count):
    return _Poisson.apply(log_rate, count)


# --- compilers and transforms
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
