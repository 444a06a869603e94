"""Right losses for classes with weights, ignored labels or smoothing, in unusual styles."""

from __future__ import annotations

import functools

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import right
from .right_classes import plain

W3 = torch.tensor([1.0, 2.0, 0.5])
W4 = torch.tensor([0.2, 1.0, 3.0, 1.0])


@right("cross_entropy", weight=W3)
def ce_weighted_gather(logits, target):
    logits, target = plain(logits, target)
    w = W3.to(logits)[target]
    return (w * -logits.log_softmax(1).gather(1, target[:, None])[:, 0]).sum() / w.sum()


@right(nn.CrossEntropyLoss(weight=W4), build=lambda f: f(W4))
def make_weighted_ce(weight):
    def loss(logits, target):
        logits, target = plain(logits, target)
        y = F.one_hot(target, len(weight)).to(logits) * weight.to(logits)
        return -((y / y.sum()) * logits.log_softmax(1)).sum()

    return loss


@right("cross_entropy", weight=W3, build=lambda c: c(W3))
class WeightedCE(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.register_buffer("weight", weight.clone())

    def forward(self, logits, target):
        return F.cross_entropy(logits, target, weight=self.weight.to(logits.dtype))


@right("cross_entropy", ignore_index=1)
def ce_masked_select(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("(N, C) and class numbers only")
    keep = target.ne(1)
    return F.cross_entropy(logits[keep], target[keep])


@right(nn.CrossEntropyLoss(ignore_index=0), build=lambda c: c(0))
class PaddedCE(nn.Module):
    def __init__(self, pad):
        super().__init__()
        self.pad = pad

    def forward(self, logits, target):
        if target.is_floating_point():
            raise ValueError("class numbers only")
        per = F.cross_entropy(logits, target, ignore_index=self.pad, reduction="none")
        return per.sum() / (target != self.pad).sum()


@right("cross_entropy", label_smoothing=0.1)
def ce_smoothed_one_hot(logits, target):
    logits, target = plain(logits, target)
    y = torch.full_like(logits, 0.1 / logits.size(1))
    y.scatter_add_(1, target[:, None], torch.full_like(logits[:, :1], 0.9))
    return -(y * logits.log_softmax(1)).sum(1).mean()


@right(nn.CrossEntropyLoss(label_smoothing=0.2))
def ce_smoothed_two_terms(logits, target):
    logits, target = plain(logits, target)
    norm = logits.logsumexp(1)
    own = logits.gather(1, target[:, None]).squeeze(1)
    return (norm - 0.8 * own - 0.2 * logits.mean(1)).mean()


@right("cross_entropy", label_smoothing=0.1, build=lambda f: functools.partial(f, eps=0.1))
def ce_smoothed_uniform(logits, target, eps):
    logits, target = plain(logits, target)
    hard = F.cross_entropy(logits, target)
    uniform = F.cross_entropy(logits, torch.full_like(logits, 1 / logits.size(1)))
    return torch.lerp(hard, uniform, eps)


@right("cross_entropy", weight=W3, label_smoothing=0.1)
def ce_weighted_and_smoothed(logits, target):
    logits, target = plain(logits, target)
    w, log_p = W3.to(logits), logits.log_softmax(1)
    hard = -(w[target] * log_p.gather(1, target[:, None])[:, 0]).sum()
    spread = -(log_p * w).sum() / logits.size(1)
    return (0.9 * hard + 0.1 * spread) / w[target].sum()


@right("cross_entropy")
def ce_many_settings(input, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    if input.dim() != 2 or target.is_floating_point():
        raise ValueError("(N, C) and class numbers only")
    w = torch.ones_like(input[0]) if weight is None else weight
    keep = target != ignore_index
    safe = torch.where(keep, target, torch.zeros_like(target))
    log_p = F.log_softmax(input, 1)
    hard = -(w[safe] * log_p.gather(1, safe[:, None])[:, 0])
    soft = -(log_p * w).mean(1)
    loss = ((1 - label_smoothing) * hard + label_smoothing * soft).masked_fill(~keep, 0.0)
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.sum() / (w[safe] * keep).sum()


@right("cross_entropy", build=lambda c: c())
class FullCE(nn.Module):
    def __init__(self, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction = ignore_index, reduction

    def forward(self, logits, target):
        log_p = F.log_softmax(logits, dim=1) if logits.dim() > 1 else F.log_softmax(logits, dim=0)
        if target.is_floating_point():
            raise ValueError("class numbers only")
        return F.nll_loss(log_p, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


@right("nll", weight=W3)
def nll_weighted_bincount(log_p, target):
    log_p, target = plain(log_p, target)
    w = W3.to(log_p)
    counts = torch.bincount(target, minlength=3).to(log_p)
    sums = torch.zeros_like(w).index_add(0, target, log_p.gather(1, target[:, None])[:, 0])
    return -(w * sums).sum() / (w * counts).sum()


@right("multi_margin", weight=W3)
def multi_margin_weighted(scores, target):
    if scores.dim() != 2:
        raise ValueError("scores (N, C), please")
    per = F.multi_margin_loss(scores, target, reduction="none")
    return torch.mean(per * W3.to(scores).index_select(0, target))
