"""Wrong losses of pictures, sequences and agents: what verify was tried on after it had been mended by the first collection."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from . import references_of_images as ref
from . import wrong


@wrong(ref.style, "reduction", r"divi|factor|times|number|size|sum|mean|shape\\[-1\\]", inputs=ref.style_batch)
def style_without_positions(features, wanted):
    g, h = features @ features.mT, wanted @ wanted.mT
    return (g - h).square().mean()


@wrong(ref.style, "partial detach", r"gradient|detach", inputs=ref.style_batch)
def style_half_detached(features, wanted):
    g = features @ features.detach().mT / features.shape[-1]
    return (g - ref.gram(wanted)).square().mean()


@wrong(ref.total_variation, "wrong formula", r"square|abs|function", inputs=ref.picture_batch)
def variation_squared(picture, wanted):
    rough = picture.diff(dim=-1).square().mean() + picture.diff(dim=-2).square().mean()
    return F.mse_loss(picture, wanted) + 0.1 * rough


@wrong(ref.total_variation, "wrong formula", r"0\.1|weight|number|factor", inputs=ref.picture_batch)
def variation_weight(picture, wanted):
    rough = picture.diff(dim=-1).abs().mean() + picture.diff(dim=-2).abs().mean()
    return F.mse_loss(picture, wanted) + 0.01 * rough


@wrong(ref.total_variation, "wrong variable", r"wanted|argument|prediction|picture", inputs=ref.picture_batch)
def variation_of_the_target(picture, wanted):
    rough = wanted.diff(dim=-1).abs().mean() + wanted.diff(dim=-2).abs().mean()
    return F.mse_loss(picture, wanted) + 0.1 * rough


@wrong(ref.hinge_gan, "swapped arguments", r"swap|sign|exchang", inputs=ref.critic_batch)
def hinge_gan_swapped(real, fake):
    return F.relu(1 + real).mean() + F.relu(1 - fake).mean()


@wrong(ref.hinge_gan, "partial detach", r"fake.*gradient|detach", inputs=ref.critic_batch)
def hinge_gan_fake_detached(real, fake):
    return F.relu(1 - real).mean() + F.relu(1 + fake.detach()).mean()


@wrong(ref.hinge_gan, "wrong formula", r"margin|relu|hinge|one step|missing|softplus|function", inputs=ref.critic_batch)
def hinge_gan_softplus(real, fake):
    return F.softplus(1 - real).mean() + F.softplus(1 + fake).mean()


@wrong(ref.weighted_tokens, "position weights", r"weight|divi|mean|sum", inputs=ref.weighted_batch)
def tokens_mean(logits, labels, weights):
    losses = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    return (losses * weights).mean()


@wrong(ref.weighted_tokens, "reshape without permute", r"view|reshape|permut|movedim|dim", inputs=ref.weighted_batch)
def tokens_viewed(logits, labels, weights):
    n, t, v = logits.shape
    losses = F.cross_entropy(logits.reshape(n, v, t), labels, reduction="none")
    return (losses * weights).sum() / weights.sum()


@wrong(ref.awac, "partial detach", r"(q|value).*gradient|detach", inputs=ref.agent_batch)
def awac_weight_learns(log_p, q, value):
    weight = ((q - value) / 2).exp().clamp(max=20)
    return -(weight * log_p).mean()


@wrong(ref.awac, "wrong formula", r"20|clamp|max|number|one step|large", inputs=ref.agent_batch)
def awac_limit(log_p, q, value):
    weight = ((q - value) / 2).exp().clamp(max=2).detach()
    return -(weight * log_p).mean()


@wrong(ref.sac_policy, "wrong formula", r"min|max", inputs=ref.agent_batch)
def sac_larger_critic(log_p, q_one, q_two):
    return (0.2 * log_p - torch.maximum(q_one, q_two)).mean()


@wrong(ref.sac_policy, "sign, log base", r"sign|minus|\+|-", inputs=ref.agent_batch)
def sac_entropy_sign(log_p, q_one, q_two):
    return (-0.2 * log_p - torch.minimum(q_one, q_two)).mean()


@wrong(ref.sac_policy, "partial detach", r"q_\w+.*gradient|detach|no_grad", inputs=ref.agent_batch)
def sac_critic_without_gradient(log_p, q_one, q_two):
    with torch.no_grad():
        least = torch.minimum(q_one, q_two)
    return (0.2 * log_p - least).mean()


@wrong(ref.simclr_rows, "reported: embeddings", r"normal|length", inputs=ref.negatives_batch)
def rows_negatives_not_normalised(anchors, positives, negatives):
    a, p = F.normalize(anchors, dim=-1), F.normalize(positives, dim=-1)
    far = (a.unsqueeze(1) * negatives).sum(-1)
    scores = torch.cat([(a * p).sum(-1, keepdim=True), far], 1) / 0.2
    return -scores.log_softmax(1)[:, 0].mean()


@wrong(ref.simclr_rows, "wrong formula", r"temperature|0\.2|factor|number", inputs=ref.negatives_batch)
def rows_temperature_multiplies(anchors, positives, negatives):
    a, p, n = (F.normalize(x, dim=-1) for x in (anchors, positives, negatives))
    scores = torch.cat([(a * p).sum(-1, keepdim=True), torch.einsum("nd,nkd->nk", a, n)], 1) * 0.2
    return F.cross_entropy(scores, torch.zeros(len(a), dtype=torch.long, device=a.device))


@wrong(ref.heteroscedastic, "wrong formula", r"half|0\.5|log_var|exp|number|factor", inputs=ref.observed_batch)
def heteroscedastic_log_sigma(mu, log_var, y, mask):
    losses = log_var + 0.5 * (y - mu) ** 2 * torch.exp(-2 * log_var)
    return (losses * mask).sum() / mask.sum()


@wrong(ref.heteroscedastic, "reported: mask", r"mask|leaves|divi|count", inputs=ref.observed_batch)
def heteroscedastic_mean(mu, log_var, y, mask):
    losses = 0.5 * (log_var + (y - mu) ** 2 / log_var.exp())
    return (losses * mask).mean()


@wrong(ref.heteroscedastic, "partial detach", r"log_var.*gradient|detach", inputs=ref.observed_batch)
def heteroscedastic_variance_detached(mu, log_var, y, mask):
    losses = 0.5 * (log_var + (y - mu) ** 2 / log_var.exp().detach())
    return (losses * mask).sum() / mask.sum()


@wrong(ref.center_and_ce, "partial detach", r"centers.*gradient|detach", inputs=ref.centred_batch)
def centers_never_learn(features, logits, labels, centers):
    return F.cross_entropy(logits, labels) + 0.025 * (features - centers.detach()[labels]).square().sum(1).mean()


@wrong(ref.center_and_ce, "reduction", r"mean|sum|dim|times|divi|factor", inputs=ref.centred_batch)
def centers_mean_over_features(features, logits, labels, centers):
    return F.cross_entropy(logits, labels) + 0.025 * F.mse_loss(features, centers[labels])


@wrong(ref.matching, "unstable log, overflow", r"exp|overflow|logsumexp|large|inf", inputs=ref.taken_batch)
def matching_by_exp(scores, taken):
    e = scores.exp()
    return (e.sum(1) / (e * taken).sum(1)).log().mean()


@wrong(
    ref.matching,
    "label convention",
    r"mask|taken|turned|inverted|opposite|1 -|condition|comparison|swap|label",
    inputs=ref.taken_batch,
)
def matching_turned(scores, taken):
    kept = scores.masked_fill(taken == 1, -1e9)
    return (scores.logsumexp(1) - kept.logsumexp(1)).mean()
