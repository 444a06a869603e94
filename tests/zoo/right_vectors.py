"""Right losses between vectors and pairs, in unusual styles."""

from __future__ import annotations

import functools

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import right


def _distance(a, b):
    return torch.linalg.vector_norm(a - b + 1e-6, dim=-1)


@right("triplet_margin")
def triplet_norms(a, p, n):
    return F.relu(_distance(a, p) - _distance(a, n) + 1).mean()


@right(nn.TripletMarginLoss)
def triplet_maximum(a, p, n):
    gap = 1 + F.pairwise_distance(a, p) - F.pairwise_distance(a, n)
    return torch.maximum(gap, torch.zeros_like(gap)).mean()


@right("triplet_margin")
def triplet_stacked(a, p, n):
    near, far = torch.linalg.vector_norm(a - torch.stack([p, n]) + 1e-6, dim=-1)
    return (near - far + 1).clamp_min(0).mean()


@right("triplet_margin", p=1.0)
def triplet_manhattan(a, p, n):
    near, far = (a - p + 1e-6).abs().sum(-1), (a - n + 1e-6).abs().sum(-1)
    return F.relu(1.0 + near - far).mean()


@right(nn.TripletMarginLoss(margin=0.5, swap=True))
def triplet_swapped_min(a, p, n):
    far = torch.minimum(_distance(a, n), _distance(p, n))
    return (_distance(a, p) - far + 0.5).clamp(min=0).mean()


@right("triplet_margin")
def triplet_loop(a, p, n):
    if a.dim() != 2:
        raise ValueError("a batch of vectors, please")
    losses = [F.triplet_margin_loss(*row) for row in zip(a, p, n, strict=True)]
    return sum(losses) / len(losses)


@right("triplet_margin", build=torch.jit.script)
def triplet_scripted(a: torch.Tensor, p: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    near = torch.norm(a - p + 1e-6, dim=-1)
    far = torch.norm(a - n + 1e-6, dim=-1)
    return torch.relu(near - far + 1.0).mean()


@right("triplet_margin")
def triplet_vmap(a, p, n):
    if a.dim() != 2:
        raise ValueError("a batch of vectors, please")
    one = torch.vmap(lambda x, y, z: torch.linalg.vector_norm(x - y + 1e-6) - torch.linalg.vector_norm(x - z + 1e-6))
    return F.relu(one(a, p, n) + 1).mean()


@right("triplet_margin", margin=0.3, build=lambda c: c(margin=0.3))
class Triplet(nn.Module):
    def __init__(self, margin):
        super().__init__()
        self.ranking = nn.MarginRankingLoss(margin=margin)

    def forward(self, anchor, positive, negative):
        near, far = F.pairwise_distance(anchor, positive), F.pairwise_distance(anchor, negative)
        return self.ranking(far, near, torch.ones_like(far))


@right("triplet_margin", build=lambda f: torch.compile(f, backend="eager"))
def triplet_compiled(a, p, n):
    return F.triplet_margin_loss(a, p, n)


@right("triplet_margin")
def triplet_with_settings(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction="mean"):
    def apart(x, y):
        return torch.linalg.vector_norm(x - y + eps, ord=p, dim=-1)

    far = apart(anchor, negative)
    if swap:
        far = torch.minimum(far, apart(positive, negative))
    loss = (apart(anchor, positive) - far + margin).clamp(min=0)
    return loss if reduction == "none" else loss.sum() if reduction == "sum" else loss.mean()


@right("triplet_margin_with_distance", build=lambda f: functools.partial(f, distance=F.pairwise_distance))
def triplet_any_distance(a, p, n, distance):
    return (distance(a, p) - distance(a, n)).add(1.0).relu().mean()


@right("cosine_embedding")
def cosine_where(a, b, y):
    cos = F.cosine_similarity(a, b, dim=-1)
    return torch.where(y > 0, 1 - cos, F.relu(cos)).mean()


@right(nn.CosineEmbeddingLoss(margin=0.3))
def cosine_normalised(a, b, y):
    cos = (F.normalize(a, dim=-1) * F.normalize(b, dim=-1)).sum(-1)
    return ((y == 1) * (1 - cos) + (y == -1) * (cos - 0.3).clamp(min=0)).mean()


@right("cosine_embedding")
def cosine_einsum(a, b, y):
    u = a / torch.linalg.vector_norm(a, dim=-1, keepdim=True).clamp(min=1e-12)
    v = b / torch.linalg.vector_norm(b, dim=-1, keepdim=True).clamp(min=1e-12)
    cos = torch.einsum("...d,...d->...", u, v)
    return torch.where(y == 1, 1 - cos, cos.clamp(min=0)).mean()


@right("cosine_embedding")
def cosine_of_unit_chords(a, b, y):
    """1 - cos = half the squared chord between unit vectors."""
    chord = (F.normalize(a, dim=-1) - F.normalize(b, dim=-1)).square().sum(-1) / 2
    return torch.where(y == 1, chord, F.relu(1 - chord)).mean()


@right("cosine_embedding")
def cosine_swapped(b, a, y):
    cos = F.cosine_similarity(b, a, dim=-1)
    return torch.where(y == 1, 1 - cos, F.relu(cos)).mean()


@right("cosine_embedding", margin=0.2)
def cosine_batched_only(a, b, y):
    if a.dim() != 2:
        raise ValueError("(N, D), please")
    cos = torch.bmm(F.normalize(a, dim=1)[:, None], F.normalize(b, dim=1)[:, :, None]).flatten()
    loss = 1 - cos
    apart = y == -1
    loss[apart] = (cos[apart] - 0.2).relu()
    return loss.mean()


@right("margin_ranking")
def ranking_relu(x1, x2, y):
    return F.relu(y * (x2 - x1)).mean()


@right(nn.MarginRankingLoss(margin=0.5))
def ranking_maximum(x1, x2, y):
    return torch.maximum(0.5 - y * (x1 - x2), torch.zeros_like(x1)).mean()


@right("margin_ranking")
def ranking_swapped_with_sign(x1, x2, y):
    return F.margin_ranking_loss(x2, x1, -y)


@right("margin_ranking")
def ranking_other_subgradient(x1, x2, y):
    gap = y * (x2 - x1)
    return torch.where(gap >= 0, gap, torch.zeros_like(gap)).mean()


@right("margin_ranking", margin=1.0)
def ranking_as_hinge(x1, x2, y):
    gap = 1 - y * (x1 - x2)
    return 0.5 * (gap + gap.abs()).mean()


class _Ranking(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x1, x2, y):
        gap = y * (x2 - x1)
        ctx.save_for_backward(y * (gap > 0))
        return gap.clamp(min=0).mean()

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        g = grad_output * y / y.numel()
        return -g, g, None


@right("margin_ranking")
def ranking_own_backward(x1, x2, y):
    return _Ranking.apply(x1, x2, y)


@right("margin_ranking", build=lambda c: c())
class RankingWithSettings(nn.Module):
    def __init__(self, margin=0.0, reduction="mean"):
        super().__init__()
        self.margin, self.reduction = margin, reduction

    def forward(self, input1, input2, target):
        loss = (self.margin - target * (input1 - input2)).clamp(min=0)
        return loss if self.reduction == "none" else getattr(loss, self.reduction)()
