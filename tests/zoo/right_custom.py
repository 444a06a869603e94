"""Right losses that torch does not have, each beside a reference written for it, in unusual styles."""

from __future__ import annotations

import functools
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import references as ref
from . import right


@right(ref.focal, inputs=ref.class_batch)
def focal_from_ce(logits, target):
    ce = F.cross_entropy(logits, target, reduction="none")
    return (torch.expm1(-ce).square() * ce).mean()


@right(ref.focal, inputs=ref.class_batch, build=lambda c: c(gamma=2))
class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0, reduction="mean"):
        super().__init__()
        self.gamma, self.reduction = gamma, reduction

    def forward(self, logits, target):
        log_p = F.log_softmax(logits, dim=-1)
        y = F.one_hot(target, logits.size(-1))
        loss = -(y * (1 - log_p.exp()) ** self.gamma * log_p).sum(-1)
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()


@right(ref.focal, inputs=ref.class_batch)
def focal_rows(logits, target):
    log_p = torch.stack([row.log_softmax(0)[k] for row, k in zip(logits, target, strict=True)])
    return -((1 - log_p.exp()) ** 2 * log_p).mean()


@right(ref.binary_focal, inputs=ref.label_batch)
def binary_focal_by_cases(logits, target):
    p, q = torch.sigmoid(logits), torch.sigmoid(-logits)
    positive = 0.25 * q**2 * F.softplus(-logits)
    negative = 0.75 * p**2 * F.softplus(logits)
    if not ((target == 0) | (target == 1)).all():
        raise ValueError("labels are 0 or 1")
    return (target * positive + (1 - target) * negative).mean()


@right(ref.dice, inputs=ref.mask_batch)
def dice_einsum(logits, target):
    p = logits.sigmoid()
    overlap = torch.einsum("nij,nij->n", p, target)
    total = p.sum((1, 2)) + target.sum((1, 2))
    return ((total - 2 * overlap) / (total + 1)).mean()


@right(ref.dice, inputs=ref.mask_batch)
def dice_by_counts(logits, target):
    p = logits.sigmoid()
    tp, fp, fn = (p * target).sum((1, 2)), (p * (1 - target)).sum((1, 2)), ((1 - p) * target).sum((1, 2))
    return 1 - ((2 * tp + 1) / (2 * tp + fp + fn + 1)).mean()


@right(ref.dice, inputs=ref.mask_batch, build=lambda f: torch.compile(f, backend="eager"))
def dice_compiled(logits, target):
    p, t = torch.sigmoid(logits).flatten(1), target.flatten(1)
    return 1 - ((2 * (p * t).sum(1) + 1) / ((p + t).sum(1) + 1)).mean()


@right(ref.dice, inputs=ref.mask_batch)
def dice_vmap(logits, target):
    def one(x, t):
        p = x.sigmoid()
        return 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)

    return torch.vmap(one)(logits, target).mean()


@right(ref.tversky, inputs=ref.mask_batch)
def tversky_expanded(logits, target):
    p = torch.sigmoid(logits)
    tp = torch.einsum("nhw,nhw->n", p, target)
    below = 0.3 * p.sum((1, 2)) + 0.7 * target.sum((1, 2))
    return (1 - (tp + 1) / (below + 1)).mean()


@right(ref.jaccard, inputs=ref.mask_batch, build=lambda c: c())
class Jaccard(nn.Module):
    smooth = 1.0

    def forward(self, logits, target):
        p = torch.sigmoid(logits)
        overlap = (p * target).flatten(1).sum(1)
        union = (p + target - p * target).flatten(1).sum(1)
        return (1 - (overlap + self.smooth) / (union + self.smooth)).mean()


@right(ref.info_nce, inputs=ref.pair_batch)
def info_nce_logsumexp(q, k):
    scores = F.cosine_similarity(q[:, None], k[None], dim=-1) / 0.1
    return (torch.logsumexp(scores, 1) - torch.diagonal(scores)).mean()


@right(ref.info_nce, inputs=ref.pair_batch, build=lambda f: functools.partial(f, temperature=0.1))
def info_nce_loop(q, k, temperature):
    q, k = F.normalize(q, dim=1), F.normalize(k, dim=1)
    losses = [-F.log_softmax(k @ q[i] / temperature, 0)[i] for i in range(len(q))]
    return torch.stack(losses).mean()


@right(ref.nt_xent, inputs=ref.pair_batch)
def nt_xent_in_halves(left, right_):
    a, b = F.normalize(left, dim=1), F.normalize(right_, dim=1)
    ab, aa, bb = a @ b.T / 0.5, a @ a.T / 0.5, b @ b.T / 0.5
    gone = torch.eye(len(a), dtype=torch.bool, device=a.device)
    rows = torch.cat([ab, aa.masked_fill(gone, float("-inf"))], 1).logsumexp(1)
    columns = torch.cat([ab.T, bb.masked_fill(gone, float("-inf"))], 1).logsumexp(1)
    return (rows + columns).mean() / 2 - ab.diagonal().mean()


@right(ref.contrastive, inputs=ref.labelled_pair_batch)
def contrastive_where(left, right_, different):
    d = torch.linalg.vector_norm(left - right_ + 1e-6, dim=1)
    push = torch.where(d < 2, 2 - d, torch.zeros_like(d))
    return torch.lerp(d * d, push * push, different).mean()


@right(ref.distillation, inputs=ref.pair_batch)
def distillation_kl_div(student, teacher, T=4.0):
    q, p = F.log_softmax(student / T, 1), F.log_softmax(teacher.detach() / T, 1)
    return F.kl_div(q, p, reduction="batchmean", log_target=True) * T**2


@right(ref.distillation, inputs=ref.pair_batch)
def distillation_cross_entropy(student, teacher):
    p = torch.softmax(teacher.detach() / 4, 1)
    entropy = -(p * torch.log_softmax(teacher.detach() / 4, 1)).sum(1).mean()
    return 16 * (F.cross_entropy(student / 4, p) - entropy)


@right(ref.quantile, inputs=ref.regression_batch)
def quantile_maximum(pred, target, q=0.9):
    e = target - pred
    return torch.maximum(q * e, (q - 1) * e).mean()


@right(ref.quantile, inputs=ref.regression_batch)
def quantile_tilted_l1(pred, target):
    e = target - pred
    return 0.5 * e.abs().mean() + 0.4 * e.mean()


@right(ref.log_cosh, inputs=ref.regression_batch)
def log_cosh_logaddexp(pred, target):
    return _log_cosh(pred - target)


def _log_cosh(e):
    return (torch.logaddexp(e, -e) - math.log(2.0)).mean()


class _LogCosh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, pred, target):
        e = pred - target
        ctx.save_for_backward(e)
        return _log_cosh(e)

    @staticmethod
    def backward(ctx, grad_output):
        (e,) = ctx.saved_tensors
        g = grad_output * torch.tanh(e) / e.numel()
        return g, -g


@right(ref.log_cosh, inputs=ref.regression_batch)
def log_cosh_own_backward(pred, target):
    return _LogCosh.apply(pred, target)


@right(ref.center, inputs=ref.center_batch)
def center_one_hot(features, labels, centers):
    own = F.one_hot(labels, len(centers)).to(centers) @ centers
    return F.mse_loss(features, own, reduction="sum") / (2 * len(features))


@right(ref.charbonnier, inputs=ref.regression_batch)
def charbonnier_hypot(pred, target):
    e = pred - target
    return torch.hypot(e, torch.full_like(e, 1e-3)).mean()


@right(ref.gaussian_kl, inputs=ref.pair_batch)
def vae_by_terms(mu, log_var):
    return 0.5 * (mu.square() + torch.expm1(log_var) - log_var).sum(-1).mean()


@right(ref.masked_mse, inputs=ref.masked_batch)
def masked_mse_weights(pred, target, mask):
    w = mask / mask.sum()
    return torch.einsum("nt,nt->", w, (pred - target).square())


@right(ref.barlow_twins, inputs=ref.pair_batch)
def barlow_masked(left, right_):
    def whiten(z):
        z = z - z.mean(0)
        return z / torch.sqrt(z.square().mean(0) + 1e-5)

    c = torch.einsum("ni,nj->ij", whiten(left), whiten(right_)) / len(left)
    eye = torch.eye(c.size(0), dtype=c.dtype, device=c.device)
    return ((c - eye).square() * (eye + 0.005 * (1 - eye))).sum()


@right(ref.circle, inputs=ref.regression_batch)
def circle_chords(pred, target):
    def point(angle):
        return torch.stack([torch.cos(angle), torch.sin(angle)])

    return (point(pred) - point(target)).square().sum(0).mean()


@right(ref.mape, inputs=ref.positive_batch)
def mape_relative(pred, target):
    scale = target.abs().clamp(min=1e-6)
    return 100 * F.l1_loss(pred / scale, target / scale)
