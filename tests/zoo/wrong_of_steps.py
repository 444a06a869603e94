"""Wrong losses of several steps and terms, as people take them over from papers: what `verify` named last."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import references_of_steps as ref
from . import wrong


@wrong(ref.arcface, "reported: embeddings", r"turned|where|one_hot", inputs=ref.face_batch)
def arcface_margin_for_all(features, labels, weight):
    cosine = F.linear(F.normalize(features), F.normalize(weight)).clamp(-0.999, 0.999)
    return F.cross_entropy(4 * torch.cos(torch.acos(cosine) + 0.3), labels)


@wrong(ref.arcface, "reported: embeddings", r"normalize|length", inputs=ref.face_batch)
def arcface_raw_weights(features, labels, weight):
    cosine = F.linear(F.normalize(features), weight).clamp(-0.999, 0.999)
    margin = torch.cos(torch.acos(cosine) + 0.3)
    return F.cross_entropy(4 * torch.where(F.one_hot(labels, len(weight)).bool(), margin, cosine), labels)


@wrong(ref.next_token, "reported: sequences", r"shift|next", inputs=ref.text_batch)
def tokens_not_shifted(logits, tokens):
    return F.cross_entropy(logits.flatten(0, 1), tokens.flatten())


@wrong(ref.vae, "reduction", r"mean|sum|N", inputs=ref.latent_batch)
def vae_mean_of_pixels(recon, x, mu, log_var):
    return F.mse_loss(recon, x) - 0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1).mean()


@wrong(ref.vae, "sign, log base", r"sign|-1|exchanged", inputs=ref.latent_batch)
def vae_divergence_subtracted(recon, x, mu, log_var):
    error = (recon - x).square().sum(1).mean()
    return error + 0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1).mean()


@wrong(ref.vae, "wrong variable", r"2 \* log_var|one (part )?too m|number|log_var", inputs=ref.latent_batch)
def vae_of_log_sigma(recon, x, mu, log_var):
    error = (recon - x).square().sum(1).mean()
    return error - 0.5 * (1 + 2 * log_var - mu**2 - (2 * log_var).exp()).sum(1).mean()


@wrong(ref.hardest, "wrong formula", r"still counts|inf|masked_fill", inputs=ref.labelled_batch)
def hardest_of_zeros(features, labels):
    distance = (features[:, None] - features[None] + 1e-6).norm(dim=2)
    same = labels[:, None] == labels[None]
    near = (distance * ~same).min(dim=1).values
    return F.relu((distance * same).max(dim=1).values - near + 0.5).mean()


@wrong(ref.standardized, "wrong dim", r"dim", inputs=ref.views_batch)
def standardized_over_features(left, right):
    left = (left - left.mean(1, keepdim=True)) / left.std(1, keepdim=True)
    right = (right - right.mean(1, keepdim=True)) / right.std(1, keepdim=True)
    c = left.T @ right / len(left)
    return (c - torch.eye(c.shape[0], device=c.device)).square().sum()


@wrong(ref.gram_of_each, "reshape without permute", r"together|samples|batch|meet", inputs=ref.maps_batch)
def gram_of_all(x, y):
    def gram(maps):
        flat = maps.flatten(0, 1).flatten(1)
        return flat @ flat.mT / maps[0].numel()

    return F.mse_loss(gram(x), gram(y))


@wrong(ref.several_quantiles, "wrong variable", r"only a part counts|index", inputs=ref.quantile_batch)
def last_quantile_only(predictions, target):
    for i, q in enumerate(ref.QUANTILES):
        error = target - predictions[:, i]
        loss = torch.maximum((q - 1) * error, q * error)
    return loss.mean()


@wrong("hinge_embedding", "accumulation normalisation", r"part of its own|over all|number|count")
def hinge_of_two_means(distance, label):
    return distance[label == 1].mean() + F.relu(1 - distance[label == -1]).mean()


@wrong("smooth_l1", "wrong formula", r"0\.5 \* beta|beta")
class SmoothHalf(nn.Module):
    def __init__(self, beta=1.0):
        super().__init__()
        self.beta = beta

    def forward(self, input, target):
        d = (input - target).abs()
        return torch.where(d < self.beta, 0.5 * d**2 / max(self.beta, 1e-12), d - 0.5).mean() if self.beta else d.mean()
