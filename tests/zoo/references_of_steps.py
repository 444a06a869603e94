"""Losses of several steps and terms, written sample by sample, with batches."""

from __future__ import annotations

import torch
import torch.nn.functional as F

QUANTILES = (0.1, 0.5, 0.9)


def arcface(features, labels, weight, margin=0.3, scale=4.0):
    """An angle is added to that between a vector and its own class."""
    rows = []
    for x, y in zip(features, labels, strict=True):
        cosine = torch.stack([(x @ w) / (x.norm() * w.norm()) for w in weight]).clamp(-0.999, 0.999)
        turned = torch.cos(torch.acos(cosine) + margin)
        scores = scale * torch.stack([turned[k] if k == int(y) else cosine[k] for k in range(len(weight))])
        rows.append(scores.logsumexp(0) - scores[y])
    return torch.stack(rows).mean()


def next_token(logits, tokens):
    """Each position tells the token after it."""
    return torch.stack([F.cross_entropy(a[:-1], b[1:]) for a, b in zip(logits, tokens, strict=True)]).mean()


def vae(recon, x, mu, log_var):
    """Squared error and divergence from the standard normal, each summed over a sample."""
    rows = []
    for r, a, m, v in zip(recon, x, mu, log_var, strict=True):
        rows.append((r - a).square().sum() + 0.5 * (m.square() + v.exp() - 1 - v).sum())
    return torch.stack(rows).mean()


def hardest(features, labels, margin=0.5):
    """The farthest of the own class, and the nearest of the others, for each sample."""
    rows = []
    for i in range(len(features)):
        distance = (features[i] - features + 1e-6).norm(dim=1)
        own = labels == labels[i]
        rows.append((distance[own].max() - distance[~own].min() + margin).clamp(min=0))
    return torch.stack(rows).mean()


def standardized(left, right):
    """The correlations of two views over the batch, against the identity."""
    a = (left - left.mean(0)) / left.std(0)
    b = (right - right.mean(0)) / right.std(0)
    total = 0.0
    for i in range(a.shape[1]):
        for j in range(a.shape[1]):
            total = total + ((a[:, i] * b[:, j]).mean() - (1.0 if i == j else 0.0)) ** 2
    return total


def gram_of_each(x, y):
    """Differences of Gram matrices, one for each picture."""
    each = []
    for a, b in zip(x.flatten(2), y.flatten(2), strict=True):
        each.append(((a @ a.T - b @ b.T) / a.numel()).square().mean())
    return torch.stack(each).mean()


def several_quantiles(predictions, target):
    """The pinball losses of several quantiles, mean over all."""
    errors = target[:, None] - predictions
    q = predictions.new_tensor(QUANTILES)
    return torch.maximum((q - 1) * errors, q * errors).mean()


def face_batch():
    return torch.randn(5, 3), torch.randint(4, (5,)), torch.randn(4, 3)


def text_batch():
    return torch.randn(3, 5, 4), torch.randint(4, (3, 5))


def latent_batch():
    return torch.randn(4, 6), torch.randn(4, 6), torch.randn(4, 3), torch.randn(4, 3)


def labelled_batch():
    return torch.randn(8, 4), torch.tensor([0, 1, 0, 1, 0, 1, 2, 2])


def views_batch():
    return torch.randn(8, 4), torch.randn(8, 4)


def maps_batch():
    return torch.randn(3, 2, 4, 4), torch.randn(3, 2, 4, 4)


def quantile_batch():
    return torch.randn(6, 3), torch.randn(6)
