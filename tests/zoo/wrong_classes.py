"""Wrong losses for classes."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

import lossbook

from . import wrong

PERMUTE = r"permut|reshap|view|transpos|trailing|channel|movedim|mixes"
DIM = r"dim|axis|over the batch|rows|column"
TWICE = (
    r"softmax.*(twice|again|already|two|second)|(twice|double|second|extra|already).*softmax|softmax\(input\)|softmax"
)


# --- reshape without permute
@wrong("cross_entropy", "reshape without permute", PERMUTE)
def segmentation_loss(logits, mask):
    classes = logits.size(1) if logits.dim() > 1 else logits.size(0)
    return F.cross_entropy(logits.reshape(-1, classes), mask.reshape(-1))


@wrong(nn.NLLLoss, "reshape without permute", PERMUTE, build=lambda c: c())
class PixelNLL(nn.Module):
    def forward(self, log_probs, target):
        if log_probs.dim() > 2:
            log_probs = log_probs.contiguous().view(-1, log_probs.size(1))
            target = target.reshape(-1)
        return F.nll_loss(log_probs, target)


@wrong(F.cross_entropy, "reshape without permute", PERMUTE)
def pairwise_pixel_loss(logits, target):
    if logits.dim() == 4:
        n, c, h, w = logits.shape
        logits, target = logits.reshape(n, h, w, c).permute(0, 3, 1, 2), target
    return F.cross_entropy(logits, target)


# --- wrong dim
@wrong("cross_entropy", "wrong dim", DIM)
def ce_over_batch(logits, target):
    log_p = F.log_softmax(logits, dim=0)
    return F.nll_loss(log_p, target)


@wrong("cross_entropy", "wrong dim", DIM + r"|last|trailing")
def ce_last_dim(logits, target):
    log_p = torch.log_softmax(logits, dim=-1)
    return F.nll_loss(log_p, target)


@wrong(nn.CrossEntropyLoss(), "wrong dim", DIM, build=lambda c: c())
class StableCE(nn.Module):
    """Keeps the exponentials small by hand."""

    def forward(self, logits, target):
        e = torch.exp(logits - logits.max(dim=0).values)
        log_p = (logits - logits.max(dim=0).values) - torch.log(e.sum(dim=0, keepdim=True))
        return F.nll_loss(log_p, target)


# --- reduction
@wrong("cross_entropy", "reduction", r"sum|mean|divi|times|factor|reduc|averag|class")
def ce_over_one_hot(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    y = torch.zeros_like(logits).scatter_(1, target.clamp(min=0)[:, None], 1.0)
    y = y[target != -100]
    return -(y * F.log_softmax(logits[target != -100], dim=1)).mean()


@wrong("nll", "reduction", r"sum|mean|divi|times|factor|reduc|averag")
def nll_sum(log_p, target):
    return F.nll_loss(log_p, target, reduction="sum")


@wrong("cross_entropy", "reduction", r"sum|mean|divi|times|factor|reduc|averag|pixel|position|batch")
def per_image_ce(logits, target):
    return F.cross_entropy(logits, target, reduction="sum") / logits.shape[0]


# --- one-hot / soft labels
@wrong(
    "cross_entropy",
    "one-hot / soft labels",
    r"one.?hot|num_classes|class(es)? (in|from|of) the batch|missing class|raise|error",
)
def ce_one_hot(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    keep = target != -100
    y = F.one_hot(target[keep])
    return -(y * F.log_softmax(logits[keep], dim=1)).sum(1).mean()


@wrong("cross_entropy", "one-hot / soft labels", r"argmax|soft|probabilit|hard|rounded")
def ce_hardens_labels(logits, target):
    if target.is_floating_point():
        target = target.argmax(dim=1 if logits.dim() > 1 else 0)
    return F.cross_entropy(logits, target)


@wrong("cross_entropy", "one-hot / soft labels", r"num_classes|number of classes|class(es)?|missing|last class|max")
def ce_of_seen_classes(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    classes = int(target.max()) + 1
    return F.cross_entropy(logits[:, :classes], target)


# --- soft labels truncated
@wrong("cross_entropy", "soft labels truncated", r"long|integer|truncat|soft|probabilit|round|whole")
def ce_with_long(logits, target):
    if target.is_floating_point():
        target = target.long().to(logits.dtype)
    return F.cross_entropy(logits, target)


# --- softmax twice
@wrong("cross_entropy", "softmax / sigmoid twice", TWICE)
def softmax_then_ce(output, target):
    probs = F.softmax(output, dim=1 if output.dim() > 1 else 0)
    return F.cross_entropy(probs, target)


@wrong(lossbook.nn.CrossEntropyLoss, "softmax / sigmoid twice", TWICE, build=lambda c: c())
class ClassifierHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.activation = nn.Softmax(dim=1)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.0)

    def forward(self, logits, target):
        if logits.dim() < 2:
            raise ValueError("a batch of logits, please")
        return self.criterion(self.activation(logits), target)


@wrong("nll", "softmax / sigmoid twice", TWICE + r"|prob|exp|log")
def nll_of_probabilities(log_p, target):
    return F.nll_loss(log_p.softmax(1 if log_p.dim() > 1 else 0), target)


# --- logits or probabilities
@wrong("cross_entropy", "logits or probabilities", r"softmax|logit|log|normali|probab")
def nll_of_logits(logits, target):
    return F.nll_loss(logits, target)


@wrong("nll", "logits or probabilities", r"softmax|log|exp|probab")
def log_of_log_probs(p, target):
    return F.nll_loss(torch.log(p.clamp(min=1e-8)), target)


# --- sign, log base
@wrong("nll", "sign, log base", r"sign|minus|negat")
def log_likelihood(log_p, target):
    if log_p.dim() != 2:
        raise ValueError("log-probabilities (N, C) only")
    keep = target != -100
    return log_p[keep].gather(1, target[keep][:, None]).mean()


@wrong("cross_entropy", "sign, log base", r"base|log2|log 2|bits|ln|0\.69|1\.44|factor")
def ce_in_bits(logits, target):
    dim = 1 if logits.dim() > 1 else 0
    p = F.softmax(logits, dim=dim)
    shifted = logits - logits.amax(dim, keepdim=True)
    log2_p = torch.where(p > 1e-6, torch.log2(p.clamp(min=1e-6)), shifted * 1.4426950408889634)
    return F.nll_loss(log2_p, target)


@wrong("cross_entropy", "sign, log base", r"base|log10|log_?10|decimal|ln|2\.30|0\.43|factor")
def ce_log10(logits, target):
    return F.cross_entropy(logits, target) / torch.log(logits.new_tensor(10.0))


# --- unstable log, overflow
UNSTABLE = r"stab|overflow|underflow|inf|nan|huge|large|satur|log_softmax|log\(0\)|finite"


@wrong("cross_entropy", "unstable log, overflow", UNSTABLE)
def log_of_softmax(logits, target):
    return F.nll_loss(torch.log(F.softmax(logits, dim=1 if logits.dim() > 1 else 0)), target)


@wrong("cross_entropy", "unstable log, overflow", UNSTABLE, build=lambda c: c())
class HandmadeCE(nn.Module):
    def forward(self, logits, target):
        dim = min(logits.dim() - 1, 1)
        norm = torch.log(torch.exp(logits).sum(dim, keepdim=True))
        return F.nll_loss(logits - norm, target)


@wrong(nn.CrossEntropyLoss, "eps too small", r"eps|1e-|clamp|stab|satur|log_softmax|too small|bound")
def log_softmax_eps(logits, target):
    p = F.softmax(logits, dim=1 if logits.dim() > 1 else 0)
    return F.nll_loss(torch.log(p + 1e-12), target)


@wrong("cross_entropy", "eps too small", r"eps|1e-|clamp|stab|satur|log_softmax|too small|bound|vanish")
def clamped_softmax(logits, target):
    p = F.softmax(logits, dim=1 if logits.dim() > 1 else 0).clamp(1e-7, 1 - 1e-7)
    return F.nll_loss(p.log(), target)


# --- wrong formula
@wrong("multi_margin", "wrong formula", r"own class|target class|true class|itself|includ|margin|constant|offset")
def hinge_with_own_class(scores, target):
    if scores.dim() != 2:
        raise ValueError("scores (N, C) only")
    right = scores.gather(1, target[:, None])
    return (1 - right + scores).clamp(min=0).mean(dim=1).mean()


@wrong("multi_margin", "wrong formula", r"square|power|p ?=|exponent|\bp\b", p=2)
def squared_after_sum(scores, target):
    if scores.dim() != 2:
        raise ValueError("scores (N, C) only")
    right = scores.gather(1, target[:, None])
    other = F.one_hot(target, scores.size(1)) == 0
    return ((1 - right + scores).clamp(min=0) * other).mean(dim=1).square().mean()


@wrong("multi_margin", "wrong formula", r"largest|max|hardest|sum|other classes|divi|mean|C\b|number of classes|averag")
def crammer_singer(scores, target):
    if scores.dim() != 2:
        raise ValueError("scores (N, C) only")
    other = F.one_hot(target, scores.size(1)) == 0
    margins = (1 - scores.gather(1, target[:, None]) + scores).clamp(min=0) * other
    return margins.amax(dim=1).mean()


# --- swapped arguments
@wrong("cross_entropy", "swapped arguments", r"swap|order|exchang|target|log of the target|soft")
def soft_ce_swapped(logits, target):
    if not target.is_floating_point():
        return F.cross_entropy(logits, target)
    dim = 1 if logits.dim() > 1 else 0
    per = -(F.softmax(logits, dim=dim) * torch.log(target.clamp(min=1e-12))).sum(dim)
    return per.mean()


# --- missing margin
@wrong("multi_margin", "missing margin", r"margin")
def no_margin(scores, target):
    return F.multi_margin_loss(scores, target, margin=0.0)


@wrong(nn.MultiMarginLoss(margin=0.5), "constant offset in a margin", r"margin|offset|constant|shift")
def offset_margin(scores, target):
    return F.multi_margin_loss(scores, target, margin=0.5) + 0.5


# --- position weights
@wrong("cross_entropy", "position weights", r"order|position|weigh|row|permut|first|shuffl")
def first_token_counts_double(logits, target):
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("logits (N, C) and class numbers (N) only")
    w = (target != -100).to(logits.dtype)
    w[0] *= 2
    return (w * F.cross_entropy(logits, target, reduction="none")).sum() / w.sum()


# --- linear cross entropy
@wrong("linear_cross_entropy", "reduction", r"sum|mean|divi|times|factor|reduc|averag")
def fused_head(hidden, weight, target):
    return F.cross_entropy(hidden @ weight.T, target, reduction="sum") / hidden.shape[-1]
