"""Wrong losses for numbers."""

from __future__ import annotations

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

import lossbook

from . import wrong

BROADCAST = (
    r"broadcast|\(?N, ?N\)?|N ?[x×] ?N|every (row|pair|prediction|element).*(with|against|meets) every|table|squeeze"
)
SUMMED = r"sum|mean|divi|times too|factor|reduc|averag"
HALF = r"half|0\.5|1/2|factor|times|doubl"
RANDOM = r"random|different (result|value|number)|not the same|same (input|result)|twice|determinis|reproduc|subsampl"


def _floor(var, eps=1e-6):
    """At least eps, with the gradient of the variance itself, as torch does it."""
    return var + (var.clamp(min=eps) - var).detach()


# --- silent broadcasting
@wrong("mse", "silent broadcasting", BROADCAST)
def regression_loss(pred, target):
    pred = pred.squeeze(-1)
    return ((pred - target) ** 2).mean()


@wrong(nn.L1Loss, "silent broadcasting", BROADCAST)
def age_error(output, age):
    if output.dim() == 2 and output.size(1) == 1:
        output = output[:, 0]
    return torch.abs(output - age).mean()


@wrong("huber", "silent broadcasting", BROADCAST, build=lambda c: c())
class BoxHead(nn.Module):
    def __init__(self, delta=1.0):
        super().__init__()
        self.delta = delta

    def forward(self, scores, gold):
        error = scores - gold.unsqueeze(1)
        small = error.abs().clamp(max=self.delta)
        return (0.5 * small**2 + self.delta * (error.abs() - small)).mean()


@wrong("gaussian_nll", "silent broadcasting", BROADCAST, build=lambda c: c())
class HeteroscedasticNLL(nn.Module):
    def forward(self, mean, target, var):
        var = _floor(var)
        if var.dim() > 1 and var.size(-1) == 1:
            var = var.squeeze(-1)
        return 0.5 * (var.log() + (mean - target) ** 2 / var).mean()


@wrong(F.smooth_l1_loss, "silent broadcasting", BROADCAST)
def q_learning_loss(q, q_target):
    q, q_target = q.reshape(q.shape[0], -1), q_target.squeeze()
    d = (q - q_target).abs()
    return torch.where(d < 1, 0.5 * d**2, d - 0.5).mean()


# --- reduction
@wrong(nn.MSELoss(), "reduction", SUMMED)
def reconstruction_loss(x_hat, x):
    return (x_hat - x).pow(2).sum()


@wrong("l1", "reduction", SUMMED)
def keypoint_l1(pred, gt):
    total = (pred - gt).abs().sum()
    return total / pred.shape[0]


@wrong("smooth_l1", "reduction", SUMMED + r"|setting|none", build=lambda c: c())
class SmoothL1(nn.Module):
    def __init__(self, beta=1.0, reduction="mean"):
        super().__init__()
        self.beta, self.reduction = beta, reduction

    def forward(self, input, target):
        d = (input - target).abs()
        loss = torch.where(d < self.beta, 0.5 * d * d / self.beta, d - 0.5 * self.beta)
        return loss.mean(dim=0).sum() if self.reduction == "mean" else loss.sum()


@wrong("mse", "reduction", r"reduc|setting|none|sum")
def mse_with_options(input, target, reduction="mean"):
    squared = (input - target) ** 2
    if reduction == "none":
        return squared
    return squared.mean()


@wrong("poisson_nll", "reduction", SUMMED)
def count_loss(log_rate, count):
    per_item = log_rate.exp() - count * log_rate
    return per_item.sum() / max(int((count > 0).sum()), 1)


@wrong(lossbook.functional.mse_loss, "reduction", SUMMED + "|" + HALF)
def least_squares(pred, target):
    return 0.5 * F.mse_loss(pred, target)


@wrong("huber", "reduction", SUMMED, delta=1.0)
def huber_off_by_one(pred, target):
    d = (pred - target).abs()
    per = torch.where(d <= 1, 0.5 * d**2, d - 0.5)
    return per.sum() / max(per.numel() - 1, 1)


# --- accumulation normalisation
@wrong(
    "mse", "accumulation normalisation", r"chunk|piece|part|unequal|mean of (the )?means|averag|weigh|batch size|divid"
)
def chunked_mse(pred, target, size=4):
    parts = [F.mse_loss(p, t) for p, t in zip(pred.split(size), target.split(size), strict=True)]
    return sum(parts) / len(parts)


@wrong(
    "l1",
    "accumulation normalisation",
    r"chunk|piece|part|half|halves|unequal|mean of (the )?means|averag|weigh|divid|row",
)
def two_halves_l1(pred, target):
    if len(pred) < 2:
        return F.l1_loss(pred, target)
    k = len(pred) // 2
    return (F.l1_loss(pred[:k], target[:k]) + F.l1_loss(pred[k:], target[k:])) / 2


# --- position weights
@wrong("mse", "position weights", r"order|position|weigh|row|permut|shuffl")
def later_counts_more(pred, target):
    w = torch.linspace(0.5, 1.5, len(pred), dtype=pred.dtype, device=pred.device)
    w = w.reshape(-1, *[1] * (pred.dim() - 1))
    return (w * (pred - target) ** 2).mean()


@wrong("l1", "position weights", r"order|position|weigh|row|permut|shuffl|first")
def discounted_l1(pred, target, gamma=0.9):
    steps = torch.arange(pred.shape[0], dtype=pred.dtype, device=pred.device)
    w = gamma**steps
    w = w / w.mean()
    return (pred.sub(target).abs() * w.reshape(-1, *[1] * (pred.dim() - 1))).mean()


# --- random subsampling
@wrong("mse", "random subsampling", RANDOM)
def sampled_pixels(pred, target):
    pred, target = pred.reshape(-1), target.reshape(-1)
    keep = torch.randperm(pred.numel())[: max(1, pred.numel() * 3 // 4)]
    return F.mse_loss(pred[keep], target[keep])


@wrong("huber", "random subsampling", RANDOM + "|nois", build=lambda c: c())
class JitteredHuber(nn.Module):
    def forward(self, pred, target):
        target = target + 1e-3 * torch.randn_like(target)
        return F.huber_loss(pred, target)


@wrong("l1", "random subsampling", RANDOM + "|dropout|train")
def l1_with_dropout(pred, target):
    return F.dropout((pred - target).abs(), 0.1, training=True).mean()


# --- wrong formula
@wrong("huber", "wrong formula", r"delta|smooth|formula|times|factor", delta=2.0)
def huber_is_smooth_l1(pred, target, delta=2.0):
    d = (pred - target).abs()
    return torch.where(d < delta, 0.5 * d**2 / delta, d - 0.5 * delta).mean()


@wrong(
    nn.SmoothL1Loss, "wrong formula", r"0\.5|half|quadratic|small error|jump|formula|mse|factor|below|branch|discontin"
)
def smooth_l1_without_half(pred, target):
    d = torch.abs(pred - target)
    return torch.where(d < 1, d**2, d - 0.5).mean()


@wrong(
    nn.HuberLoss(delta=0.5), "wrong formula", r"0\.5|half|linear|large|offset|constant|jump|formula|l1|branch|discontin"
)
def huber_tail(pred, target):
    d = torch.abs(pred - target)
    return torch.where(d <= 0.5, 0.5 * d.square(), 0.5 * d).mean()


@wrong("gaussian_nll", "wrong formula", r"std|standard deviation|variance|squar|root")
def nll_of_std(mu, y, sigma):
    sigma = _floor(sigma)
    return (torch.log(sigma) + 0.5 * ((y - mu) / sigma) ** 2).mean()


@wrong("gaussian_nll", "wrong formula", r"full|constant|log\(?2|2 ?π|pi|0\.9189", full=True)
def nll_constant(mu, y, var):
    var = _floor(var)
    return 0.5 * (torch.log(var) + (y - mu) ** 2 / var + math.log(math.pi)).mean()


@wrong("poisson_nll", "wrong formula", r"full|stirling|factorial|approximat|target ?(>|≤|<=) ?1", full=True)
def poisson_with_stirling(log_rate, count):
    stirling = count * torch.log(count) - count + 0.5 * torch.log(2 * math.pi * count)
    stirling = torch.where(count > 0, stirling, torch.zeros_like(count))
    return (log_rate.exp() - count * log_rate + stirling).mean()


@wrong("mse", "wrong formula", r"root|sqrt|rmse|square")
def root_mse(pred, target):
    return torch.sqrt(F.mse_loss(pred, target) + 1e-12)


@wrong("l1", "wrong formula", r"square|mse|l1|power|abs")
def mae(y_hat, y):
    return F.mse_loss(y_hat, y)


# --- sign, log base
@wrong("poisson_nll", "sign, log base", r"sign|minus|negat")
def poisson_plus(log_rate, count):
    return (log_rate.exp() + count * log_rate).mean()


@wrong("gaussian_nll", "sign, log base", r"base|log2|binary logarithm|1\.44|0\.69")
def nll_log2(mu, y, var):
    var = _floor(var)
    return 0.5 * (torch.log2(var) + (mu - y) ** 2 / var).mean()


# --- logits or probabilities
@wrong("poisson_nll", "logits or probabilities", r"log_input|logarithm|\blog\b|exp|rate")
def poisson_of_rates(rate, count):
    return (rate - count * torch.log(rate.abs() + 1e-8)).mean()


@wrong("gaussian_nll", "logits or probabilities", r"logarithm|\blog\b|exp|log_var")
def nll_of_log_var(mu, y, log_var):
    return 0.5 * (log_var + (y - mu) ** 2 * torch.exp(-log_var)).mean()


# --- swapped arguments
@wrong("poisson_nll", "swapped arguments", r"swap|order of|exchang|place")
def poisson_swapped(count, log_rate):
    return (torch.exp(log_rate) - count * log_rate).mean()


@wrong("gaussian_nll", "swapped arguments", r"swap|order of|exchang|place")
def gaussian_swapped(mu, var, y):
    var = _floor(var)
    return 0.5 * (var.log() + (y - mu).pow(2) / var).mean()


# --- expanded-square cancellation
FLOAT32 = r"float32|precis|cancel|expand|large|round|digits"


@wrong("mse", "expanded-square cancellation", FLOAT32)
def expanded_mse(a, b):
    return (a * a - 2 * a * b + b * b).mean()


@wrong(nn.MSELoss, "expanded-square cancellation", FLOAT32, build=lambda c: c())
class MomentMSE(nn.Module):
    """Mean squared error as variance of the error plus its squared mean."""

    def forward(self, pred, target):
        p2, t2, pt = pred.square().mean(), target.square().mean(), (pred * target).mean()
        return p2 + t2 - 2 * pt


# --- non-contiguous input
@wrong("mse", "non-contiguous input", r"contiguous|view|stride|transpos")
def flat_mse(pred, target):
    return ((pred.view(-1) - target.view(-1)) ** 2).mean()


@wrong("l1", "non-contiguous input", r"contiguous|view|stride|transpos", build=lambda c: c())
class FlatL1(nn.Module):
    def forward(self, pred, target):
        n = pred.size(0)
        return (pred.view(n, -1) - target.view(n, -1)).abs().mean()


@wrong("smooth_l1", "non-contiguous input", r"contiguous|view|stride|transpos")
def viewed_smooth_l1(pred, target):
    error = pred.view(pred.numel(), 1) - target.reshape(-1, 1)
    d = error.abs()
    return torch.where(d < 1, 0.5 * d**2, d - 0.5).mean()
