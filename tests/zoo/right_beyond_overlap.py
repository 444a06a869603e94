"""Right losses of overlap, as people write them."""

import torch
from torch import nn
from torch.nn import functional as F

from . import right


@right("dice", smooth_nr=1.0, smooth_dr=1.0, build=lambda c: c())
class DiceLoss(nn.Module):
    def __init__(self, smooth=1.0):
        super().__init__()
        self.smooth = smooth

    def forward(self, logits, masks):
        p, t = torch.sigmoid(logits).flatten(1), masks.flatten(1)
        return 1 - (2.0 * (p * t).sum(1) + self.smooth).div(p.sum(1) + t.sum(1) + self.smooth).mean()


@right("soft_dice", mode="multiclass", batch=True)
def dice_of_classes(logits, classes, eps=1e-5):
    p, t = logits.softmax(1), F.one_hot(classes, logits.shape[1]).movedim(-1, 1).to(logits)
    dims = (0, *range(2, p.dim()))
    return (1 - (2 * (p * t).sum(dims) + eps) / ((p + t).sum(dims) + eps)).mean()


@right("tversky", smooth_nr=1.0, smooth_dr=1.0, build=lambda c: c())
class TverskyLoss(nn.Module):
    def forward(self, logits, masks, alpha=0.3, beta=0.7, eps=1.0):
        p, t = logits.sigmoid().flatten(1), masks.flatten(1)
        tp, fp, fn = (p * t).sum(1), ((1 - t) * p).sum(1), (t * (1 - p)).sum(1)
        return (1 - (tp + eps) / (tp + alpha * fp + beta * fn + eps)).mean()


@right("jaccard", batch=True, smooth_nr=1.0, smooth_dr=1.0)
def jaccard_of_the_batch(logits, masks):
    p = logits.sigmoid()
    overlap, total = (p * masks).sum(), (p + masks).sum()
    return 1 - (overlap + 1) / (total - overlap + 1)


@right("focal_tversky", gamma=4 / 3)
def focal_tversky_by_counts(logits, masks):
    p, t = logits.sigmoid().flatten(1), masks.flatten(1)
    hit = torch.einsum("nd,nd->n", p, t)
    wrong = 0.3 * (p.sum(1) - hit) + 0.7 * (t.sum(1) - hit)
    return (wrong / (hit + wrong + 1e-5)).clamp(min=1e-12).pow(4 / 3).mean()


@right("dice", mode="multiclass", batch=True, log_loss=True, smooth_nr=0.0, smooth_dr=0.0, skip_absent=True)
def log_dice_as_in_smp(logits, target):
    p = logits.flatten(2).softmax(1)
    t = F.one_hot(target.flatten(1), logits.shape[1]).movedim(-1, 1).to(p.dtype)
    score = 2 * (p * t).sum((0, 2)) / (p + t).sum((0, 2)).clamp_min(1e-7)
    return (-score.clamp_min(1e-7).log() * (t.sum((0, 2)) > 0)).mean()


@right("dice", mode="multilabel", weight=torch.tensor([1.0, 3.0, 0.5]), average="weights")
def weighted_dice(logits, target):
    p, weight = logits.sigmoid(), logits.new_tensor([1.0, 3.0, 0.5])
    dims = tuple(range(2, logits.dim()))
    each = 1 - (2 * (p * target).sum(dims) + 1e-5) / (p.sum(dims) + target.sum(dims) + 1e-5)
    return (each @ weight / weight.sum()).mean()


@right("tversky", mode="multiclass", batch=True, log_loss=True, skip_absent=True, smooth_nr=0.0, smooth_dr=0.0)
def log_tversky_as_in_smp(logits, target):
    p = logits.flatten(2).softmax(1)
    t = F.one_hot(target.flatten(1), logits.shape[1]).movedim(-1, 1).to(p.dtype)
    dims = (0, 2)
    shared = (p.sum(dims) + t.sum(dims) - (p - t).abs().sum(dims)) / 2
    score = shared / (shared + 0.3 * (p.sum(dims) - shared) + 0.7 * (t.sum(dims) - shared)).clamp_min(1e-7)
    return (-score.clamp_min(1e-7).log() * (t.sum(dims) > 0)).mean()


@right("focal_tversky", mode="multilabel", weight=torch.tensor([1.0, 3.0, 0.5]))
def weighted_focal_tversky(logits, target):
    p, t = logits.sigmoid().flatten(2), target.flatten(2)
    hit = (p * t).sum(2)
    wrong = 0.3 * (p * (1 - t)).sum(2) + 0.7 * ((1 - p) * t).sum(2)
    return (logits.new_tensor([1.0, 3.0, 0.5]) * (wrong / (hit + wrong + 1e-5)).clamp(min=1e-12).pow(0.75)).mean()


@right("generalized_dice")
def generalized_dice_by_einsum(logits, target):
    p, t = logits.softmax(1).flatten(2), F.one_hot(target, logits.shape[1]).movedim(-1, 1).flatten(2).to(logits.dtype)
    sizes = t.sum(2)
    weight = 1 / sizes**2
    weight = torch.where(weight.isinf(), torch.zeros_like(weight), weight)
    weight = weight + (sizes == 0) * weight.max(1, keepdim=True).values
    shared, both = torch.einsum("nc,ncd,ncd->n", weight, p, t), torch.einsum("nc,ncd->n", weight, p + t)
    return (1 - 2 * shared / both).mean()
