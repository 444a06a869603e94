"""Losses of rankings, embeddings and distributions as public reports describe them, written anew, each beside its reference."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from . import wrong


# --- ranking
def ranked_pairs(scores, relevance):
    total, count = scores.new_zeros(()), 0
    for s, y in zip(scores, relevance, strict=True):
        for i in range(len(s)):
            for j in range(len(s)):
                if y[i] > y[j]:
                    total, count = total + torch.log1p(torch.exp(-(s[i] - s[j]))), count + 1
    return total / max(count, 1)


def _ranked():
    return torch.randn(3, 4), torch.stack([torch.randperm(4) for _ in range(3)]).float()


def _pairs(scores, relevance):
    gaps = scores.unsqueeze(2) - scores.unsqueeze(1)
    better = (relevance.unsqueeze(2) > relevance.unsqueeze(1)).to(scores)
    return gaps, better


# tensorflow/ranking#23
@wrong(ranked_pairs, "reported: ranking", r"sign|-x|wrong", inputs=_ranked)
def pairs_with_the_wrong_sign(scores, relevance):
    gaps, better = _pairs(scores, relevance)
    return (F.softplus(gaps) * better).sum() / better.sum()


# tensorflow/ranking#359
@wrong(ranked_pairs, "reported: ranking", r"mean|count|divi|mask", inputs=_ranked)
def pairs_over_all(scores, relevance):
    gaps, better = _pairs(scores, relevance)
    return (F.softplus(-gaps) * better).mean()


# tensorflow/ranking#73
@wrong(ranked_pairs, "reported: ranking", r"relevance|argument|differ|part|weigh", inputs=_ranked)
def pairs_weighed_by_relevance(scores, relevance):
    gaps, better = _pairs(scores, relevance)
    weighed = better * (relevance.unsqueeze(2) - relevance.unsqueeze(1)).abs()
    return (F.softplus(-gaps) * weighed).sum() / better.sum()


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
