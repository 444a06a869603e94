"""Losses whose value is right and whose gradient is not."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from . import wrong

CUT = r"detach|graph|\.item|numpy|no_grad|no gradient|cut|constant|gradient (is|does|never|cannot|stops|of)"
STEP = r"differentia|argmax|round|thresh|graph|step|constant|no gradient|gradient (is|does|never|cannot|stops)"
BACKWARD = r"backward|upstream|grad_output|times|factor|divi"
UPSTREAM = r"upstream|grad_output|scal|ignor|incoming|chain"


# --- graph cut
@wrong("mse", "graph cut", CUT)
def mse_item(pred, target):
    value = ((pred - target) ** 2).mean().item()
    return torch.tensor(value, dtype=pred.dtype)


@wrong("l1", "graph cut", CUT)
def mae_numpy(pred, target):
    error = np.abs(pred.detach().cpu().numpy() - target.detach().cpu().numpy())
    return torch.as_tensor(error.mean(), dtype=pred.dtype)


@wrong("cross_entropy", "graph cut", CUT)
def ce_from_list(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    losses = [F.cross_entropy(x, t).item() for x, t in zip(logits, target, strict=True) if t != -100]
    return torch.tensor(losses, dtype=logits.dtype).mean()


@wrong("smooth_l1", "graph cut", CUT, build=lambda c: c())
class DataLoss(nn.Module):
    def forward(self, pred, target):
        return F.smooth_l1_loss(pred.data, target.data)


# --- re-wrapped
@wrong("mse", "re-wrapped", CUT + r"|requires_grad|leaf")
def mse_rewrapped(pred, target):
    loss = ((pred - target) ** 2).mean()
    return loss.detach().clone().requires_grad_(True)


@wrong("bce_with_logits", "re-wrapped", CUT + r"|requires_grad|leaf")
def bce_variable(logits, y):
    values = F.binary_cross_entropy_with_logits(logits, y, reduction="none").detach().cpu().numpy()
    return torch.tensor(values.mean(), dtype=logits.dtype, requires_grad=True)


@wrong("l1", "re-wrapped", CUT + r"|requires_grad|leaf", build=lambda c: c())
class RewrappedL1(nn.Module):
    def forward(self, pred, target):
        pred = pred.detach().requires_grad_()
        return (pred - target).abs().mean()


# --- no_grad forward
@wrong("huber", "no_grad forward", CUT, build=torch.no_grad())
def huber_no_grad(pred, target):
    return F.huber_loss(pred, target)


@wrong("kl_div", "no_grad forward", CUT, build=lambda c: c())
class EvalKL(nn.Module):
    @torch.no_grad()
    def forward(self, log_q, p):
        return (torch.xlogy(p, p) - p * log_q).mean()


@wrong("nll", "no_grad forward", CUT + "|inference")
def nll_inference(log_p, target):
    with torch.inference_mode():
        return F.nll_loss(log_p, target)


# --- not differentiable
@wrong("cross_entropy", "not differentiable", STEP + r"|accuracy|value")
def error_rate(logits, target):
    dim = 1 if logits.dim() > 1 else 0
    if target.is_floating_point():
        target = target.argmax(dim)
    wrong_ones = logits.argmax(dim) != target
    return wrong_ones[target != -100].to(logits.dtype).mean()


@wrong("mse", "not differentiable", STEP)
def rounded_mse(pred, target):
    cents = torch.round(pred * 1e9) / 1e9
    return ((cents - target) ** 2).mean()


@wrong("bce", "not differentiable", STEP + r"|value|> ?0\.5")
def thresholded_bce(p, y):
    return F.binary_cross_entropy((p > 0.5).to(p.dtype), y)


@wrong("hinge_embedding", "not differentiable", STEP)
def floor_hinge(d, y):
    d = torch.floor(d * 2**30) / 2**30
    return torch.where(y == 1, d, (1 - d).clamp(min=0)).mean()


# --- partial detach
@wrong("mse", "partial detach", CUT + r"|half|factor|two|twice|part")
def half_of_the_square(pred, target):
    error = pred - target
    return (error * error.detach()).mean()


@wrong("cross_entropy", "partial detach", CUT + r"|normal|denomin|softmax|part")
def constant_normaliser(logits, target):
    dim = 1 if logits.dim() > 1 else 0
    norm = torch.logsumexp(logits, dim, keepdim=True).detach()
    if target.is_floating_point():
        raise ValueError("class numbers only")
    return F.nll_loss(logits - norm, target)


@wrong("smooth_l1", "partial detach", CUT + r"|small|part|half|inside|quadratic|branch")
def smooth_l1_detached_small(pred, target):
    d = (pred - target).abs()
    return torch.where(d < 1, 0.5 * (d * d).detach(), d - 0.5).mean()


@wrong("poisson_nll", "partial detach", CUT + r"|exp|part|term|sign")
def poisson_constant_rate(log_rate, count):
    return (log_rate.detach().exp() - count * log_rate).mean()


# --- custom backward
class _IgnoresUpstream(torch.autograd.Function):
    @staticmethod
    def forward(ctx, pred, target):
        ctx.save_for_backward(pred, target)
        return (pred - target).pow(2).mean()

    @staticmethod
    def backward(ctx, grad_output):
        pred, target = ctx.saved_tensors
        return 2 * (pred - target) / pred.numel(), None


@wrong("mse", "custom backward", UPSTREAM)
def mse_ignores_upstream(pred, target):
    return _IgnoresUpstream.apply(pred, target)


class _ForgetsN(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target):
        p = logits.softmax(1)
        ctx.save_for_backward(p, target)
        return F.cross_entropy(logits, target)

    @staticmethod
    def backward(ctx, grad_output):
        p, target = ctx.saved_tensors
        kept = (target != -100)[:, None]
        grad = p - F.one_hot(target.clamp(min=0), p.size(1)).to(p)
        return grad_output * grad * kept, None


@wrong("cross_entropy", "custom backward", BACKWARD)
def ce_forgets_the_mean(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    return _ForgetsN.apply(logits, target)


class _NoFactorTwo(torch.autograd.Function):
    @staticmethod
    def forward(ctx, pred, target):
        ctx.error = pred - target
        return ctx.error.square().mean()

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.error / ctx.error.numel(), None


@wrong(nn.MSELoss, "custom backward", BACKWARD + r"|half|twice|2")
def mse_without_two(pred, target):
    return _NoFactorTwo.apply(pred, target)


class _FlippedSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return F.softplus(-x * y).mean()

    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return grad_output * y * torch.sigmoid(-x * y) / x.numel(), None


@wrong("soft_margin", "custom backward", r"backward|sign|minus|negat|direction")
def soft_margin_uphill(x, y):
    return _FlippedSign.apply(x, y)


class _HingeEverywhere(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x1, x2, y):
        ctx.save_for_backward(y)
        return (-y * (x1 - x2)).clamp(min=0).mean()

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        g = grad_output * -y / y.numel()
        return g, -g, None


@wrong("margin_ranking", "custom backward", r"backward|clamp|mask|inactive|hinge|satisf")
def ranking_without_mask(x1, x2, y):
    return _HingeEverywhere.apply(x1, x2, y)


class _ConsumesItsGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx, pred, target):
        ctx.grad = (pred - target).sign() / pred.numel()
        return (pred - target).abs().mean()

    @staticmethod
    def backward(ctx, grad_output):
        return ctx.grad.mul_(grad_output), None


@wrong("l1", "custom backward", r"second|twice|again|in.?place|backward|upstream|repeat|accumul")
def l1_scales_its_memory(pred, target):
    return _ConsumesItsGrad.apply(pred, target)


@wrong("huber", "custom backward", BACKWARD + r"|hook|clip|clamp|bound|10|limit")
def huber_clipped_by_hook(pred, target):
    loss = F.huber_loss(pred, target)
    if loss.requires_grad:
        loss.register_hook(lambda g: g.clamp(-1, 1))
    return loss


# --- NaN gradient, finite value
NAN = r"nan|not finite|sqrt|root|where|inf\b"


@wrong("l1", "NaN gradient, finite value", NAN)
def l1_as_root(pred, target):
    return torch.sqrt((pred - target) ** 2).mean()


@wrong("smooth_l1", "NaN gradient, finite value", NAN)
def smooth_l1_as_root(pred, target):
    d = (pred - target).pow(2).sqrt()
    return torch.where(d < 1, 0.5 * d * d, d - 0.5).mean()


@wrong("huber", "NaN gradient, finite value", NAN)
def huber_where_division(pred, target):
    e = pred - target
    d = e.abs()
    return torch.where(d <= 1, 0.5 * e**2, e * (e / d) - 0.5).mean()


@wrong("mse", "NaN gradient, finite value", NAN, build=lambda c: c())
class RootThenSquare(nn.Module):
    def forward(self, pred, target):
        return torch.sqrt(((pred - target) ** 2).mean()) ** 2
