"""Losses of pictures, sequences and agents, written carefully, with batches: a second collection of several arguments."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def style(features, wanted):
    """Mean squared difference of Gram matrices, each over the number of positions."""
    return sum(((gram(a) - gram(b)).square().mean() for a, b in zip(features, wanted, strict=True)), start=0.0) / len(
        features
    )


def gram(x):
    return x @ x.mT / x.shape[-1]


def total_variation(picture, wanted, weight=0.1):
    """Squared error and a penalty on differences of neighbours, both means."""
    rough = picture.diff(dim=-1).abs().mean() + picture.diff(dim=-2).abs().mean()
    return (picture - wanted).square().mean() + weight * rough


def hinge_gan(real, fake):
    """The discriminator's hinge loss."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def weighted_tokens(logits, labels, weights):
    """Cross entropy of tokens, each with a weight, over the sum of the weights."""
    losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view_as(weights)
    return (losses * weights).sum() / weights.sum()


def awac(log_p, q, value, temperature=2.0):
    """Advantage-weighted regression: the weights are constants, at most 20."""
    weight = ((q - value) / temperature).exp().clamp(max=20).detach()
    return -(weight * log_p).mean()


def sac_policy(log_p, q_one, q_two, alpha=0.2):
    """Soft actor-critic: entropy against the smaller of two critics."""
    return (alpha * log_p - torch.minimum(q_one, q_two)).mean()


def simclr_rows(anchors, positives, negatives, temperature=0.2):
    """InfoNCE with negatives of its own for each anchor (N, K, D)."""
    a, p, n = (F.normalize(x, dim=-1) for x in (anchors, positives, negatives))
    near = (a * p).sum(-1, keepdim=True)
    scores = torch.cat([near, torch.einsum("nd,nkd->nk", a, n)], 1) / temperature
    return -scores.log_softmax(1)[:, 0].mean()


def heteroscedastic(mu, log_var, y, mask):
    """Gaussian negative log likelihood at observed places, mean over them."""
    losses = 0.5 * (log_var + (y - mu).square() * (-log_var).exp())
    return (losses * mask).sum() / mask.sum()


def center_and_ce(features, logits, labels, centers, weight=0.05):
    """Cross entropy and the distance to the centre of the own class."""
    return F.cross_entropy(logits, labels) + weight * 0.5 * (features - centers[labels]).square().sum(1).mean()


def matching(scores, taken):
    """Mean over the rows of logsumexp of all scores less that of those that are marked (several positives)."""
    kept = scores.masked_fill(taken == 0, float("-inf"))
    return (scores.logsumexp(1) - kept.logsumexp(1)).mean()


def style_batch():
    return torch.randn(2, 3, 5), torch.randn(2, 3, 5)


def picture_batch():
    return torch.randn(2, 4, 5), torch.randn(2, 4, 5)


def critic_batch():
    return torch.randn(6), torch.randn(6)


def weighted_batch():
    return torch.randn(2, 4, 3), torch.randint(3, (2, 4)), torch.rand(2, 4) + 0.1


def agent_batch():
    return -torch.rand(6) * 3, torch.randn(6), torch.randn(6)


def negatives_batch():
    return torch.randn(4, 3), torch.randn(4, 3), torch.randn(4, 5, 3)


def observed_batch():
    mask = (torch.rand(4, 3) < 0.7).float()
    mask[:, 0] = 1
    return torch.randn(4, 3), 0.3 * torch.randn(4, 3), torch.randn(4, 3), mask


def centred_batch():
    return torch.randn(6, 4), torch.randn(6, 3), torch.randint(3, (6,)), torch.randn(3, 4)


def taken_batch():
    taken = (torch.rand(4, 5) < 0.4).float()
    taken[torch.arange(4), torch.randint(5, (4,))] = 1
    return torch.randn(4, 5), taken
