"""Wrong losses of several arguments: preferences, policies, latent variables, teachers, views, sequences."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import references_several as ref
from . import wrong

GRADIENT = r"detach|gradient"
made = {"build": lambda c: c()}


@wrong(ref.dpo, "sign, log base", r"sign|swap|minus|ref|reference|turned", inputs=ref.logp_batch)
def dpo_reference_added(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    gap = 0.1 * (policy_chosen - policy_rejected + ref_chosen - ref_rejected)
    return (0.9 * F.softplus(-gap) + 0.1 * F.softplus(gap)).mean()


@wrong(ref.dpo, "label smoothing", r"smooth|0\.1|label", inputs=ref.logp_batch)
def dpo_smoothing_of_a_half(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    gap = 0.1 * (policy_chosen - policy_rejected - ref_chosen + ref_rejected)
    return -(0.95 * F.logsigmoid(gap) + 0.05 * F.logsigmoid(-gap)).mean()


@wrong(ref.dpo, "reported: preference", r"beta|factor|twice|squared|0\.1", inputs=ref.logp_batch)
def dpo_beta_outside(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    gap = policy_chosen - policy_rejected - ref_chosen + ref_rejected
    return -0.1 * (0.9 * F.logsigmoid(gap) + 0.1 * F.logsigmoid(-gap)).mean()


@wrong(ref.dpo, "partial detach", r"rejected.*gradient|detach", inputs=ref.logp_batch)
def dpo_rejected_without_gradient(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    gap = 0.1 * (policy_chosen - policy_rejected.detach() - ref_chosen + ref_rejected)
    return (0.9 * F.softplus(-gap) + 0.1 * F.softplus(gap)).mean()


@wrong(ref.dpo, "partial detach", r"ref_\w+.*gradient|detach", inputs=ref.logp_batch)
def dpo_trains_its_reference(policy_chosen, policy_rejected, ref_chosen, ref_rejected):
    gap = 0.1 * (policy_chosen - policy_rejected - ref_chosen + ref_rejected)
    return (0.9 * F.softplus(-gap) + 0.1 * F.softplus(gap)).mean()


@wrong(ref.grpo, "reduction", r"token|mean|divi|mask|answer|row|sequence|length", inputs=ref.answer_batch)
def grpo_over_all_tokens(logp, old_logp, ref_logp, advantage, mask):
    ratio, a = (logp - old_logp).exp(), advantage.unsqueeze(1)
    gain = torch.min(ratio * a, ratio.clamp(0.8, 1.2) * a)
    away = (ref_logp - logp).exp() - (ref_logp - logp) - 1
    return ((0.04 * away - gain) * mask).sum() / mask.sum()


@wrong(ref.grpo, "reported: policy", r"min|max|clip|clamp", inputs=ref.answer_batch)
def grpo_max(logp, old_logp, ref_logp, advantage, mask):
    ratio, a = (logp - old_logp).exp(), advantage.unsqueeze(1)
    gain = torch.max(ratio * a, ratio.clamp(0.8, 1.2) * a)
    away = (ref_logp - logp).exp() - (ref_logp - logp) - 1
    return (((0.04 * away - gain) * mask).sum(1) / mask.sum(1)).mean()


@wrong(ref.grpo, "sign, log base", r"ref_logp|sign|swap|turned|revers|KL|order", inputs=ref.answer_batch)
def grpo_divergence_turned(logp, old_logp, ref_logp, advantage, mask):
    ratio, a = (logp - old_logp).exp(), advantage.unsqueeze(1)
    gain = torch.min(ratio * a, ratio.clamp(0.8, 1.2) * a)
    away = (logp - ref_logp).exp() - (logp - ref_logp) - 1
    return (((0.04 * away - gain) * mask).sum(1) / mask.sum(1)).mean()


@wrong(ref.grpo, "ignore_index averaging", r"mask|left out|padding|counted|divi", inputs=ref.answer_batch)
def grpo_mean_with_padding(logp, old_logp, ref_logp, advantage, mask):
    ratio, a = (logp - old_logp).exp(), advantage.unsqueeze(1)
    gain = torch.min(ratio * a, ratio.clamp(0.8, 1.2) * a)
    away = (ref_logp - logp).exp() - (ref_logp - logp) - 1
    return ((0.04 * away - gain) * mask).mean(1).mean()


@wrong(ref.td, "partial detach", r"next_q.*gradient|detach", inputs=ref.transition_batch)
def td_gradient_through_target(q, next_q, action, reward, done):
    target = reward + 0.9 * (1 - done) * next_q.max(1).values
    return F.smooth_l1_loss(q.gather(1, action.unsqueeze(1)).squeeze(1), target)


@wrong(ref.td, "missing margin", r"done|no effect", inputs=ref.transition_batch)
def td_without_done(q, next_q, action, reward, done):
    target = (reward + 0.9 * next_q.max(1).values).detach()
    return F.smooth_l1_loss(q.gather(1, action.unsqueeze(1)).squeeze(1), target)


@wrong(ref.td, "silent broadcasting", r"broadcast|shape|beside|every", inputs=ref.transition_batch)
def td_broadcast(q, next_q, action, reward, done):
    target = (reward + 0.9 * (1 - done) * next_q.max(1).values).detach()
    return F.smooth_l1_loss(q.gather(1, action.unsqueeze(1)), target)


@wrong(ref.td, "label convention", r"done|1 ?-|turned|revers|swap", inputs=ref.transition_batch)
def td_done_turned(q, next_q, action, reward, done):
    target = (reward + 0.9 * done * next_q.max(1).values).detach()
    return F.smooth_l1_loss(q.gather(1, action.unsqueeze(1)).squeeze(1), target)


@wrong(ref.actor_critic, "partial detach", r"value.*gradient|detach", inputs=ref.step_batch)
def actor_critic_advantage_learns(logits, value, action, returns):
    p = torch.distributions.Categorical(logits=logits)
    advantage = returns - value
    return (-p.log_prob(action) * advantage + 0.5 * advantage**2 - 0.01 * p.entropy()).mean()


@wrong(ref.actor_critic, "sign, log base", r"sign|entropy|minus|plus", inputs=ref.step_batch)
def actor_critic_entropy_sign(logits, value, action, returns):
    p = torch.distributions.Categorical(logits=logits)
    advantage = returns - value
    return (-p.log_prob(action) * advantage.detach() + 0.5 * advantage**2 + 0.01 * p.entropy()).mean()


@wrong(ref.actor_critic, "partial detach", r"value.*gradient|detach", inputs=ref.step_batch)
def actor_critic_value_never_learns(logits, value, action, returns):
    p = torch.distributions.Categorical(logits=logits)
    advantage = (returns - value).detach()
    return (-p.log_prob(action) * advantage + 0.5 * advantage**2 - 0.01 * p.entropy()).mean()


@wrong(
    ref.expectile, "sign, log base", r"swap|sign|turned|side|1 - |tau|q and value|comparison", inputs=ref.value_batch
)
def expectile_other_side(q, value):
    error = q.detach() - value
    return (torch.where(error > 0, 0.3, 0.7) * error.square()).mean()


@wrong(ref.expectile, "partial detach", r"gradient|detach", inputs=ref.value_batch)
def expectile_teaches_q(q, value):
    error = q - value.detach()
    return (torch.where(error > 0, 0.7, 0.3) * error.square()).mean()


@wrong(ref.vae, "reduction", r"mean|sum|dim|divi|times|term", inputs=ref.four_batch)
def vae_mean_of_error(recon, x, mu, log_var):
    kl = -0.5 * (1 + log_var - mu**2 - log_var.exp()).sum(1).mean()
    return F.mse_loss(recon, x) + 0.5 * kl


@wrong(ref.vae, "wrong formula", r"log_var|variance|deviation|2|exp|half|squared", inputs=ref.four_batch)
def vae_log_sigma(recon, x, mu, log_var):
    kl = -0.5 * (1 + 2 * log_var - mu**2 - (2 * log_var).exp()).sum(1)
    return ((recon - x) ** 2).sum(1).mean() + 0.5 * kl.mean()


@wrong(ref.two_gaussians, "KLDiv", r"swap|order|turned|revers|exchang", inputs=ref.four_batch)
def two_gaussians_turned(mu_q, log_q, mu_p, log_p):
    ratio = (log_p - log_q).exp() + (mu_p - mu_q) ** 2 / log_q.exp()
    return 0.5 * (log_q - log_p + ratio - 1).sum(1).mean()


@wrong(ref.vq, "partial detach", r"gradient|detach", inputs=ref.four_batch)
def vq_codebook_never_learns(encoded, code, x, recon):
    book = F.mse_loss(code.detach(), encoded.detach())
    return F.mse_loss(recon, x) + book + 0.25 * F.mse_loss(encoded, code.detach())


@wrong(ref.vq, "swapped arguments", r"swap|beta|0\.25|gradient|detach", inputs=ref.four_batch)
def vq_beta_on_the_codebook(encoded, code, x, recon):
    book = F.mse_loss(code, encoded.detach())
    return F.mse_loss(recon, x) + 0.25 * book + F.mse_loss(encoded, code.detach())


@wrong(ref.distilled, "wrong formula", r"T|9|squared|temperature|factor", inputs=ref.taught_batch)
def distilled_without_t2(student, teacher, labels):
    soft = F.kl_div((student / 3).log_softmax(1), (teacher.detach() / 3).softmax(1), reduction="batchmean")
    return 0.7 * soft + 0.3 * F.cross_entropy(student, labels)


@wrong(ref.distilled, "KLDiv", r"batchmean|mean|divi|class|times", inputs=ref.taught_batch)
def distilled_mean(student, teacher, labels):
    soft = F.kl_div((student / 3).log_softmax(1), (teacher.detach() / 3).softmax(1), reduction="mean")
    return 6.3 * soft + 0.3 * F.cross_entropy(student, labels)


@wrong(ref.distilled, "partial detach", r"teacher.*gradient|detach", inputs=ref.taught_batch)
def distilled_teaches_teacher(student, teacher, labels):
    soft = F.kl_div((student / 3).log_softmax(1), (teacher / 3).softmax(1), reduction="batchmean")
    return 6.3 * soft + 0.3 * F.cross_entropy(student, labels)


@wrong(ref.byol, "partial detach", r"target_\w.*gradient|detach", inputs=ref.four_batch)
def byol_without_stop(online_a, online_b, target_a, target_b):
    return (4 - 2 * F.cosine_similarity(online_a, target_b) - 2 * F.cosine_similarity(online_b, target_a)).mean()


@wrong(ref.byol, "wrong variable", r"swap|target_|same view|exchang", inputs=ref.four_batch)
def byol_same_view(online_a, online_b, target_a, target_b):
    a = F.cosine_similarity(online_a, target_a.detach())
    return (4 - 2 * a - 2 * F.cosine_similarity(online_b, target_b.detach())).mean()


@wrong(ref.vicreg, "partial detach", r"right.*gradient|detach", inputs=ref.views_batch)
def vicreg_one_view_learns(left, right):
    return ref.vicreg(left, right.detach())


@wrong(ref.vicreg, "reported: embeddings", r"variance|deviation|root|std|sqrt|square|term", inputs=ref.views_batch)
def vicreg_hinge_on_variance(left, right):
    spread = 0.0
    for z in (left, right):
        c = torch.cov(z.T)
        off = (c - c.diag().diag()).square().sum() / z.shape[1]
        spread = spread + 12.5 * F.relu(1 - c.diag()).mean() + off
    return 25 * F.mse_loss(left, right) + spread


@wrong(ref.proxy_nca, "reported: embeddings", r"normal|length|unit", inputs=ref.proxy_batch)
def proxy_nca_raw_proxies(features, labels, proxies):
    return F.cross_entropy(-3 * torch.cdist(F.normalize(features), proxies).square(), labels)


@wrong(ref.cosface, "constant offset in a margin", r"margin|scale|0\.35|8", inputs=ref.proxy_batch)
def cosface_margin_after_scale(features, labels, weight):
    cosine = F.linear(F.normalize(features), F.normalize(weight))
    return F.cross_entropy(8 * cosine - 0.35 * F.one_hot(labels, len(weight)), labels)


@wrong(ref.cosface, "partial detach", r"weight.*gradient|detach", inputs=ref.proxy_batch)
def cosface_weight_never_learns(features, labels, weight):
    cosine = F.linear(F.normalize(features), F.normalize(weight.data))
    return F.cross_entropy(8 * (cosine - 0.35 * F.one_hot(labels, len(weight))), labels)


@wrong(ref.soft_triplet, "wrong formula", r"square|root|distance", inputs=ref.triple_batch)
def soft_triplet_not_squared(anchor, positive, negative):
    return F.softplus(F.pairwise_distance(anchor, positive) - F.pairwise_distance(anchor, negative)).mean()


@wrong(ref.soft_triplet, "unstable log, overflow", r"exp|overflow|inf|large|finite", inputs=ref.triple_batch)
def soft_triplet_by_hand(anchor, positive, negative):
    gap = ((anchor - positive) ** 2).sum(1) - ((anchor - negative) ** 2).sum(1)
    return torch.log(1 + torch.exp(gap)).mean()


@wrong(ref.masked_lm, "ignore_index averaging", r"mask|left out|counted|mean|divi", inputs=ref.token_batch)
def masked_lm_mean(logits, labels, mask):
    losses = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view_as(mask)
    return (losses * mask).mean()


@wrong(ref.masked_lm, "wrong formula", r"shift|next|token|step", inputs=ref.token_batch)
def masked_lm_shifted(logits, labels, mask):
    losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none")
    return (losses * mask[:, 1:]).sum() / mask[:, 1:].sum()


@wrong(ref.per_sequence, "reported: mask", r"token|mean|sum|divi|row|sequence|weigh", inputs=ref.sequence_batch)
def per_token(logp, mask):
    return -(logp * mask).sum() / mask.sum()


@wrong(ref.per_sequence, "reported: mask", r"length|sum|divi|mean|mask", inputs=ref.sequence_batch)
def per_sequence_sum(logp, mask):
    return -(logp * mask).sum(1).mean()


@wrong(ref.kendall, "wrong formula", r"half|0\.5|sign|regular|twice|constant|s\b", inputs=ref.task_batch)
def kendall_without_half(first, second, s):
    return ((-s).exp() * torch.stack((first.mean(), second.mean())) + 0.5 * s).sum()


@wrong(ref.kendall, "partial detach", r"s.*gradient|detach", inputs=ref.task_batch)
def kendall_weights_detached(first, second, s):
    weight = (-s).exp().detach()
    return (0.5 * weight * torch.stack((first.mean(), second.mean())) + 0.5 * s).sum()


@wrong(ref.cox, "reported: ranking", r"sort|order|time|ascend|risk", inputs=ref.survival_batch)
def cox_ascending(risk, time, event):
    order = time.argsort()
    risk, event = risk[order], event[order]
    return -((risk - risk.logcumsumexp(0)) * event).sum() / event.sum()


@wrong(ref.cox, "reduction", r"mean|divi|event|count|times", inputs=ref.survival_batch)
def cox_mean(risk, time, event):
    order = time.argsort(descending=True)
    risk, event = risk[order], event[order]
    return -((risk - risk.logcumsumexp(0)) * event).mean()


@wrong(ref.mixture_nll, "unstable log, overflow", r"log|exp|underflow|inf|finite|sum", inputs=ref.mixture_batch)
def mixture_sum_of_densities(logits, mu, log_sigma, y):
    density = torch.distributions.Normal(mu, log_sigma.exp()).log_prob(y.unsqueeze(1)).exp()
    return -(logits.softmax(1) * density).sum(1).log().mean()


@wrong(ref.mixture_nll, "softmax / sigmoid twice", r"softmax|normal|log|logits", inputs=ref.mixture_batch)
def mixture_logits_not_normalised(logits, mu, log_sigma, y):
    normal = torch.distributions.Normal(mu, log_sigma.exp())
    return -(logits + normal.log_prob(y.unsqueeze(1))).logsumexp(1).mean()


# --- losses of torch, with settings
@wrong(
    "cross_entropy", "class weights", r"buffer|weight|\.to\(|device|dtype", weight=torch.tensor([1.0, 3, 0.5]), **made
)
class PlainClassWeights(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.tensor([1.0, 3, 0.5])

    def forward(self, logits, target):
        return F.cross_entropy(logits, target, self.weight)


@wrong(ref.cosface, "device, buffers", r"buffer|\.to\(|device|dtype|state", inputs=ref.proxy_batch, **made)
class PlainScale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.tensor([8.0, 8.0, 8.0])

    def forward(self, features, labels, weight):
        cosine = F.linear(F.normalize(features), F.normalize(weight))
        return F.cross_entropy(self.scale * (cosine - 0.35 * F.one_hot(labels, len(weight))), labels)


@wrong("cross_entropy", "label smoothing", r"smooth", label_smoothing=0.2)
def smoothed_over_the_others(input, target):
    log_p, c = input.log_softmax(1), input.shape[1]
    y = torch.full_like(log_p, 0.2 / (c - 1)).scatter_(1, target.unsqueeze(1), 0.8)
    return -(y * log_p).sum(1).mean()


@wrong("bce_with_logits", "class weights", r"pos_weight|weight|negative", pos_weight=torch.tensor(3.0))
def pos_weight_of_three_on_negatives(input, target):
    return F.binary_cross_entropy_with_logits(input, target, torch.where(target == 1, 1.0, 3.0).to(input))


@wrong("huber", "wrong formula", r"delta|factor|linear|beta|smooth", delta=0.5)
def huber_over_delta(input, target):
    return F.smooth_l1_loss(input, target, beta=0.5)


@wrong("triplet_margin", "wrong formula", r"swap|negative|distance", swap=True)
def triplet_without_swap(anchor, positive, negative):
    return F.triplet_margin_loss(anchor, positive, negative)


@wrong("multi_margin", "wrong formula", r"\bp\b|squar|power|root", p=2)
def multi_margin_not_squared(input, target):
    return F.multi_margin_loss(input, target, p=1)


@wrong("kl_div", "KLDiv", r"log_target|exp|log", log_target=True, reduction="batchmean")
def kl_takes_probabilities(input, target):
    return F.kl_div(input, target, reduction="batchmean")


@wrong("gaussian_nll", "wrong formula", r"full|constant|2 ?π|log|pi", full=True)
def gaussian_nll_full_twice(input, target, var):
    return F.gaussian_nll_loss(input, target, var, full=True) + 0.5 * torch.log(torch.tensor(2 * torch.pi))


@wrong("poisson_nll", "logits or probabilities", r"log_input|exp|log", log_input=False)
def poisson_of_logs(input, target):
    return F.poisson_nll_loss(input, target)


@wrong("cosine_embedding", "missing margin", r"margin", margin=0.4)
def cosine_without_its_margin(input1, input2, target):
    return F.cosine_embedding_loss(input1, input2, target)


@wrong("ctc", "reduction", r"length|mean|divi|sum", zero_infinity=True)
def ctc_mean_of_sums(log_probs, targets, input_lengths, target_lengths):
    losses = F.ctc_loss(log_probs, targets, input_lengths, target_lengths, reduction="none", zero_infinity=True)
    return losses.mean()
