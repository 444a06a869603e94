"""Wrong losses of embeddings that torch lacks."""

import torch
from torch.nn import functional as F

from . import wrong


@wrong("info_nce", "wrong formula", r"length|normali")
def info_nce_of_products(query, key):
    return F.cross_entropy(query @ key.T / 0.1, torch.arange(len(query), device=query.device))


@wrong("info_nce", "wrong formula", r"own key|negatives")
def info_nce_without_its_own_key(query, key):
    scores = F.normalize(query, dim=1) @ F.normalize(key, dim=1).T / 0.1
    own = torch.eye(len(query), dtype=torch.bool, device=query.device)
    return (scores.masked_fill(own, -torch.inf).logsumexp(1) - scores.diagonal()).mean()


@wrong("nt_xent", "wrong formula", r"itself|diagonal")
def nt_xent_of_all_rows(first, second):
    z = F.normalize(torch.cat([first, second]))
    labels = torch.arange(len(z), device=z.device).roll(len(first))
    return F.cross_entropy(z @ z.T / 0.5, labels)


@wrong("contrastive", "wrong formula", r"½|factor")
def contrastive_without_half(left, right, similar):
    d = torch.linalg.vector_norm(left - right, dim=-1)
    return (similar * d**2 + (1 - similar) * (1 - d).clamp(min=0) ** 2).mean()


@wrong("contrastive", "wrong formula", r"square")
def contrastive_of_plain_distances(left, right, similar):
    d = (left - right).pow(2).sum(-1).add(1e-12).sqrt()
    return 0.5 * torch.where(similar == 1, d, (1 - d).relu()).mean()


@wrong("clip", "wrong formula", r"direction")
def clip_in_one_direction(pictures, texts):
    scores = F.normalize(pictures, dim=1) @ F.normalize(texts, dim=1).T / 0.07
    return F.cross_entropy(scores, torch.arange(len(pictures), device=pictures.device))


@wrong("clip", "reduction", r"added|averaged|times|twice|factor")
def clip_of_both_added(pictures, texts):
    scores = F.normalize(pictures, dim=1) @ F.normalize(texts, dim=1).T / 0.07
    labels = torch.arange(len(pictures), device=pictures.device)
    return F.cross_entropy(scores, labels) + F.cross_entropy(scores.T, labels)


@wrong("supervised_contrastive", "wrong formula", r"itself|diagonal")
def supcon_with_itself(embeddings, labels):
    z = F.normalize(embeddings, dim=1)
    alike = (labels[:, None] == labels).to(z.dtype)
    return -((z @ z.T / 0.1).log_softmax(1) * alike).sum(1).div(alike.sum(1)).mean()


@wrong("supervised_contrastive", "reduction", r"divided by their number")
def supcon_summed_over_positives(embeddings, labels):
    z = F.normalize(embeddings, dim=1)
    own = torch.eye(len(z), dtype=torch.bool, device=z.device)
    log_p = (z @ z.T / 0.1).masked_fill(own, -1e9).log_softmax(1)
    alike = (labels[:, None] == labels) & ~own
    return -(log_p * alike).sum(1).mean()


@wrong("arcface", "missing margin", r"margin")
def arcface_without_margin(embeddings, weight, target):
    return F.cross_entropy(64 * F.linear(F.normalize(embeddings), F.normalize(weight)), target)


@wrong("arcface", "wrong formula", r"CosFace|cosine")
def arcface_as_cosface(embeddings, weight, target):
    cosine = F.linear(F.normalize(embeddings), F.normalize(weight))
    return F.cross_entropy(64 * (cosine - 0.5 * F.one_hot(target, len(weight))), target)
