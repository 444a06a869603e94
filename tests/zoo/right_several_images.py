"""Right losses of several arguments: pixels, depths, boxes, ranking and recommendation."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import references_several as ref
from . import right

made = {"build": lambda c: c()}


# --- images
@right(ref.pixel_ce, inputs=ref.pixel_batch)
def pixel_ce_of_torch(logits, labels):
    return F.cross_entropy(logits, labels, ignore_index=255)


@right(ref.pixel_ce, inputs=ref.pixel_batch, **made)
class PixelsKept(nn.Module):
    def forward(self, logits, labels):
        kept = labels.flatten() != 255
        rows = logits.permute(0, 2, 3, 1).reshape(-1, logits.size(1))[kept]
        return F.nll_loss(rows.log_softmax(-1), labels.flatten()[kept])


@right(ref.boundary_bce, inputs=ref.edge_batch)
def boundary_weighted(logits, mask, edge):
    return F.binary_cross_entropy_with_logits(logits, mask, weight=edge * 5 + 1)


@right(ref.boundary_bce, inputs=ref.edge_batch)
def boundary_in_two_terms(logits, mask, edge):
    losses = -(mask * F.logsigmoid(logits) + (1 - mask) * F.logsigmoid(-logits))
    return losses.mean() + 5 * (losses * edge).mean()


@right(ref.multiclass_dice, inputs=ref.segment_batch)
def dice_class_by_class(logits, labels):
    p = torch.softmax(logits, dim=1)
    scores = []
    for k in range(logits.shape[1]):
        mine = (labels == k).to(p)
        scores.append((2 * (p[:, k] * mine).sum() + 1e-5) / (p[:, k].sum() + mine.sum() + 1e-5))
    return 1 - torch.stack(scores).mean()


@right(ref.depth, inputs=ref.depth_batch)
def depth_image_by_image(pred, target, valid):
    total = 0.0
    for p, t, v in zip(pred, target, valid.bool(), strict=True):
        d = torch.log(p[v]) - torch.log(t[v])
        total = total + (d**2).mean() - 0.5 * d.mean() ** 2
    return total / len(pred)


@right(ref.depth, inputs=ref.depth_batch)
def depth_of_ratios(pred, target, valid):
    d = torch.where(valid > 0, torch.log(pred / target), 0.0)
    n = valid.sum(dim=(1, 2))
    mean = d.sum(dim=(1, 2)) / n
    return (d.pow(2).sum(dim=(1, 2)) / n - mean.pow(2) / 2).mean()


@right(ref.gradient_l1, inputs=ref.picture_batch)
def gradient_of_the_error(pred, target):
    e = pred - target
    return F.l1_loss(e[:, 1:], e[:, :-1]) + F.l1_loss(e[..., 1:], e[..., :-1])


@right(ref.centernet, inputs=ref.heat_batch)
def centernet_in_two_sums(heat, target):
    at = target.eq(1).to(heat)
    log_p, log_q = F.logsigmoid(heat), F.logsigmoid(-heat)
    positive = (log_p * (2 * log_q).exp() * at).sum()
    negative = (log_q * (2 * log_p).exp() * (1 - target) ** 4 * (1 - at)).sum()
    return -(positive + negative) / at.sum().clamp(min=1)


@right(ref.detection, inputs=ref.anchor_batch)
def detection_of_the_positive(scores, boxes, labels, targets):
    kept = labels.nonzero()[:, 0]
    box = F.smooth_l1_loss(boxes[kept], targets[kept], beta=0.1, reduction="sum") / max(len(kept), 1)
    return F.cross_entropy(scores, labels) + box


@right(ref.detection, inputs=ref.anchor_batch, **made)
class DetectionDetached(nn.Module):
    def forward(self, scores, boxes, labels, targets):
        positive = (labels > 0).float()[:, None]
        d = (boxes - targets.detach()).abs()
        box = torch.where(d < 0.1, 5 * d * d, d - 0.05) * positive
        return F.cross_entropy(scores, labels) + box.sum() / positive.sum().clamp(min=1)


# --- ranking and recommendation
@right(ref.bpr, inputs=ref.triple_batch)
def bpr_logsigmoid(user, liked, other):
    x = (user * liked).sum(-1) - (user * other).sum(-1)
    return 0.01 * sum(e.pow(2).sum(-1) for e in (user, liked, other)).mean() - F.logsigmoid(x).mean()


@right(ref.bpr, inputs=ref.triple_batch)
def bpr_cross_entropy(user, liked, other):
    scores = torch.einsum("nd,knd->nk", user, torch.stack([liked, other]))
    size = (user.norm(dim=1) ** 2 + liked.norm(dim=1) ** 2 + other.norm(dim=1) ** 2).mean()
    return F.cross_entropy(scores, torch.zeros(len(user), dtype=torch.long, device=scores.device)) + 0.01 * size


@right(ref.list_mle, inputs=ref.list_batch)
def list_mle_step_by_step(scores, relevance):
    ranked = scores.gather(1, relevance.argsort(dim=1, descending=True))
    steps = [ranked[:, i:].logsumexp(1) - ranked[:, i] for i in range(ranked.shape[1])]
    return torch.stack(steps, 1).sum(1).mean()


@right(ref.pair_margin, inputs=ref.graded_batch)
def pair_margin_list_by_list(scores, labels):
    gaps = []
    for s, y in zip(scores, labels, strict=True):
        i, j = torch.where(y[:, None] > y[None])
        gaps.append(F.relu(0.5 - s[i] + s[j]))
    every = torch.cat(gaps)
    return every.sum() / max(len(every), 1)


@right(ref.pair_margin, inputs=ref.graded_batch)
def pair_margin_ranking(scores, labels):
    b, i, j = torch.where(labels[:, :, None] > labels[:, None])
    if len(b) == 0:
        return scores.sum() * 0
    return F.margin_ranking_loss(scores[b, i], scores[b, j], torch.ones(len(b)).to(scores), margin=0.5)


@right(ref.reward, inputs=ref.reward_batch)
def reward_logsigmoid(chosen, rejected, margin):
    return -F.logsigmoid(chosen - rejected - margin).mean()


@right(ref.reward, inputs=ref.reward_batch)
def reward_detached_margin(chosen, rejected, margin):
    gap = chosen - rejected - margin.detach()
    return torch.logaddexp(torch.zeros_like(gap), -gap).mean()


@right(ref.reward, inputs=ref.reward_batch)
def reward_bce(chosen, rejected, margin):
    gap = chosen - rejected - margin
    return F.binary_cross_entropy_with_logits(gap, torch.ones_like(gap))
