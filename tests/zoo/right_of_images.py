"""Right losses of pictures, sequences and agents, written otherwise than their references."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from . import references_of_images as ref
from . import right


@right(ref.style, inputs=ref.style_batch)
def style_einsum(features, wanted):
    g, h = (torch.einsum("ncp,ndp->ncd", x, x) / x.shape[2] for x in (features, wanted))
    return F.mse_loss(g, h)


@right(ref.style, inputs=ref.style_batch)
def style_detached(features, wanted):
    with torch.no_grad():
        aim = torch.bmm(wanted, wanted.transpose(1, 2)) / wanted.shape[-1]
    return F.mse_loss(torch.bmm(features, features.transpose(1, 2)) / features.shape[-1], aim)


@right(ref.total_variation, inputs=ref.picture_batch)
def variation_by_slices(picture, wanted):
    across = F.l1_loss(picture[..., 1:], picture[..., :-1])
    return F.mse_loss(picture, wanted) + (across + F.l1_loss(picture[:, 1:], picture[:, :-1])) / 10


@right(ref.hinge_gan, inputs=ref.critic_batch)
def hinge_gan_clamp(real, fake):
    return (1 - real).clamp(min=0).mean() - torch.min(-fake - 1, torch.zeros_like(fake)).mean()


@right(ref.weighted_tokens, inputs=ref.weighted_batch)
def tokens_gathered(logits, labels, weights):
    log_p = logits.log_softmax(-1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
    return -(weights / weights.sum() * log_p).sum()


@right(ref.awac, inputs=ref.agent_batch)
def awac_minimum(log_p, q, value):
    with torch.no_grad():
        weight = torch.exp((q - value) / 2.0)
        weight = torch.minimum(weight, torch.full_like(weight, 20.0))
    return (-log_p * weight).sum() / len(log_p)


@right(ref.sac_policy, inputs=ref.agent_batch)
def sac_stacked(log_p, q_one, q_two):
    return 0.2 * log_p.mean() - torch.stack([q_one, q_two]).amin(0).mean()


@right(ref.simclr_rows, inputs=ref.negatives_batch)
def rows_logsumexp(anchors, positives, negatives):
    near = F.cosine_similarity(anchors, positives, dim=-1) / 0.2
    far = F.cosine_similarity(anchors.unsqueeze(1), negatives, dim=-1) / 0.2
    return (torch.logaddexp(near, far.logsumexp(1)) - near).mean()


@right(ref.heteroscedastic, inputs=ref.observed_batch)
def heteroscedastic_selected(mu, log_var, y, mask):
    kept = mask.bool()
    m, v, t = mu[kept], log_var[kept], y[kept]
    return (v / 2 + (t - m) ** 2 / (2 * v.exp())).mean()


@right(ref.center_and_ce, inputs=ref.centred_batch)
def centers_by_mse(features, logits, labels, centers):
    own = F.embedding(labels, centers)
    return F.cross_entropy(logits, labels) + 0.025 * F.mse_loss(features, own, reduction="sum") / len(features)


@right(ref.matching, inputs=ref.taken_batch)
def matching_of_shares(scores, taken):
    log_p = scores.log_softmax(1)
    return -log_p.where(taken > 0, float("-inf")).logsumexp(1).mean()


@right(ref.matching, inputs=ref.taken_batch)
def matching_by_log_of_mask(scores, taken):
    return (scores.logsumexp(1) - (scores + taken.log()).logsumexp(1)).mean()
