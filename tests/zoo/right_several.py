"""Right losses of several arguments: preferences, policies, latent variables, teachers, views, sequences."""

from __future__ import annotations

import math

import torch
import torch.distributions as D
import torch.nn as nn
import torch.nn.functional as F

from . import references_several as ref
from . import right

made = {"build": lambda c: c()}


# --- preferences and policies
@right(ref.dpo, inputs=ref.logp_batch)
def dpo_of_ratios(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    chosen, rejected = policy_chosen - ref_chosen.detach(), policy_rejected - ref_rejected.detach()
    gap = 0.1 * (chosen - rejected)
    return (-F.logsigmoid(gap) * 0.9 - F.logsigmoid(-gap) * 0.1).mean()


@right(ref.dpo, inputs=ref.logp_batch)
def dpo_bce(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    with torch.no_grad():
        base = ref_chosen - ref_rejected
    gap = (policy_chosen - policy_rejected - base) / 10
    return F.binary_cross_entropy_with_logits(gap, torch.full_like(gap, 0.9))


@right(ref.grpo, inputs=ref.answer_batch)
def grpo_max_of_losses(logp, old_logp, ref_logp, advantage, mask):
    ratio, a = torch.exp(logp - old_logp), advantage.unsqueeze(-1)
    loss = torch.max(-a * ratio, -a * ratio.clamp(0.8, 1.2))
    x = ref_logp - logp
    loss = loss + 0.04 * (torch.expm1(x) - x)
    return ((loss * mask).sum(-1) / mask.sum(-1)).mean()


@right(ref.grpo, inputs=ref.answer_batch)
def grpo_old_detached(logp, old_logp, ref_logp, advantage, mask):
    old_logp, ref_logp, advantage = old_logp.detach(), ref_logp.detach(), advantage.detach()
    return ref.grpo(logp, old_logp, ref_logp, advantage, mask)


@right(ref.grpo, inputs=ref.answer_batch)
def grpo_answer_by_answer(logp, old_logp, ref_logp, advantage, mask):
    losses = []
    for n in range(len(logp)):
        kept = mask[n] > 0
        ratio = (logp[n, kept] - old_logp[n, kept]).exp()
        gain = torch.min(ratio * advantage[n], ratio.clamp(0.8, 1.2) * advantage[n])
        x = ref_logp[n, kept] - logp[n, kept]
        losses.append((0.04 * (x.exp() - x - 1) - gain).mean())
    return torch.stack(losses).mean()


@right(ref.td, inputs=ref.transition_batch)
def td_no_grad(q, next_q, action, reward, done):
    with torch.no_grad():
        target = reward + 0.9 * next_q.max(dim=1).values * (1 - done)
    return F.smooth_l1_loss(q[torch.arange(len(q)), action], target)


@right(ref.td, inputs=ref.transition_batch)
def td_huber(q, next_q, action, reward, done):
    best = next_q.detach().max(1)[0].masked_fill(done.bool(), 0)
    taken = (q * F.one_hot(action, q.shape[1])).sum(1)
    return F.huber_loss(taken, reward + 0.9 * best)


@right(ref.actor_critic, inputs=ref.step_batch)
def actor_critic_categorical(logits, value, action, returns):
    policy = D.Categorical(logits=logits)
    advantage = returns - value
    actor = -(policy.log_prob(action) * advantage.detach()).mean()
    return actor + advantage.square().mean() / 2 - 0.01 * policy.entropy().mean()


@right(ref.expectile, inputs=ref.value_batch)
def expectile_weighted(q, value):
    error = q.detach() - value
    return ((0.7 - (error < 0).to(error)).abs() * error**2).mean()


# --- latent variables and teachers
@right(ref.vae, inputs=ref.four_batch)
def vae_of_distributions(recon, x, mu, log_var):
    kl = D.kl_divergence(D.Normal(mu, (log_var / 2).exp()), D.Normal(0, 1)).sum(1)
    return (F.mse_loss(recon, x, reduction="none").sum(1) + 0.5 * kl).mean()


@right(ref.vae, inputs=ref.four_batch)
def vae_summed(recon, x, mu, log_var):
    kl = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    return (F.mse_loss(recon, x.detach(), reduction="sum") + 0.5 * kl) / len(x)


@right(ref.two_gaussians, inputs=ref.four_batch)
def two_gaussians_by_torch(mu_q, log_q, mu_p, log_p):
    q, p = D.Normal(mu_q, (0.5 * log_q).exp()), D.Normal(mu_p, (0.5 * log_p).exp())
    return D.kl_divergence(q, p).sum(-1).mean()


@right(ref.vq, inputs=ref.four_batch)
def vq_by_mse(encoded, code, x, recon):
    loss = F.mse_loss(code, encoded.detach()) + 0.25 * F.mse_loss(code.detach(), encoded)
    return loss + F.mse_loss(recon, x)


@right(ref.distilled, inputs=ref.taught_batch)
def distilled_by_hand(student, teacher, labels):
    with torch.no_grad():
        p = (teacher / 3).softmax(-1)
    log_q = (student / 3).log_softmax(-1)
    kl = torch.special.xlogy(p, p).sum(-1) - (p * log_q).sum(-1)
    hard = student.logsumexp(-1) - student.gather(-1, labels[:, None])[:, 0]
    return (6.3 * kl + 0.3 * hard).mean()


@right(ref.distilled, inputs=ref.taught_batch)
def distilled_log_target(student, teacher, labels):
    soft = F.kl_div(
        F.log_softmax(student / 3, -1), F.log_softmax(teacher.detach() / 3, -1), log_target=True, reduction="none"
    )
    return 0.7 * 9 * soft.sum(1).mean() + 0.3 * F.cross_entropy(student, labels)


@right(ref.byol, inputs=ref.four_batch)
def byol_of_unit_vectors(online_a, online_b, target_a, target_b):
    def distance(x, y):
        return (F.normalize(x, dim=1) - F.normalize(y.detach(), dim=1)).square().sum(1)

    return (distance(online_a, target_b) + distance(online_b, target_a)).mean()


@right(ref.vicreg, inputs=ref.views_batch)
def vicreg_by_cov(left, right):
    def spread(z):
        c = torch.cov(z.T)
        off = c[~torch.eye(len(c), dtype=torch.bool)]
        return 12.5 * F.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean() + off.pow(2).sum() / z.shape[1]

    return 25 * F.mse_loss(left, right) + spread(left) + spread(right)


# --- metric learning
@right(ref.proxy_nca, inputs=ref.proxy_batch)
def proxy_nca_by_products(features, labels, proxies):
    cosine = F.normalize(features, dim=1) @ F.normalize(proxies, dim=1).T
    return F.cross_entropy(6 * cosine - 6, labels)


@right(ref.cosface, inputs=ref.proxy_batch)
def cosface_scattered(features, labels, weight):
    cosine = F.normalize(features) @ F.normalize(weight).T
    rows = torch.arange(len(labels))
    logits = cosine.clone()
    logits[rows, labels] -= 0.35
    return F.cross_entropy(logits * 8, labels)


@right(ref.cosface, inputs=ref.proxy_batch, **made)
class CosFaceBuffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.tensor(8.0))

    def forward(self, features, labels, weight):
        cosine = F.cosine_similarity(features[:, None], weight[None], dim=-1)
        return F.cross_entropy(
            self.scale * (cosine - 0.35 * (labels[:, None] == torch.arange(len(weight), device=labels.device))), labels
        )


@right(ref.soft_triplet, inputs=ref.triple_batch)
def soft_triplet_logaddexp(anchor, positive, negative):
    near, far = (anchor - positive).pow(2).sum(1), (anchor - negative).pow(2).sum(1)
    return (torch.logaddexp(near, far) - far).mean()


# --- sequences and other masks
@right(ref.masked_lm, inputs=ref.token_batch)
def masked_lm_ignored(logits, labels, mask):
    return F.cross_entropy(logits.flatten(0, 1), labels.masked_fill(mask == 0, -100).flatten())


@right(ref.masked_lm, inputs=ref.token_batch)
def masked_lm_kept(logits, labels, mask):
    kept = mask.bool()
    return F.cross_entropy(logits[kept], labels[kept])


@right(ref.per_sequence, inputs=ref.sequence_batch)
def per_sequence_by_loop(logp, mask):
    return torch.stack([-row[keep].mean() for row, keep in zip(logp, mask.bool(), strict=True)]).mean()


@right(ref.kendall, inputs=ref.task_batch)
def kendall_undocumented_form(first, second, s):
    return torch.exp(-s[0]) * first.mean() / 2 + s[0] / 2 + torch.exp(-s[1]) * second.mean() / 2 + s[1] / 2


@right(ref.kendall, inputs=ref.task_batch)
def kendall_by_sigma(first, second, s):
    sigma = (s / 2).exp()
    losses = torch.stack((first.mean(), second.mean()))
    return (losses / (2 * sigma**2) + sigma.log()).sum()


@right(ref.cox, inputs=ref.survival_batch)
def cox_by_comparison(risk, time, event):
    at_risk = time[None, :] >= time[:, None]
    rest = risk[None].masked_fill(~at_risk, -math.inf).logsumexp(1)
    return ((rest - risk) * event).sum() / event.sum().clamp(min=1)


@right(ref.mixture_nll, inputs=ref.mixture_batch)
def mixture_same_family(logits, mu, log_sigma, y):
    mixture = D.MixtureSameFamily(D.Categorical(logits=logits), D.Normal(mu, log_sigma.exp()))
    return -mixture.log_prob(y).mean()


@right(ref.mixture_nll, inputs=ref.mixture_batch)
def mixture_by_hand(logits, mu, log_sigma, y):
    z = (y[:, None] - mu) * (-log_sigma).exp()
    log_n = -0.5 * z.square() - log_sigma - 0.5 * math.log(2 * math.pi)
    return (logits.logsumexp(1) - (logits + log_n).logsumexp(1)).mean()


# --- losses of torch, with settings
@right("cross_entropy", label_smoothing=0.2, weight=torch.tensor([1.0, 3, 0.5]), **made)
class SmoothedAndWeighted(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("weight", torch.tensor([1.0, 3, 0.5]))

    def forward(self, input, target):
        return F.cross_entropy(input, target, self.weight, label_smoothing=0.2)


@right("bce_with_logits", pos_weight=torch.tensor(3.0))
def pos_weight_in_softplus(input, target):
    return (3 * target * F.softplus(-input) + (1 - target) * F.softplus(input)).mean()


@right("triplet_margin", swap=True, margin=0.5)
def triplet_with_swap(anchor, positive, negative):
    d = F.pairwise_distance
    far = torch.minimum(d(anchor, negative), d(positive, negative))
    return F.relu(d(anchor, positive) - far + 0.5).mean()


@right("multi_margin", p=2, margin=0.7)
def multi_margin_of_squares(input, target):
    batched = input if input.dim() == 2 else input[None]
    y = target.reshape(-1, 1)
    gaps = (0.7 - batched.gather(1, y) + batched).clamp(min=0) ** 2
    return gaps.scatter(1, y, 0).mean(1).mean()


@right("kl_div", log_target=True, reduction="batchmean")
def kl_of_two_logs(input, target):
    return (target.exp() * (target - input)).sum() / input.shape[0]


@right("poisson_nll", log_input=False, eps=1e-6)
def poisson_of_plain_rates(input, target):
    return (input - target * torch.log(input + 1e-6)).mean()


@right("huber", delta=0.5)
def huber_by_clamp(input, target):
    e = (input - target).abs()
    q = e.clamp(max=0.5)
    return (0.5 * q * q + 0.5 * (e - q)).mean()
