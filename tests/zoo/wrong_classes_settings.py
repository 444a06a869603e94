"""Wrong losses for classes: weights, ignored labels, smoothing, and the means that they change."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import wrong

IGNORED = r"ignor|pad|-100|mask|count"
WEIGHTS = r"weight"
SMOOTHING = r"smooth"
W3 = torch.tensor([1.0, 2.0, 0.5])


# --- accumulation normalisation
@wrong(
    "cross_entropy",
    "accumulation normalisation",
    r"ignor|unequal|mean of|averag|pad|chunk|sequence|each|row|weigh|count",
)
def mean_of_sequence_means(logits, target):
    if logits.dim() < 3:
        return F.cross_entropy(logits, target)
    per = [F.cross_entropy(x[None], t[None]) for x, t in zip(logits, target, strict=True)]
    return torch.stack([p for p in per if not p.isnan()]).mean()


@wrong(nn.CrossEntropyLoss(weight=W3), "accumulation normalisation", WEIGHTS + r"|one by one|each|mean of")
def one_by_one(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    kept = [i for i in range(len(target)) if target[i] != -100]
    return sum(F.cross_entropy(logits[i : i + 1], target[i : i + 1], W3.to(logits)) for i in kept) / len(kept)


# --- ignore_index averaging
@wrong("cross_entropy", "ignore_index averaging", IGNORED)
def ce_counts_padding(logits, target):
    return F.cross_entropy(logits, target, reduction="none").mean()


@wrong("nll", "ignore_index averaging", IGNORED, ignore_index=0)
def masked_nll(log_p, target):
    picked = F.nll_loss(log_p, target, reduction="none", ignore_index=-1)
    mask = (target != 0).to(log_p.dtype)
    return (picked * mask).sum() / mask.numel()


@wrong("cross_entropy", "ignore_index averaging", IGNORED, ignore_index=1)
def ce_forgets_padding(logits, target):
    return F.cross_entropy(logits, target)


@wrong(nn.CrossEntropyLoss(ignore_index=2), "ignore_index averaging", IGNORED, build=lambda c: c())
class MaskedSoftmaxCE(nn.Module):
    pad = 2

    def forward(self, logits, target):
        if logits.dim() != 2 or target.is_floating_point():
            raise ValueError("(N, C) logits and (N) classes")
        keep = (target != self.pad).unsqueeze(1)
        return F.cross_entropy(logits * keep, target)


@wrong("cross_entropy", "ignore_index averaging", IGNORED)
def clamps_the_padding(logits, target):
    if target.is_floating_point():
        return F.cross_entropy(logits, target)
    return F.cross_entropy(logits, target.clamp(min=0))


# --- class weights
@wrong("cross_entropy", "class weights", WEIGHTS, weight=W3)
def weighted_ce(logits, target):
    return F.cross_entropy(logits, target, weight=W3.to(logits), reduction="none").mean()


@wrong(nn.NLLLoss(weight=W3), "class weights", WEIGHTS)
def nll_over_all_weights(log_p, target):
    w = W3.to(log_p)
    return F.nll_loss(log_p, target, weight=w, reduction="sum") / w.sum()


@wrong("cross_entropy", "class weights", WEIGHTS + r"|argmax|predicted", weight=torch.tensor([0.2, 1.0, 3.0, 1.0]))
def weights_of_the_prediction(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    w = logits.new_tensor([0.2, 1.0, 3.0, 1.0])[logits.argmax(1)] * (target != -100)
    return (w * F.cross_entropy(logits, target, reduction="none")).sum() / w.sum()


@wrong("multi_margin", "class weights", WEIGHTS + r"|flip\(0\)` is one step too many", weight=W3)
def weighted_margins(scores, target):
    return F.multi_margin_loss(scores, target, weight=W3.to(scores).flip(0))


@wrong("cross_entropy", "class weights", WEIGHTS + r"|softmax|logit", weight=W3)
def weights_on_the_logits(logits, target):
    shape = (-1,) + (1,) * (logits.dim() - 2) if logits.dim() > 1 else (-1,)
    return F.cross_entropy(logits * W3.to(logits).reshape(shape), target)


# --- label smoothing
@wrong("cross_entropy", "label smoothing", SMOOTHING, label_smoothing=0.1)
def smooth_over_the_others(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    logits, target = logits[target != -100], target[target != -100]
    y = torch.full_like(logits, 0.1 / (logits.size(1) - 1)).scatter_(1, target[:, None], 0.9)
    return -(y * logits.log_softmax(1)).sum(1).mean()


@wrong(nn.CrossEntropyLoss(label_smoothing=0.2), "label smoothing", SMOOTHING + "|" + IGNORED, build=lambda c: c(0.2))
class LabelSmoothing(nn.Module):
    def __init__(self, eps):
        super().__init__()
        self.eps = eps

    def forward(self, logits, target):
        if logits.dim() != 2 or target.is_floating_point():
            raise ValueError("logits (N, C) and class numbers (N) only")
        log_p = F.log_softmax(logits, dim=1)
        return (1 - self.eps) * F.nll_loss(log_p, target) - self.eps * log_p.mean()


@wrong("cross_entropy", "label smoothing", SMOOTHING, label_smoothing=0.1)
def smooth_with_sum(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    log_p = F.log_softmax(logits, dim=1)
    spread = -log_p[target != -100].sum(dim=1).mean()
    return 0.9 * F.nll_loss(log_p, target) + 0.1 * spread


@wrong("cross_entropy", "label smoothing", SMOOTHING + r"|1 - eps|times|factor", label_smoothing=0.1)
def smooth_on_top(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    log_p = F.log_softmax(logits, dim=1)
    return F.nll_loss(log_p, target) - 0.1 * log_p[target != -100].mean()
