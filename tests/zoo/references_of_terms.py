"""Losses of several terms, sums over others, ranks and derivatives, written term by term, with batches."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

WEIGHTS = (1.0, 0.5, 0.25)


def pyramid(outputs, target):
    """The finest output counts most."""
    total = 0.0
    for weight, output in zip(WEIGHTS, outputs, strict=True):
        small = F.interpolate(target, size=output.shape[-2:])
        total = total + weight * (small * F.softplus(-output) + (1 - small) * F.softplus(output)).mean()
    return total


def other_proxies(features, labels, proxies):
    """The distance to the own proxy against those to the others alone."""
    rows = []
    for x, y in zip(F.normalize(features), labels, strict=True):
        distance = torch.stack([(x - p).square().sum() for p in F.normalize(proxies)])
        others = torch.stack([-distance[k] for k in range(len(proxies)) if k != int(y)])
        rows.append(distance[y] + others.logsumexp(0))
    return torch.stack(rows).mean()


def neighbours(features, labels, temperature=0.4):
    """How likely the neighbours of a class are among all others."""
    rows = []
    for i in range(len(features)):
        scores = [features[i] @ features[k] / temperature for k in range(len(features)) if k != i]
        own = torch.tensor([bool(labels[k] == labels[i]) for k in range(len(features)) if k != i])
        rows.append(torch.stack(scores).logsumexp(0) - torch.stack(scores)[own].mean())
    return torch.stack(rows).mean()


def listed(scores, labels):
    """The likelihood of each place, with a weight that falls with the rank, from 1 on."""
    rows = []
    for s, y in zip(scores, labels, strict=True):
        order = y.argsort(descending=True)
        n = len(s)
        weights = torch.tensor([2.0 ** (n - rank) - 1 for rank in range(1, n + 1)])
        places = [s[order[k:]].logsumexp(0) - s[order[k]] for k in range(n)]
        rows.append(sum(w * p for w, p in zip(weights / weights.sum(), places, strict=True)))
    return torch.stack(rows).mean()


def free_bits(recon, x, divergence, least=1.0):
    """Each divergence counts at least so much."""
    rows = [torch.stack([d.clamp(min=least) for d in row]).mean() for row in divergence]
    return (recon - x).square().mean() + torch.stack(rows).mean()


def variation(images):
    """How much neighbours differ, down and across, each a mean of its own."""
    down = torch.stack([images[..., i + 1, :] - images[..., i, :] for i in range(images.shape[-2] - 1)])
    across = torch.stack([images[..., i + 1] - images[..., i] for i in range(images.shape[-1] - 1)])
    return down.abs().mean() + across.abs().mean()


def covariances(left, right):
    """The covariance of each pair of columns, with weights that grow: nothing that a factor alone explains."""
    a, b = left - left.mean(0), right - right.mean(0)
    total = (left - right).square().mean()
    for i in range(a.shape[1]):
        for j in range(b.shape[1]):
            total = total + (i + 2 * j + 1) * ((a[:, i] * b[:, j]).sum() / len(a)) ** 2
    return total


def crps(mean, deviation, observed):
    """The continuous ranked probability score of a normal distribution."""
    z = (observed - mean) / deviation
    normal = torch.distributions.Normal(0.0, 1.0)
    spread = z * (2 * normal.cdf(z) - 1) + 2 * normal.log_prob(z).exp() - 1 / math.sqrt(math.pi)
    return (deviation * spread).mean()


def heat(model, x, t):
    """What is left of the heat equation."""
    x, t = x.detach().requires_grad_(), t.detach().requires_grad_()
    u = model(torch.cat([x, t], 1))
    u_x, u_t = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
    (u_xx,) = torch.autograd.grad(u_x.sum(), x, create_graph=True)
    return (u_t - 0.1 * u_xx).square().mean()


def likeness(x, y):
    """Means, variances and covariances of windows of three by three, as SSIM has them."""
    mean = [F.avg_pool2d(a, 3, 1) for a in (x, y, x * x, y * y, x * y)]
    a, b = mean[0], mean[1]
    cut = (2 * a * b + 1e-4) * (2 * (mean[4] - a * b) + 9e-4)
    return 1 - (cut / ((a * a + b * b + 1e-4) * (mean[2] - a * a + mean[3] - b * b + 9e-4))).mean()


def actor(logits, actions, advantage):
    """The policy gradient, and less of it the more open the choice still is."""
    rows = []
    for z, k, a in zip(logits, actions, advantage, strict=True):
        log_p = z - z.logsumexp(0)
        rows.append(-log_p[k] * a + 0.1 * (log_p.exp() * log_p).sum())
    return torch.stack(rows).mean()


def bounded(prediction, target):
    """A square up to an error of 1.5, straight from there on."""
    rows = []
    for e in (prediction - target).abs():
        rows.append(0.5 * e**2 if e < 1.5 else 1.5 * (e - 0.75))
    return torch.stack(rows).mean()


def discrepancy(left, right):
    """The maximum mean discrepancy with a Gaussian kernel, pair by pair."""

    def kernel(a, b):
        return torch.stack([torch.exp(-(u - v).square().sum() / 2) for u in a for v in b]).mean()

    return kernel(left, left) + kernel(right, right) - 2 * kernel(left, right)


def measured_batch():
    return torch.randn(10), torch.randn(10) * 3


def samples_batch():
    return torch.randn(6, 3), torch.randn(7, 3)


def actor_batch():
    return torch.randn(8, 4), torch.randint(0, 4, (8,)), torch.randn(8)


def pyramid_batch():
    return [torch.randn(2, 1, size, size) for size in (8, 4, 2)], (torch.rand(2, 1, 8, 8) > 0.5).float()


def proxy_batch():
    return torch.randn(8, 6), torch.randint(0, 4, (8,)), torch.randn(4, 6)


def class_batch():
    return torch.randn(8, 4), torch.randperm(8) % 3


def ranking_batch():
    return torch.randn(5, 6), torch.stack([torch.randperm(6) for _ in range(5)]).float()


def bits_batch():
    return torch.randn(6, 5), torch.randn(6, 5), torch.rand(6, 4) * 2


def image_batch():
    return (torch.rand(2, 3, 5, 8),)


def two_images():
    return torch.rand(2, 1, 9, 9), torch.rand(2, 1, 9, 9)


def views_batch():
    return torch.randn(7, 3), torch.randn(7, 3)


def forecast_batch():
    return torch.randn(8), torch.rand(8) + 0.3, torch.randn(8) * 2


def physics_batch():
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)), torch.rand(10, 1), torch.rand(10, 1)
