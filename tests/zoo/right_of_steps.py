"""Right losses of several steps and terms, without loops."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from . import references_of_steps as ref
from . import right


@right(ref.arcface, inputs=ref.face_batch)
def arcface_of_matrices(features, labels, weight):
    cosine = F.linear(F.normalize(features), F.normalize(weight)).clamp(-0.999, 0.999)
    turned = torch.cos(torch.acos(cosine) + 0.3)
    own = F.one_hot(labels, len(weight)).bool()
    return F.cross_entropy(4 * torch.where(own, turned, cosine), labels)


@right(ref.next_token, inputs=ref.text_batch)
def tokens_shifted(logits, tokens):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())


@right(ref.vae, inputs=ref.latent_batch)
def vae_of_batches(recon, x, mu, log_var):
    divergence = -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(dim=1)
    return (F.mse_loss(recon, x, reduction="none").sum(dim=1) + divergence).mean()


@right(ref.hardest, inputs=ref.labelled_batch)
def hardest_of_a_table(features, labels):
    distance = (features[:, None] - features[None] + 1e-6).norm(dim=2)
    same = labels[:, None] == labels[None]
    far = distance.masked_fill(~same, float("-inf")).amax(dim=1)
    near = distance.masked_fill(same, float("inf")).amin(dim=1)
    return F.relu(far - near + 0.5).mean()


@right(ref.standardized, inputs=ref.views_batch)
def standardized_over_the_batch(left, right):
    left, right = ((x - x.mean(0)) / x.std(0) for x in (left, right))
    c = left.T @ right / len(left)
    return (c - torch.eye(c.shape[0], device=c.device)).square().sum()


@right(ref.gram_of_each, inputs=ref.maps_batch)
def gram_by_einsum(x, y):
    g, h = (torch.einsum("nchw,ndhw->ncd", a, a) / a[0].numel() for a in (x, y))
    return F.mse_loss(g, h)


@right(ref.several_quantiles, inputs=ref.quantile_batch)
def quantiles_one_by_one(predictions, target):
    losses = []
    for i, q in enumerate(ref.QUANTILES):
        error = target - predictions[:, i]
        losses.append(torch.where(error > 0, q * error, (q - 1) * error).mean())
    return torch.stack(losses).mean()


@right("hinge_embedding")
def hinge_with_any_keyword(distance, label, **settings):
    return F.hinge_embedding_loss(distance, label, **settings)


@right("smooth_l1")
def smooth_with_keywords_for_others(input, target, **others):
    others.setdefault("epoch", 0)
    return F.smooth_l1_loss(input, target)
