"""Wrong losses of several terms: their weights, what a sum goes over, counts, the order of steps, a graph that is cut."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from . import references_of_terms as ref
from . import wrong


@wrong(
    ref.pyramid, "wrong formula", r"weighted wrongly.*outputs\[0\].*1/4.*outputs\[2\].* 4 ", inputs=ref.pyramid_batch
)
def pyramid_from_the_coarsest(outputs, target):
    losses = []
    for i, output in enumerate(reversed(outputs)):
        small = F.interpolate(target, size=output.shape[2:], mode="nearest")
        losses.append(0.5**i * F.binary_cross_entropy_with_logits(output, small))
    return torch.stack(losses).sum()


@wrong(ref.other_proxies, "wrong formula", r"own class.*others", inputs=ref.proxy_batch)
class ProxyAmongItsOthers(nn.Module):
    def forward(self, features, labels, proxies):
        distance = torch.cdist(F.normalize(features), F.normalize(proxies)) ** 2
        return F.cross_entropy(-distance, labels)


@wrong(ref.neighbours, "wrong formula", r"diagonal", inputs=ref.class_batch)
def neighbour_of_itself(features, labels, temperature=0.4):
    scores = features @ features.T / temperature
    eye = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    same = ((labels[:, None] == labels[None]) & ~eye).to(scores)
    log_p = scores - torch.logsumexp(scores, dim=1, keepdim=True)
    return -((log_p * same).sum(1) / same.sum(1)).mean()


@wrong(ref.listed, "wrong formula", r"off by one.*arange", inputs=ref.ranking_batch)
def ranks_from_nought(scores, labels):
    scores = scores.gather(1, labels.argsort(1, descending=True))
    n = scores.shape[1]
    weights = 2.0 ** (n - torch.arange(n, device=scores.device)) - 1
    places = torch.logcumsumexp(scores.flip(1), 1).flip(1) - scores
    return (places * weights / weights.sum()).sum(1).mean()


@wrong(ref.free_bits, "wrong formula", r"order.*before the sum", inputs=ref.bits_batch)
def free_bits_of_the_mean(recon, x, divergence, least=1.0):
    kl = divergence.mean()
    return F.mse_loss(recon, x) + torch.max(torch.ones_like(kl) * least, kl)


@wrong("gaussian_kl", "wrong formula", r"order.*before the sum")
def one_for_all_dimensions(mu, log_var):
    return (0.5 * torch.sum(mu.square() + log_var.exp() - log_var, 1) - 0.5).mean()


@wrong(ref.variation, "reduction", r"wrong count.*numel", inputs=ref.image_batch)
def variation_of_squares(x):
    n, c = x.shape[:2]
    h, w = x.shape[2], x.shape[2]
    down = (x[:, :, 1:, :] - x[:, :, :-1, :]).abs().sum() / (n * c * (h - 1) * w)
    across = (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().sum() / (n * c * h * (w - 1))
    return down + across


@wrong(ref.covariances, "reduction", r"right with `n` in the place of `n - 1`", inputs=ref.views_batch)
def covariances_of_one_less(left, right):
    n, d = left.shape
    c = (left - left.mean(0)).T @ (right - right.mean(0)) / (n - 1)
    rows = torch.arange(d, dtype=c.dtype, device=c.device)
    return F.mse_loss(left, right) + ((rows[:, None] + 2 * rows + 1) * c.square()).sum()


@wrong(ref.crps, "wrong formula", r"\(math\.sqrt\(2 \* math\.pi\)\) / 2", inputs=ref.forecast_batch)
def density_not_doubled(mean, deviation, observed):
    z = (observed - mean) / deviation
    density = torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return (deviation * (z * torch.erf(z / math.sqrt(2)) + density - 1 / math.sqrt(math.pi))).mean()


@wrong(ref.heat, "partial detach", r"create_graph", inputs=ref.physics_batch)
def second_derivative_without_graph(model, x, t):
    x, t = x.clone().requires_grad_(True), t.clone().requires_grad_(True)
    u = model(torch.cat([x, t], dim=1))
    ones = torch.ones_like(u)
    u_t = torch.autograd.grad(u, t, ones, create_graph=True)[0]
    u_x = torch.autograd.grad(u, x, ones, create_graph=True)[0]
    u_xx = torch.autograd.grad(u_x, x, ones, retain_graph=True)[0]
    return F.mse_loss(u_t, 0.1 * u_xx)


@wrong("softmax_focal", "partial detach", r"no_grad")
def factor_without_gradient(logits, target, gamma=2.0):
    ce = F.cross_entropy(logits, target, reduction="none")
    with torch.no_grad():
        factor = (1 - torch.exp(-ce)) ** gamma
    return (factor * ce).mean()


@wrong("giou", "wrong formula", r"6 places.*0 in the place of 1")
def boxes_of_whole_pixels(pred, target, eps=1e-7):
    shared = (torch.min(pred[:, 2:], target[:, 2:]) - torch.max(pred[:, :2], target[:, :2]) + 1).clamp(min=0)
    overlap = shared[:, 0] * shared[:, 1]
    area = (pred[:, 2] - pred[:, 0] + 1) * (pred[:, 3] - pred[:, 1] + 1)
    other = (target[:, 2] - target[:, 0] + 1) * (target[:, 3] - target[:, 1] + 1)
    union = area + other - overlap
    around = torch.max(pred[:, 2:], target[:, 2:]) - torch.min(pred[:, :2], target[:, :2]) + 1
    hull = around[:, 0] * around[:, 1] + eps
    return (1 - overlap / (union + eps) + (hull - union) / hull).mean()


@wrong("info_nce", "wrong formula", r"times 10 = 1 / temperature")
def negatives_without_temperature(query, positive_key, negative_keys=None, temperature=0.1):
    query, positive_key = F.normalize(query, dim=-1), F.normalize(positive_key, dim=-1)
    if negative_keys is None:
        similarity = query @ positive_key.T
        others = ~torch.eye(len(similarity), dtype=torch.bool, device=similarity.device)
        positive = similarity.diagonal()[:, None] / temperature
        negative = similarity[others].view(len(similarity), -1)
    else:
        positive = (query * positive_key).sum(-1, keepdim=True) / temperature
        negative = query @ F.normalize(negative_keys, dim=-1).transpose(-1, -2)
    logits = torch.cat([positive, negative], 1)
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))


@wrong("quantile", "reduction", r"sum|count", quantile=[0.1, 0.5, 0.9])
def mean_over_quantiles_only(predictions, target):
    loss = 0
    for i, q in enumerate((0.1, 0.5, 0.9)):
        error = target - predictions[..., i]
        loss = loss + torch.max(q * error, (q - 1) * error).sum()
    return loss / 3


@wrong(ref.likeness, "wrong variable", r"`b` in the place of `a` in `a \* a`", inputs=ref.two_images)
def likeness_of_one_mean(x, y):
    pool = lambda image: F.avg_pool2d(image, 3, 1)  # noqa: E731
    a, b = pool(x), pool(y)
    variances = pool(x * x) - a**2 + pool(y * y) - b**2
    covariance = pool(x * y) - a * a
    cut = (2 * a * b + 0.0001) * (2 * covariance + 0.0009)
    return 1 - (cut / ((a**2 + b**2 + 0.0001) * (variances + 0.0009))).mean()


@wrong(ref.actor, "sign, log base", r"sign.*`a - b`", inputs=ref.actor_batch)
def entropy_added(logits, actions, advantage):
    policy = torch.distributions.Categorical(logits=logits)
    return -(policy.log_prob(actions) * advantage).mean() + 0.1 * policy.entropy().mean()


@wrong(ref.bounded, "wrong formula", r"delta = 1\.5, not 1", inputs=ref.measured_batch)
def bounded_too_early(prediction, target, delta=1.0):
    e = (prediction - target).abs()
    return torch.where(e < delta, 0.5 * e**2, delta * (e - 0.5 * delta)).mean()


@wrong(ref.discrepancy, "wrong formula", r"factor.*cdist.*times 0\.5", inputs=ref.samples_batch)
def kernel_twice_as_narrow(left, right):
    def kernel(a, b):
        return torch.exp(-torch.cdist(a, b).square()).mean()

    return kernel(left, left) + kernel(right, right) - 2 * kernel(left, right)


@wrong(ref.neighbours, "wrong formula", r"mask is not used.*1 - eye.*the same in", inputs=ref.class_batch)
def neighbour_of_its_own_class(features, labels, temperature=0.4):
    scores = features @ features.T / temperature
    same = (labels[:, None] == labels[None]).to(scores)
    eye = torch.eye(len(scores), dtype=scores.dtype, device=scores.device)
    log_p = scores - (scores.exp() * (1 - eye)).sum(1, keepdim=True).log()
    return -((log_p * same).sum(1) / same.sum(1)).mean()


@wrong("ciou", "wrong formula", r"0\.405285 in the place of 1\.27324")
def shape_over_pi(pred, target, eps=1e-7):
    x1, y1, x2, y2 = pred.unbind(-1)
    a1, b1, a2, b2 = target.unbind(-1)
    width = (torch.min(x2, a2) - torch.max(x1, a1)).clamp(min=0)
    shared = width * (torch.min(y2, b2) - torch.max(y1, b1)).clamp(min=0)
    w, h, w2, h2 = x2 - x1, y2 - y1, a2 - a1, b2 - b1
    iou = shared / (w * h + w2 * h2 - shared + eps)
    hull = (torch.max(x2, a2) - torch.min(x1, a1)) ** 2 + (torch.max(y2, b2) - torch.min(y1, b1)) ** 2 + eps
    centers = ((x1 + x2 - a1 - a2) ** 2 + (y1 + y2 - b1 - b2) ** 2) / 4
    v = 4 / math.pi * (torch.atan(w2 / h2) - torch.atan(w / h)) ** 2
    with torch.no_grad():
        alpha = v / (1 - iou + v + eps)
    return (1 - iou + centers / hull + alpha * v).mean()
