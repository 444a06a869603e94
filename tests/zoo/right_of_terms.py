"""Right losses of several terms, each written otherwise than its reference: the twins of the wrong ones."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from . import references_of_terms as ref
from . import right


@right(ref.pyramid, inputs=ref.pyramid_batch)
def pyramid_from_the_finest(outputs, target):
    losses = []
    for i, output in enumerate(outputs):
        small = F.interpolate(target, size=output.shape[2:], mode="nearest")
        losses.append(0.5**i * F.binary_cross_entropy_with_logits(output, small))
    return torch.stack(losses).sum()


@right(ref.other_proxies, inputs=ref.proxy_batch)
class ProxyAgainstOthers(nn.Module):
    def forward(self, features, labels, proxies):
        distance = torch.cdist(F.normalize(features), F.normalize(proxies)) ** 2
        own = F.one_hot(labels, len(proxies)).bool()
        return (distance[own] + (-distance).masked_fill(own, -math.inf).logsumexp(1)).mean()


@right(ref.neighbours, inputs=ref.class_batch)
def neighbour_of_others(features, labels, temperature=0.4):
    scores = features @ features.T / temperature
    eye = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    same = ((labels[:, None] == labels[None]) & ~eye).to(scores)
    log_p = scores - torch.logsumexp(scores.masked_fill(eye, -math.inf), dim=1, keepdim=True)
    return -((log_p * same).sum(1) / same.sum(1)).mean()


@right(ref.listed, inputs=ref.ranking_batch)
def ranks_from_one(scores, labels):
    scores = scores.gather(1, labels.argsort(1, descending=True))
    n = scores.shape[1]
    weights = 2.0 ** (n - torch.arange(1, n + 1, device=scores.device)) - 1
    places = torch.logcumsumexp(scores.flip(1), 1).flip(1) - scores
    return (places * weights / weights.sum()).sum(1).mean()


@right(ref.free_bits, inputs=ref.bits_batch)
def free_bits_of_each(recon, x, divergence, least=1.0):
    return F.mse_loss(recon, x) + torch.max(torch.ones_like(divergence) * least, divergence).mean()


@right("gaussian_kl")
def one_for_each_dimension(mu, log_var):
    return (0.5 * torch.sum(mu.square() + log_var.exp() - log_var - 1, 1)).mean()


@right(ref.variation, inputs=ref.image_batch)
def variation_of_both_sides(x):
    n, c, h, w = x.shape
    down = (x[:, :, 1:, :] - x[:, :, :-1, :]).abs().sum() / (n * c * (h - 1) * w)
    across = (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().sum() / (n * c * h * (w - 1))
    return down + across


@right(ref.covariances, inputs=ref.views_batch)
def covariances_of_all(left, right):
    n, d = left.shape
    c = (left - left.mean(0)).T @ (right - right.mean(0)) / n
    rows = torch.arange(d, dtype=c.dtype, device=c.device)
    return F.mse_loss(left, right) + ((rows[:, None] + 2 * rows + 1) * c.square()).sum()


@right(ref.crps, inputs=ref.forecast_batch)
def density_doubled(mean, deviation, observed):
    z = (observed - mean) / deviation
    density = torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return (deviation * (z * torch.erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))).mean()


@right(ref.heat, inputs=ref.physics_batch)
def both_derivatives_with_graph(model, x, t):
    x, t = x.clone().requires_grad_(True), t.clone().requires_grad_(True)
    u = model(torch.cat([x, t], dim=1))
    ones = torch.ones_like(u)
    u_x, u_t = torch.autograd.grad(u, (x, t), ones, create_graph=True)
    u_xx = torch.autograd.grad(u_x, x, ones, create_graph=True)[0]
    return F.mse_loss(u_t, 0.1 * u_xx)


@right(ref.likeness, inputs=ref.two_images)
class LikenessByConvolution(nn.Module):
    """In float32 it loses all digits where numbers are large, as the right one does."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.full((1, 1, 3, 3), 1 / 9))

    def forward(self, x, y):
        w = self.window.to(x.dtype)
        a, b = F.conv2d(x, w), F.conv2d(y, w)
        variances = F.conv2d(x * x, w) - a * a + F.conv2d(y * y, w) - b * b
        covariance = F.conv2d(x * y, w) - a * b
        cut = (2 * a * b + 0.0001) * (2 * covariance + 0.0009)
        return 1 - (cut / ((a * a + b * b + 0.0001) * (variances + 0.0009))).mean()


@right("quantile", quantile=[0.1, 0.5, 0.9])
class QuantilesOfOneTarget(nn.Module):
    def __init__(self, quantiles=(0.1, 0.5, 0.9)):
        super().__init__()
        self.register_buffer("quantiles", torch.tensor(quantiles))

    def forward(self, predictions, target):
        q = self.quantiles.to(predictions.dtype)
        error = target.unsqueeze(-1) - predictions
        return torch.max(q * error, (q - 1) * error).mean()


@right("quantile", quantile=[0.1, 0.5, 0.9])
def quantiles_with_a_target_for_each(predictions, target):
    q = predictions.new_tensor([0.1, 0.5, 0.9])
    if target.shape != predictions.shape:
        raise ValueError("a target for each quantile is needed")
    return torch.max(q * (target - predictions), (q - 1) * (target - predictions)).mean()


@right(ref.actor, inputs=ref.actor_batch)
def entropy_taken_off(logits, actions, advantage):
    policy = torch.distributions.Categorical(logits=logits)
    return -(policy.log_prob(actions) * advantage).mean() - 0.1 * policy.entropy().mean()


@right(ref.bounded, inputs=ref.measured_batch)
def bounded_in_time(prediction, target, delta=1.5):
    e = (prediction - target).abs()
    return torch.where(e < delta, 0.5 * e**2, delta * (e - 0.5 * delta)).mean()


@right(ref.discrepancy, inputs=ref.samples_batch)
def kernel_as_wide(left, right):
    def kernel(a, b):
        squares = (a[:, None] - b[None]).square().sum(2)  # the slope of a distance is none at 0
        return torch.exp(-0.5 * squares).mean()

    return kernel(left, left) + kernel(right, right) - 2 * kernel(left, right)
