"""Right losses beside those of `wrong_trials.py`, and right ones that a trial could accuse without reason."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import references as ref
from . import right
from .wrong_trials import Scaled, three_columns

made = {"build": lambda c: c()}


# --- settings
@right("mse", **made)
class SquaresWeighedInForward(nn.Module):
    def forward(self, input, target, weight=None, reduction="mean"):
        losses = (input - target).square() if weight is None else weight * (input - target).square()
        total = input.numel() if weight is None else weight.sum()
        return {"none": losses, "sum": losses.sum(), "mean": losses.sum() / total}[reduction]


@right("l1", **made)
class SumOfDefaults(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, input, target):
        losses = (input - target).abs()
        return losses if self.reduction == "none" else getattr(losses, self.reduction)()


@right("huber", delta=2.0, build=lambda c: c(2.0))
class OwnThreshold(nn.Module):
    def __init__(self, delta=1.0):
        super().__init__()
        self.delta = delta

    def forward(self, input, target):
        small = (input - target).abs().clamp(max=self.delta)
        return (small * ((input - target).abs() - 0.5 * small)).mean()


@right("smooth_l1")
def smooth_l1_without_division(input, target, beta=1.0):
    d = (input - target).abs()
    return (d - beta / 2).mean() if beta == 0 else torch.where(d < beta, d.square() / (2 * beta), d - beta / 2).mean()


@right("poisson_nll")
def poisson_term_by_term(input, target, log_input=True, full=False, reduction="mean"):
    losses = input.exp() - target * input if log_input else input - target * (input + 1e-8).log()
    if full:
        safe = target.clamp(min=2)
        stirling = safe * safe.log() - safe + 0.5 * (2 * torch.pi * safe).log()
        losses = losses + torch.where(target > 1, stirling, 0)
    return losses if reduction == "none" else getattr(losses, reduction)()


@right("linear_cross_entropy")
def linear_with_bias(input, linear_weight, target, linear_bias=None, weight=None, ignore_index=-100):
    return F.cross_entropy(F.linear(input, linear_weight, linear_bias), target, weight, ignore_index=ignore_index)


@right("cross_entropy")
def normalises_a_copy_of_the_weights(input, target, weight=None):
    return F.cross_entropy(input, target, weight=None if weight is None else weight / weight.sum())


@right("mse")
def other_settings_of_its_own(input, target, squared=True, name="mine"):
    return (input - target).square().mean()


# --- shapes, strides, numbers of samples
@right("cross_entropy")
def classes_last(logits, labels):
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten())


@right("cross_entropy")
def token_mean_of_two_halves(logits, target):
    halves = zip(logits.tensor_split(2), target.tensor_split(2), strict=True)
    return sum(F.cross_entropy(z, y, reduction="sum") for z, y in halves if len(y)) / (target != -100).sum()


@right("cross_entropy")
def in_blocks(input, target, block=256):
    parts = zip(input.split(block), target.split(block), strict=True)
    return sum(F.cross_entropy(x, t, reduction="sum") for x, t in parts) / (target != -100).sum()


@right("gaussian_nll")
def variances_spread(input, target, var):
    var = (var.unsqueeze(-1) if var.dim() < input.dim() else var).expand_as(input)
    raised = var + (var.clamp(min=1e-6) - var).detach()
    return 0.5 * (raised.log() + (input - target).square() / raised).mean()


@right("mse", reduction="none")
def squares_as_they_are(input, target):
    return (input - target) ** 2


@right("cosine_embedding")
def cosine_of_zero_is_zero(first, second, label):
    cosine = F.cosine_similarity(first, second, dim=-1)
    return torch.where(label == 1, 1 - cosine, cosine.clamp(min=0)).mean()


@right("linear_cross_entropy")
def linear_ignores(input, linear_weight, target):
    return F.cross_entropy(input @ linear_weight.T, target)


@right("ctc")
def ctc_of_concatenated_targets(log_probs, targets, input_lengths, target_lengths, blank=0, zero_infinity=False):
    if targets.dim() == 2:
        inside = torch.arange(targets.shape[1], device=targets.device) < target_lengths[:, None]
        targets = targets[inside]
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=blank, zero_infinity=zero_infinity)


# --- what is not the value
@right("mse")
def first_year(prediction, target):
    losses = torch.zeros(len(prediction), dtype=prediction.dtype)
    for i in range(len(prediction)):
        losses[i] = ((prediction[i] - target[i]) ** 2).mean()
    return losses.mean()


@right("l1")
def first_year_with_a_table(prediction, target):
    n, ones = prediction.numel(), torch.ones(1, dtype=prediction.dtype)
    total = 0 * ones
    for p, t in zip(prediction.reshape(-1), target.reshape(-1), strict=True):
        total = total + ones * abs(p - t)
    return total.sum() / n


@right(Scaled(), inputs=three_columns, **made)
class ScaledOtherwise(Scaled):
    def forward(self, input, target):
        return (torch.exp(self.log_scale) * (target - input) ** 2).mean() - self.log_scale.mean()


@right(ref.focal, inputs=ref.class_batch)
def no_gradients_in_a_block(logits, target):
    with torch.no_grad():
        rows = torch.arange(len(target), device=target.device)
    log_p = F.log_softmax(logits, dim=1)[rows, target]
    return ((1 - log_p.exp()) ** 2 * -log_p).mean()
