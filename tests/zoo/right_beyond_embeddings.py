"""Right losses of embeddings that torch lacks, as people write them."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from . import right


@right("info_nce")
def info_nce_by_einsum(query, key):
    scores = torch.einsum("id,jd->ij", F.normalize(query, dim=-1), F.normalize(key, dim=-1)).div(0.1)
    return F.nll_loss(scores.log_softmax(-1), torch.arange(len(query), device=query.device))


@right("nt_xent")
def nt_xent_without_the_diagonal(first, second):
    n = len(first)
    views = F.normalize(torch.cat([first, second]), dim=1)
    scores = views @ views.T / 0.5
    rest = scores[~torch.eye(2 * n, dtype=torch.bool, device=scores.device)].reshape(2 * n, 2 * n - 1)
    own = torch.cat([scores.diagonal(n), scores.diagonal(-n)])
    return (rest.logsumexp(1) - own).mean()


@right("contrastive", margin=2.0, similar=0, half=False)
class SiameseLoss(nn.Module):
    def forward(self, left, right_, different):
        d = torch.linalg.vector_norm(left - right_, dim=-1)
        return ((1 - different) * d.square() + different * torch.relu(2.0 - d).square()).mean()


@right("clip")
def clip_by_log_softmax(pictures, texts):
    scores = F.cosine_similarity(pictures[:, None], texts[None], dim=-1) / 0.07
    return -(scores.log_softmax(0) + scores.log_softmax(1)).diagonal().mean() / 2


@right("supervised_contrastive")
def supcon_row_by_row(embeddings, labels):
    z = F.normalize(embeddings, dim=1)
    losses = []
    for i in range(len(z)):
        rest = [j for j in range(len(z)) if j != i]
        log_p = (z[rest] @ z[i] / 0.1).log_softmax(0)
        losses.append(-log_p[labels[rest] == labels[i]].mean())
    return torch.stack(losses).mean()


@right("arcface")
def arcface_by_sines(embeddings, weight, target):
    cosine = F.linear(F.normalize(embeddings), F.normalize(weight))
    sine = (1 - cosine**2).clamp(min=1e-12).sqrt()
    moved = cosine * math.cos(0.5) - sine * math.sin(0.5)
    moved = torch.where(cosine > math.cos(math.pi - 0.5), moved, cosine - 0.5 * math.sin(math.pi - 0.5))
    own = F.one_hot(target, len(weight)).bool()
    return F.cross_entropy(64 * torch.where(own, moved, cosine), target)
