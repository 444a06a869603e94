"""Wrong losses of distributions, tokens and several tasks that torch lacks."""

import torch
from torch.nn import functional as F

from . import wrong


@wrong("distillation", "KLDiv", r"T²", temperature=3.0)
def distillation_t_for_t_squared(student, teacher, labels=None):
    soft = 3 * F.kl_div((student / 3).log_softmax(1), (teacher / 3).softmax(1), reduction="batchmean")
    return soft if labels is None else 0.5 * soft + 0.5 * F.cross_entropy(student, labels)


@wrong("distillation", "wrong formula", r"alpha", alpha=0.9)
def distillation_alpha_on_the_labels(student, teacher, labels):
    soft = 4 * F.kl_div((student / 2).log_softmax(1), (teacher / 2).softmax(1), reduction="batchmean")
    return 0.1 * soft + 0.9 * F.cross_entropy(student, labels)


@wrong("js_div", "KLDiv", r"mixture")
def jensen_shannon_without_mixture(log_q, p):
    return 0.5 * (p * (p.log() - log_q)).sum(1).mean() + 0.5 * (log_q.exp() * (log_q - p.log())).sum(1).mean()


@wrong("gaussian_kl", "reduction", r"mean over all")
def vae_kl_of_elements(mu, log_var):
    return -0.5 * (1 + log_var - mu**2 - log_var.exp()).mean()


@wrong("gaussian_kl", "wrong formula", r"standard deviation")
def vae_kl_of_sigma(mu, log_sigma):
    return (-0.5 * (1 + 2 * log_sigma - mu**2 - (2 * log_sigma).exp())).sum(1).mean()


@wrong("soft_target_cross_entropy", "reduction", r"mask")
def soft_targets_divided_by_all(logits, target, mask=None):
    losses = -(target * logits.log_softmax(1)).sum(1)
    return losses.mean() if mask is None else (losses * mask).mean()


@wrong("causal_lm", "wrong formula", r"shift")
def tokens_predict_themselves(logits, labels):
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


@wrong("causal_lm", "reduction", r"ignored|divides")
def tokens_divided_by_all(logits, labels):
    losses = F.cross_entropy(logits[:, :-1].mT, labels[:, 1:], reduction="none")
    return losses.mean()


@wrong("uncertainty_weighting", "wrong formula", r"twice|½|half|factor")
def weighting_doubled(losses, log_var):
    return (torch.exp(-log_var) * losses + log_var).sum()


@wrong("uncertainty_weighting", "wrong formula", r"cost nothing|variance|grow")
def weighting_without_cost(losses, log_var):
    return (0.5 * torch.exp(-log_var) * losses).sum()
