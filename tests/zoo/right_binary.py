"""Right losses for yes and no, and for several labels, in unusual styles."""

from __future__ import annotations

import functools

import torch
import torch.nn as nn
import torch.nn.functional as F

import lossbook

from . import right


@right("bce_with_logits")
def bcel_softplus(x, y):
    return (F.softplus(x) - x * y).mean()


@right(nn.BCEWithLogitsLoss)
def bcel_logsigmoid(x, y):
    return -(y * F.logsigmoid(x) + (1 - y) * F.logsigmoid(-x)).mean()


@right("bce_with_logits")
def bcel_logaddexp(x, y):
    return (torch.logaddexp(x, torch.zeros_like(x)) - y * x).mean()


@right("bce_with_logits")
def bcel_as_two_classes(x, y):
    log_p = torch.stack([torch.zeros_like(x), x]).log_softmax(0)
    return -(torch.stack([1 - y, y]) * log_p).sum(0).mean()


@right("bce_with_logits")
def bcel_cross_entropy(x, y):
    x, y = x.reshape(-1), y.reshape(-1)
    logits = torch.stack([-x / 2, x / 2], dim=1)
    return F.cross_entropy(logits, torch.stack([1 - y, y], dim=1).detach())


@right("bce_with_logits")
def bcel_softplus_both_sides(x, y):
    return torch.lerp(F.softplus(x), F.softplus(-x), y).mean()


@right("bce_with_logits")
def bcel_bernoulli(x, y):
    return -torch.distributions.Bernoulli(logits=x, validate_args=False).log_prob(y).mean()


class _BCEL(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return (x.clamp(min=0) - x * y + torch.log1p(torch.exp(-x.abs()))).mean()

    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return grad_output * (torch.sigmoid(x) - y) / x.numel(), None


@right("bce_with_logits")
def bcel_own_backward(x, y):
    return _BCEL.apply(x, y)


@right("bce_with_logits", build=torch.jit.script)
def bcel_scripted(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.mean(torch.nn.functional.softplus(-x) + (1 - y) * x)


@right("bce_with_logits", build=lambda f: torch.compile(f, backend="eager"))
def bcel_compiled(x, y):
    return (F.softplus(x) - x * y).mean()


@right("bce_with_logits")
def bcel_einsum(x, y):
    x, y = x.reshape(-1), y.reshape(-1)
    return F.softplus(x).mean() - torch.einsum("i,i->", x / x.numel(), y)


@right("bce_with_logits")
def bcel_vmap(x, y):
    one = torch.vmap(lambda a, b: F.softplus(a) - a * b)
    return one(x.reshape(-1), y.reshape(-1)).mean()


@right("bce_with_logits")
def bcel_loop(x, y):
    parts = [F.binary_cross_entropy_with_logits(a, b) for a, b in zip(x.reshape(-1), y.reshape(-1), strict=True)]
    return torch.stack(parts).mean()


@right("bce_with_logits", pos_weight=torch.tensor(3.0))
def bcel_positive_weight(x, y):
    return ((1 - y) * x + (1 + 2.0 * y) * F.softplus(-x)).mean()


@right(nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 0.5])), build=lambda c: c([1.0, 2.0, 0.5]))
class PositiveWeights(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.register_buffer("pos_weight", torch.tensor(weights))

    def forward(self, x, y):
        w = self.pos_weight.to(x)
        return -(w * y * F.logsigmoid(x) + (1 - y) * F.logsigmoid(-x)).mean()


@right("bce_with_logits", weight=torch.tensor([1.0, 2.0, 0.5]))
def bcel_weighted(x, y):
    w = x.new_tensor([1.0, 2.0, 0.5])
    return (w * (F.softplus(x) - x * y)).mean()


@right("bce_with_logits")
def bcel_with_settings(input, target, weight=None, pos_weight=None, reduction="mean"):
    extra = 1 if pos_weight is None else 1 + (pos_weight - 1) * target
    loss = (1 - target) * input + extra * F.softplus(-input)
    if weight is not None:
        loss = loss * weight
    return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.mean()


@right("bce_with_logits")
def bcel_float64_inside(x, y):
    z = x.double()
    return (F.softplus(z) - z * y.double()).mean().to(x.dtype)


@right("bce_with_logits", build=lambda f: f())
def bcel_lambda():
    return lambda x, y: (F.softplus(x) - x * y.detach()).mean()


@right("bce")
def bce_chunked(p, y):
    p, y = p.reshape(-1), y.reshape(-1)
    parts = zip(p.split(4), y.split(4), strict=True)
    return sum(F.binary_cross_entropy(a, b, reduction="sum") / p.numel() for a, b in parts)


class _BCE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, p, y):
        ctx.save_for_backward(p, y)
        return -(y * p.log().clamp(min=-100) + (1 - y) * torch.log1p(-p).clamp(min=-100)).mean()

    @staticmethod
    def backward(ctx, grad_output):
        p, y = ctx.saved_tensors
        return grad_output * (p - y) / ((1 - p) * p).clamp(min=1e-12) / p.numel(), None


@right(nn.BCELoss)
def bce_own_backward(p, y):
    return _BCE.apply(p, y)


@right("bce", build=torch.jit.script)
def bce_scripted(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.binary_cross_entropy(p, y)


@right("bce")
def bce_both_parts(p, y):
    ones, zeros = torch.ones_like(p), torch.zeros_like(p)
    positive = F.binary_cross_entropy(p, ones, weight=y.detach())
    return positive + F.binary_cross_entropy(p, zeros, weight=1 - y.detach())


@right("bce", weight=torch.tensor([1.0, 2.0, 0.5]), build=lambda f: functools.partial(f, w=[1.0, 2.0, 0.5]))
def bce_weighted(p, y, w):
    return (F.binary_cross_entropy(p, y, reduction="none") * p.new_tensor(w)).mean()


@right("soft_margin")
def soft_margin_softplus(x, y):
    return F.softplus(-x * y).mean()


@right(nn.SoftMarginLoss())
def soft_margin_logsigmoid(x, y):
    return F.logsigmoid(x.mul(y)).mean().neg()


@right("soft_margin")
def soft_margin_as_bce(x, y):
    return F.binary_cross_entropy_with_logits(x, (y + 1) / 2)


@right("soft_margin", build=lambda f: torch.jit.trace(f, (torch.ones(4), torch.ones(4)), check_trace=False))
def soft_margin_traced(x, y):
    return torch.logaddexp(-x * y, torch.zeros_like(x)).mean()


@right("soft_margin")
def soft_margin_symmetric(y, x):
    return F.softplus(-y * x).mean()


@right("hinge_embedding")
def hinge_masks(d, y):
    similar = y > 0
    return (d * similar + F.relu(1 - d) * ~similar).mean()


@right(nn.HingeEmbeddingLoss(margin=2.0))
def hinge_indexed(d, y):
    loss = d.clone()
    apart = y == -1
    loss[apart] = (2 - d[apart]).clamp(min=0)
    return loss.mean()


@right("hinge_embedding")
def hinge_arithmetic(d, y):
    return (0.5 * (1 + y) * d + 0.5 * (1 - y) * torch.maximum(1 - d, d.new_zeros(()))).mean()


@right("hinge_embedding")
def hinge_other_subgradient(d, y):
    push = torch.where(d <= 1, 1 - d, torch.zeros_like(d))
    return torch.where(y == 1, d, push).mean()


@right("multilabel_soft_margin")
def multilabel_as_bce(x, y):
    return F.binary_cross_entropy_with_logits(x, y)


@right(nn.MultiLabelSoftMarginLoss)
def multilabel_softplus(x, y):
    return (y * F.softplus(-x) + (1 - y) * F.softplus(x)).mean(-1).mean()


@right("multilabel_soft_margin", build=lambda c: c())
class OneClassAtATime(nn.Module):
    def forward(self, x, y):
        per = [F.binary_cross_entropy_with_logits(a, b) for a, b in zip(x.unbind(-1), y.unbind(-1), strict=True)]
        return torch.stack(per).mean()


@right("multilabel_margin")
def multilabel_margin_loops(x, y):
    x, y = torch.atleast_2d(x), torch.atleast_2d(y)
    total = []
    for row, labels in zip(x, y.tolist(), strict=True):
        own = labels[: labels.index(-1)] if -1 in labels else labels
        others = [k for k in range(len(row)) if k not in own]
        total += [F.relu(1 - row[j] + row[k]) for j in own for k in others]
    return sum(total, x.sum() * 0) / x.numel()


@right(nn.MultiLabelMarginLoss)
def multilabel_margin_table(x, y):
    x, y = torch.atleast_2d(x), torch.atleast_2d(y)
    seen = (y >= 0).cumprod(1).bool()
    own = torch.zeros_like(x).scatter_add_(1, y.clamp(min=0), seen.to(x.dtype)) > 0
    gaps = (1 - x[:, :, None] + x[:, None, :]).clamp(min=0)
    pairs = own[:, :, None] & ~own[:, None, :]
    return torch.where(pairs, gaps, 0.0).sum((1, 2)).mean() / x.size(1)


@right("multilabel_margin")
def multilabel_margin_plain(x, y):
    if x.dim() != 2:
        raise ValueError("a batch (N, C), please")
    return lossbook.functional.multilabel_margin_loss(x, y)


@right("focal")
def focal_as_in_torchvision(logits, y):
    p = logits.sigmoid()
    ce = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    losses = ce * (1 - (p * y + (1 - p) * (1 - y))) ** 2
    return ((0.25 * y + 0.75 * (1 - y)) * losses).mean()


@right("focal", alpha=None, gamma=0.5)
class HalfPower(nn.Module):
    def forward(self, logits, y):
        z = torch.where(y == 1, logits, -logits)
        return (torch.exp(-0.5 * F.softplus(z)) * F.softplus(-z)).mean()
