"""Right losses for classes, in unusual styles."""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import lossbook

from . import right


def plain(logits, target):
    """Leave out ignored rows; refuse everything but (N, C) and class numbers."""
    if logits.dim() != 2 or target.dim() != 1 or target.is_floating_point():
        raise ValueError("logits of shape (N, C) and class numbers of shape (N), please")
    keep = target != -100
    return logits[keep], target[keep]


@right("cross_entropy")
def ce_gather(logits, target):
    logits, target = plain(logits, target)
    return -logits.log_softmax(1).gather(1, target[:, None]).mean()


@right(nn.CrossEntropyLoss)
def ce_advanced_indexing(logits, target):
    logits, target = plain(logits, target)
    rows = torch.arange(len(target), device=target.device)
    return (logits.logsumexp(1) - logits[rows, target]).mean()


@right("cross_entropy")
def ce_one_hot_einsum(logits, target):
    logits, target = plain(logits, target)
    y = F.one_hot(target, logits.size(1)).to(logits.dtype)
    return -torch.einsum("nc,nc->n", y, F.log_softmax(logits, 1)).mean()


@right("cross_entropy")
def ce_softplus_of_the_rest(logits, target):
    """log(1 + Σ exp(z_j - z_y)) over the other classes."""
    logits, target = plain(logits, target)
    own = F.one_hot(target, logits.size(1)).bool()
    gaps = logits - logits.gather(1, target[:, None])
    return F.softplus(gaps.masked_fill(own, float("-inf")).logsumexp(1), threshold=50).mean()


@right("cross_entropy")
def ce_log_softmax_twice(logits, target):
    dim = 1 if logits.dim() > 1 else 0
    return F.cross_entropy(F.log_softmax(logits, dim=dim), target)


@right("cross_entropy")
def ce_centred_logits(logits, target):
    dim = 1 if logits.dim() > 1 else 0
    return F.cross_entropy(logits - logits.mean(dim, keepdim=True), target)


@right("cross_entropy")
def ce_max_subtracted(logits, target):
    logits, target = plain(logits, target)
    z = logits - logits.amax(1, keepdim=True).detach()
    return (z.exp().sum(1).log() - z.gather(1, target[:, None]).squeeze(1)).mean()


@right("cross_entropy")
def ce_logaddexp_loop(logits, target):
    logits, target = plain(logits, target)
    norm = functools.reduce(torch.logaddexp, logits.unbind(1))
    return (norm - logits.take_along_dim(target[:, None], 1)[:, 0]).mean()


@right("cross_entropy")
def ce_loop_over_rows(logits, target):
    logits, target = plain(logits, target)
    total = sum(torch.logsumexp(z, 0) - z[int(k)] for z, k in zip(logits, target, strict=True))
    return total / len(target)


@right("cross_entropy")
def ce_loop_over_classes(logits, target):
    logits, target = plain(logits, target)
    log_p, total = logits.log_softmax(-1), 0
    for k in range(logits.size(1)):
        total = total - log_p[target == k, k].sum() / len(target)
    return total


@right("cross_entropy")
def ce_chunked(logits, target, size=2):
    if target.is_floating_point() or logits.dim() < 2:
        raise ValueError("a batch with class numbers, please")
    total = sum(
        F.cross_entropy(z, t, reduction="sum") for z, t in zip(logits.split(size), target.split(size), strict=True)
    )
    return total / (target != -100).sum()


@right(F.cross_entropy)
def ce_moves_classes_last(logits, target):
    if target.is_floating_point():
        raise ValueError("class numbers only")
    if logits.dim() > 2:
        logits = logits.movedim(1, -1).reshape(-1, logits.size(1))
    elif logits.dim() == 1:
        logits = logits[None]
    return F.nll_loss(logits.log_softmax(-1), target.reshape(-1))


@right("cross_entropy")
def ce_flatten_transpose(logits, target):
    if logits.dim() < 3 or target.is_floating_point():
        return F.cross_entropy(logits, target)
    flat = logits.flatten(2).transpose(1, 2).flatten(0, 1)
    return F.cross_entropy(flat, target.flatten())


@right("cross_entropy")
def ce_einsum_pixels(logits, target):
    if logits.dim() not in (2, 4) or target.is_floating_point():
        raise ValueError("images (N, C, H, W) or single pixels (N, C), please")
    if logits.dim() == 2:
        logits, target = logits[..., None, None], target[..., None, None]
    keep = target != -100
    y = F.one_hot(target.masked_fill(~keep, 0), logits.size(1)) * keep[..., None]
    log_p = F.log_softmax(logits, dim=1)
    return -torch.einsum("nchw,nhwc->", log_p / keep.sum(), y.to(log_p.dtype))


@right("cross_entropy")
def ce_soft_and_hard(logits, target):
    dim = 1 if logits.dim() > 1 else 0
    log_p = F.log_softmax(logits, dim)
    if target.is_floating_point():
        positions = logits.numel() // logits.size(dim)
        return -(target.detach() * log_p).sum() / positions
    return F.nll_loss(log_p, target)


@right("cross_entropy")
def ce_kl_plus_entropy(logits, target):
    logits, target = plain(logits, target)
    y = torch.zeros_like(logits)
    y[torch.arange(len(y), device=y.device), target] = 1
    return F.kl_div(logits.log_softmax(1), y, reduction="batchmean")


@right("cross_entropy")
def ce_sparse_matrix(logits, target):
    logits, target = plain(logits, target)
    pairs = torch.stack([torch.arange(len(target), device=target.device), target])
    picker = pairs[0] * logits.size(1) + pairs[1]
    return -logits.log_softmax(1).flatten().index_select(0, picker).mean()


@right("cross_entropy")
def ce_categorical(logits, target):
    logits, target = plain(logits, target)
    return -torch.distributions.Categorical(logits=logits, validate_args=False).log_prob(target).mean()


class _CE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target):
        log_p = logits.log_softmax(1)
        ctx.save_for_backward(log_p, target)
        return -log_p.gather(1, target[:, None]).mean()

    @staticmethod
    def backward(ctx, grad_output):
        log_p, target = ctx.saved_tensors
        grad = log_p.exp()
        grad[torch.arange(len(target)), target] -= 1
        return grad * (grad_output / len(target)), None


@right("cross_entropy")
def ce_own_backward(logits, target):
    return _CE.apply(*plain(logits, target))


class _NumpyCE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, target):
        z, t = logits.detach().double().cpu().numpy(), target.cpu().numpy()
        z = z - z.max(1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
        ctx.grad = torch.from_numpy((np.exp(log_p) - np.eye(z.shape[1])[t]) / len(t))
        ctx.dtype = logits.dtype
        return torch.tensor(-log_p[np.arange(len(t)), t].mean(), dtype=logits.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        return ctx.grad.to(ctx.dtype) * grad_output, None


@right("cross_entropy", build=lambda c: c())
class NumpyCrossEntropy(nn.Module):
    def forward(self, logits, target):
        return _NumpyCE.apply(*plain(logits, target))


@right("cross_entropy", build=torch.jit.script)
def ce_scripted(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    if logits.dim() != 2 or target.is_floating_point():
        raise ValueError("(N, C) and class numbers only")
    keep = target != -100
    picked = torch.log_softmax(logits, 1)[keep].gather(1, target[keep].unsqueeze(1))
    return -picked.mean()


@right("cross_entropy", build=lambda f: torch.compile(f, backend="eager"))
def ce_compiled(logits, target):
    return F.cross_entropy(logits, target)


@right("cross_entropy")
def ce_vmap(logits, target):
    logits, target = plain(logits, target)
    return torch.vmap(lambda z, y: z.logsumexp(0) - z.gather(0, y[None])[0])(logits, target).mean()


@right("cross_entropy")
def ce_float64_inside(logits, target):
    if target.is_floating_point():
        target = target.double()
    return F.cross_entropy(logits.double(), target).to(logits.dtype)


@right("nll")
def nll_gather(log_p, target):
    log_p, target = plain(log_p, target)
    return -log_p.gather(1, target.unsqueeze(-1)).mean()


@right(nn.NLLLoss)
def nll_masked_channels(log_p, target):
    if log_p.dim() < 2:
        raise ValueError("a batch, please")
    keep = target != -100
    picked = log_p.gather(1, target.clamp(min=0).unsqueeze(1)).squeeze(1)
    return -picked[keep].mean()


@right("nll")
def nll_sum_of_diagonal(log_p, target):
    log_p, target = plain(log_p, target)
    return -torch.diagonal(log_p[:, target]).mean()


@right("nll", build=torch.jit.script)
def nll_scripted(log_p: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.nll_loss(log_p, target)


@right("nll")
def nll_soft_refuses_trailing(log_p, target):
    if log_p.dim() not in (1, 2):
        raise ValueError("no trailing dimensions")
    return F.nll_loss(log_p, target)


@right("multi_margin")
def multi_margin_subtracts_one(scores, target):
    if scores.dim() != 2:
        raise ValueError("scores (N, C), please")
    hinge = F.relu(scores - scores.gather(1, target[:, None]) + 1)
    return (hinge.sum(1) - 1).mean() / scores.size(1)


@right(nn.MultiMarginLoss(p=2, margin=0.5))
def multi_margin_squared(scores, target):
    scores, target = torch.atleast_2d(scores), target.reshape(-1)
    own = F.one_hot(target, scores.size(1)).bool()
    hinge = (0.5 + scores - scores.gather(1, target[:, None])).clamp_min(0).masked_fill(own, 0)
    return hinge.square().mean()


@right("multi_margin")
def multi_margin_rows(scores, target):
    if scores.dim() == 1:
        scores, target = scores[None], target.reshape(1)
    losses = []
    for row, k in zip(scores, target.tolist(), strict=True):
        others = torch.cat([row[:k], row[k + 1 :]])
        losses.append(torch.maximum(others - row[k] + 1, torch.zeros_like(others)).sum() / len(row))
    return torch.stack(losses).mean()


@right("linear_cross_entropy")
def head_in_two_steps(hidden, weight, target):
    return F.cross_entropy(F.linear(hidden, weight), target)


@right(lossbook.functional.cross_entropy)
def ce_by_lossbook(logits, target):
    return lossbook.functional.cross_entropy(logits, target)


@right("cross_entropy", build=lambda c: c())
class ListOfHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.criteria = nn.ModuleList([nn.LogSoftmax(dim=1), nn.NLLLoss()])

    def forward(self, logits, target):
        if logits.dim() < 2 or target.is_floating_point():
            raise ValueError("a batch with class numbers, please")
        return self.criteria[1](self.criteria[0](logits), target)
