"""Losses of embeddings and distributions as public reports describe them, written anew, each beside its reference."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from . import wrong


# --- embeddings, distillation
def aligned(a, b):
    s = torch.stack([torch.stack([u @ v / (u.norm() * v.norm()) for v in b]) for u in a]) / 0.1
    n = len(s)
    return sum(-s[i].log_softmax(0)[i] - s[:, i].log_softmax(0)[i] for i in range(n)) / (2 * n)


def _embeddings():
    return torch.randn(5, 4), torch.randn(5, 4)


# huiserwang/ContrastMask#4
@wrong(aligned, "reported: embeddings", r"temperature|0\.1|10|factor|number", inputs=_embeddings)
def temperature_forgotten(a, b):
    s = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
    y = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(s, y) + F.cross_entropy(s.T, y)) / 2


# bowang-lab/BLEEP#5
@wrong(aligned, "reported: embeddings", r"temperature|0\.1|10|a / b|operation", inputs=_embeddings)
def temperature_multiplied(a, b):
    s = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T * 0.1
    y = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(s, y) + F.cross_entropy(s.T, y)) / 2


@wrong(aligned, "reported: embeddings", r"dim", inputs=_embeddings)
def normalized_over_the_batch(a, b):
    s = F.normalize(a, dim=0) @ F.normalize(b, dim=1).T / 0.1
    y = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(s, y) + F.cross_entropy(s.T, y)) / 2


@wrong(aligned, "reported: embeddings", r"one of the two directions", inputs=_embeddings)
def one_direction_twice(a, b):
    s = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / 0.1
    y = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(s, y) + F.cross_entropy(s, y)) / 2


def varifocal(logits, quality):
    rows = []
    for z, q in zip(logits.flatten(), quality.flatten(), strict=True):
        weight = (z.sigmoid() - q).abs().detach() ** 2
        rows.append(weight * F.binary_cross_entropy_with_logits(z, q))
    return torch.stack(rows).mean()


# KevinMusgrave/pytorch-metric-learning#282, open-mmlab/mmdetection#5818: what should be constant has a slope
@wrong(varifocal, "reported: detach", r"detach is missing", inputs=lambda: (torch.randn(3, 4), torch.rand(3, 4)))
def weight_with_gradient(logits, quality):
    weight = (logits.sigmoid() - quality).abs() ** 2
    return (weight * F.binary_cross_entropy_with_logits(logits, quality, reduction="none")).mean()


# --- regression with distributions
def laplace(loc, log_scale, y):
    rows = [torch.log(2 * s.exp()) + (t - m).abs() / s.exp() for m, s, t in zip(loc, log_scale, y, strict=True)]
    return torch.stack(rows).mean()


@wrong(
    laplace,
    "reported: distributions",
    r"sign|exp|-x|operation|\*|/",
    inputs=lambda: (torch.randn(6), torch.randn(6) * 0.5, torch.randn(6)),
)
def scale_multiplies(loc, log_scale, y):
    return (math.log(2) + log_scale + (y - loc).abs() * log_scale.exp()).mean()


@wrong(
    laplace,
    "reported: distributions",
    r"missing|log_scale|part|term|argument|factor",
    inputs=lambda: (torch.randn(6), torch.randn(6) * 0.5, torch.randn(6)),
)
def normalizer_forgotten(loc, log_scale, y):
    return (math.log(2) + (y - loc).abs() / log_scale.exp()).mean()
