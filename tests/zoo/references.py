"""Losses that torch does not have, written carefully, with batches: what the specimens of `custom` claim to be."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def focal(logits, target, gamma=2.0):
    """Focal loss of several classes, mean over the batch."""
    log_p = F.log_softmax(logits, dim=1).gather(1, target[:, None]).squeeze(1)
    return ((1 - log_p.exp()) ** gamma * -log_p).mean()


def binary_focal(logits, target, alpha=0.25, gamma=2.0):
    """Focal loss of RetinaNet with alpha on the positive class, mean over the elements."""
    ce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    p = torch.sigmoid(logits)
    pt = p * target + (1 - p) * (1 - target)
    return ((alpha * target + (1 - alpha) * (1 - target)) * (1 - pt) ** gamma * ce).mean()


def dice(logits, target, smooth=1.0):
    """Soft dice loss of masks (N, H, W), one dice per image, then the mean."""
    p, t = torch.sigmoid(logits).flatten(1), target.flatten(1)
    return (1 - (2 * (p * t).sum(1) + smooth) / (p.sum(1) + t.sum(1) + smooth)).mean()


def tversky(logits, target, alpha=0.3, beta=0.7, smooth=1.0):
    """Tversky loss: alpha weighs false positives, beta false negatives; one index per image."""
    p, t = torch.sigmoid(logits).flatten(1), target.flatten(1)
    tp, fp, fn = (p * t).sum(1), (p * (1 - t)).sum(1), ((1 - p) * t).sum(1)
    return (1 - (tp + smooth) / (tp + alpha * fp + beta * fn + smooth)).mean()


def jaccard(logits, target, smooth=1.0):
    """One minus the soft intersection over union, per image."""
    p, t = torch.sigmoid(logits).flatten(1), target.flatten(1)
    overlap = (p * t).sum(1)
    return (1 - (overlap + smooth) / (p.sum(1) + t.sum(1) - overlap + smooth)).mean()


def info_nce(queries, keys, temperature=0.1):
    """InfoNCE: each query belongs to the key of its row, the other rows are negatives."""
    scores = F.normalize(queries, dim=1) @ F.normalize(keys, dim=1).T / temperature
    return F.cross_entropy(scores, torch.arange(len(scores), device=scores.device))


def nt_xent(left, right, temperature=0.5):
    """SimCLR's loss: 2N views, each against the 2N - 1 others."""
    z = F.normalize(torch.cat([left, right]), dim=1)
    n = len(left)
    itself = torch.eye(2 * n, dtype=torch.bool, device=z.device)
    scores = (z @ z.T / temperature).masked_fill(itself, float("-inf"))
    return F.cross_entropy(scores, torch.arange(2 * n, device=z.device).roll(n))


def contrastive(left, right, different, margin=2.0):
    """Hadsell's contrastive loss: pairs with `different` 0 are pulled together, with 1 pushed beyond the margin."""
    distance = F.pairwise_distance(left, right)
    return ((1 - different) * distance**2 + different * (margin - distance).clamp(min=0) ** 2).mean()


def distillation(student, teacher, T=4.0):
    """Hinton's soft part: T² KL(teacher ‖ student), mean over the batch."""
    log_q, log_p = F.log_softmax(student / T, dim=1), F.log_softmax(teacher / T, dim=1)
    return (log_p.exp() * (log_p - log_q)).sum(1).mean() * T * T


def quantile(pred, target, q=0.9):
    """Pinball loss."""
    error = target - pred
    return torch.where(error >= 0, q * error, (q - 1) * error).mean()


def log_cosh(pred, target):
    """Mean logarithm of the hyperbolic cosine of the error, for any size of it."""
    error = (pred - target).abs()
    return (error + torch.log1p(torch.exp(-2 * error)) - torch.log(torch.full_like(error, 2))).mean()


def center(features, labels, centers):
    """Half the squared distance to the centre of the own class, mean over the batch."""
    return 0.5 * (features - centers[labels]).pow(2).sum(1).mean()


def charbonnier(pred, target, eps=1e-3):
    """sqrt(error² + eps²), mean."""
    return torch.sqrt((pred - target) ** 2 + eps * eps).mean()


def rmse(pred, target, eps=1e-8):
    """Root of the mean squared error, smoothed at nought."""
    return torch.sqrt(F.mse_loss(pred, target) + eps)


def gaussian_kl(mu, log_var):
    """KL divergence of a VAE's posterior from the standard normal, summed over dimensions, mean over the batch."""
    return (-0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1)).mean()


def mape(pred, target):
    """Mean absolute percentage error."""
    return 100 * ((pred - target).abs() / target.abs().clamp(min=1e-6)).mean()


def masked_mse(pred, target, mask):
    """Squared error over the steps that the mask keeps."""
    return ((pred - target) ** 2 * mask).sum() / mask.sum()


def barlow_twins(left, right, weight=0.005):
    """Cross-correlation of standardised features against the identity."""
    a, b = ((z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt() for z in (left, right))
    c = a.T @ b / len(a)
    on = torch.diagonal(c)
    return (on - 1).pow(2).sum() + weight * (c.pow(2).sum() - on.pow(2).sum())


def circle(points, target):
    """Squared distance of angles in radians on the circle."""
    turn = points - target
    return (2 - 2 * torch.cos(turn)).mean()


def class_batch():
    return torch.randn(6, 4), torch.randint(4, (6,))


def label_batch():
    return torch.randn(6, 3), torch.randint(2, (6, 3)).float()


def mask_batch():
    return torch.randn(3, 4, 4), (torch.rand(3, 4, 4) < torch.tensor([0.2, 0.5, 0.8])[:, None, None]).float()


def pair_batch():
    return torch.randn(6, 5), torch.randn(6, 5)


def labelled_pair_batch():
    return torch.randn(6, 3), torch.randn(6, 3), torch.tensor([0.0, 1, 0, 1, 1, 0])


def regression_batch():
    return torch.randn(5, 3), torch.randn(5, 3)


def positive_batch():
    return torch.randn(5, 3) + 4, torch.rand(5, 3) + 1


def masked_batch():
    return torch.randn(3, 5), torch.randn(3, 5), (torch.arange(5) < torch.tensor([[5], [3], [2]])).float()


def center_batch():
    return torch.randn(6, 2), torch.randint(3, (6,)), torch.randn(3, 2)
