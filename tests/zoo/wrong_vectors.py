"""Wrong losses between vectors and pairs."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

import lossbook

from . import wrong

MARGIN = r"margin"
SWAPPED = r"swap|order|exchang|positive|negative"


@wrong("triplet_margin", "missing margin", MARGIN)
def triplet_without_margin(a, p, n):
    return F.relu(F.pairwise_distance(a, p) - F.pairwise_distance(a, n)).mean()


@wrong("margin_ranking", "missing margin", MARGIN, margin=0.5)
def ranking_without_margin(x1, x2, y):
    return (-y * (x1 - x2)).clamp(min=0).mean()


@wrong(nn.CosineEmbeddingLoss(margin=0.3), "missing margin", MARGIN)
def cosine_without_margin(a, b, y):
    cos = F.cosine_similarity(a, b, dim=-1)
    return torch.where(y == 1, 1 - cos, cos.clamp(min=0)).mean()


@wrong(
    "triplet_margin", "constant offset in a margin", MARGIN + r"|offset|constant|clamp|relu|below zero|negative|outside"
)
def triplet_margin_outside(a, p, n):
    return F.relu(F.pairwise_distance(a, p) - F.pairwise_distance(a, n)).mean() + 1.0


@wrong("margin_ranking", "constant offset in a margin", MARGIN + r"|offset|constant|eps", margin=1.0)
def ranking_margin_twice(x1, x2, y):
    return (-y * (x1 - x2) + 1.0).clamp(min=0).add(1.0).mean()


@wrong("triplet_margin", "wrong formula", r"squar|power|root|norm|distance")
def squared_triplet(a, p, n):
    near, far = (a - p + 1e-6).pow(2).sum(-1), (a - n + 1e-6).pow(2).sum(-1)
    return (near - far + 1).clamp(min=0).mean()


@wrong(nn.TripletMarginLoss(p=1.0), "wrong formula", r"norm|p ?=|\bp\b|euclid|manhattan")
def manhattan_triplet(a, p, n):
    return F.triplet_margin_loss(a, p, n, p=2.0)


@wrong("triplet_margin", "wrong formula", r"swap|min|max|setting|distance", swap=True)
def triplet_swap_max(a, p, n):
    far = torch.maximum(F.pairwise_distance(a, n), F.pairwise_distance(p, n))
    return (F.pairwise_distance(a, p) - far + 1).clamp(min=0).mean()


@wrong("triplet_margin", "wrong variable", r"anchor|positive|negative|swap|distance|variab")
def triplet_wrong_branch(a, p, n):
    return (F.pairwise_distance(a, p) - F.pairwise_distance(p, n) + 1).clamp(min=0).mean()


@wrong("triplet_margin", "swapped arguments", SWAPPED)
def triplet_swapped(anchor, negative, positive):
    near, far = F.pairwise_distance(anchor, positive), F.pairwise_distance(anchor, negative)
    return F.relu(near - far + 1.0).mean()


@wrong("triplet_margin", "partial detach", r"detach|cut|graph|no gradient|negative")
def triplet_detached_negative(a, p, n):
    far = F.pairwise_distance(a, n.detach())
    return (F.pairwise_distance(a, p) - far + 1).clamp(min=0).mean()


@wrong("triplet_margin", "wrong dim", r"dim|axis|batch|row")
def triplet_distance_over_batch(a, p, n):
    near, far = (a - p + 1e-6).norm(dim=0), (a - n + 1e-6).norm(dim=0)
    return F.relu(near - far + 1).mean()


@wrong(lossbook.nn.TripletMarginLoss, "reduction", r"mean|zero|non.?zero|active|divi|count|easy|averag|positive")
def triplet_active_only(a, p, n):
    hinge = (F.pairwise_distance(a, p) - F.pairwise_distance(a, n) + 1).clamp(min=0)
    return hinge.sum() / (hinge > 0).sum().clamp(min=1)


@wrong("cosine_embedding", "wrong dim", r"dim|axis|batch|row|shape|vector")
def cosine_over_batch(a, b, y):
    cos = F.cosine_similarity(a, b, dim=0)
    if a.dim() == 1 or a.size(0) != a.size(1):
        cos = cos.mean()
    return torch.where(y == 1, 1 - cos, cos.clamp(min=0)).mean()


@wrong("cosine_embedding", "label convention", r"-1|label|0/1|0 and 1|sign|convention|similar|flip")
def cosine_zero_one(a, b, y):
    cos = F.cosine_similarity(a, b, dim=-1)
    return (y * (1 - cos) + (1 - y) * cos.clamp(min=0)).mean()


@wrong("margin_ranking", "label convention", r"-1|label|0/1|0 and 1|sign|convention|flip|negat")
def ranking_zero_one(x1, x2, y):
    return torch.where(y > 0, x1 - x2, x2 - x1).clamp(min=0).mean()


@wrong("margin_ranking", "swapped arguments", r"swap|order|exchang|sign|flip|minus|negat", margin=0.2)
def ranking_swapped(low, high, y):
    return F.margin_ranking_loss(high, low, y, margin=0.2)


@wrong("cosine_embedding", "wrong variable", r"norm|same|twice|variab|input1|input2|divi|length|scal")
def cosine_norm_of_one(a, b, y):
    cos = (a * b).sum(-1) / (a.norm(dim=-1) * a.norm(dim=-1)).clamp(min=1e-8)
    return torch.where(y == 1, 1 - cos, cos.clamp(min=0)).mean()


@wrong(nn.CosineEmbeddingLoss, "partial detach", r"detach|cut|graph|norm")
def cosine_constant_norms(a, b, y):
    lengths = (a.norm(dim=-1) * b.norm(dim=-1)).detach()
    cos = (a * b).sum(-1) / lengths.clamp(min=1e-8)
    return torch.where(y == 1, 1 - cos, cos.clamp(min=0)).mean()


@wrong("cosine_embedding", "wrong formula", r"clamp|relu|negative|hinge|margin|max|abs|below|dissimilar|-1")
def cosine_absolute(a, b, y):
    cos = F.cosine_similarity(a, b, dim=-1)
    return torch.where(y == 1, 1 - cos, cos.abs()).mean()


@wrong("cosine_embedding", "silent broadcasting", r"broadcast|\(?N, ?N\)?|N ?[x×] ?N|every|keepdim|table")
def cosine_kept_dim(a, b, y):
    u, v = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    cos = (u * v).sum(-1, keepdim=True)
    return torch.where(y == 1, 1 - cos, cos.clamp(min=0)).mean()


@wrong("margin_ranking", "silent broadcasting", r"broadcast|\(?N, ?N\)?|N ?[x×] ?N|every|pair|table", margin=0.1)
def ranking_all_pairs(x1, x2, y):
    return (-y * (x1.unsqueeze(-1) - x2) + 0.1).clamp(min=0).mean()


@wrong("triplet_margin", "NaN gradient, finite value", r"nan|not finite|sqrt|root|eps|1e-6")
def triplet_root(a, p, n):
    near, far = (a - p).square().sum(-1).sqrt(), (a - n).square().sum(-1).sqrt()
    return (near - far + 1).clamp(min=0).mean()


@wrong("triplet_margin_with_distance", "wrong formula", r"square|power|margin|hinge|formula")
def triplet_squared_hinge(a, p, n):
    hinge = (F.pairwise_distance(a, p) - F.pairwise_distance(a, n) + 1).clamp(min=0)
    return hinge.square().mean()


@wrong(
    "triplet_margin", "expanded-square cancellation", r"float32|precis|cancel|expand|large|round|nan|distance|dim|eps"
)
def triplet_by_gram(a, p, n):
    def distance(x, y):
        squared = (x * x).sum(-1) + (y * y).sum(-1) - 2 * (x * y).sum(-1)
        return squared.clamp(min=1e-12).sqrt()

    return (distance(a, p) - distance(a, n) + 1).clamp(min=0).mean()
