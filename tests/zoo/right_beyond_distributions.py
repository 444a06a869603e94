"""Right losses of distributions, tokens and several tasks that torch lacks, as people write them."""

import torch
from torch import nn
from torch.nn import functional as F

from lossbook.beyond import UncertaintyWeighting

from . import right


@right("kd", temperature=4.0, alpha=0.9)
def distillation_with_labels(student, teacher, labels=None, T=4.0):
    q, p = F.log_softmax(student / T, 1), F.softmax(teacher / T, 1)
    soft = F.kl_div(q, p, reduction="batchmean") * T * T
    return soft if labels is None else 0.9 * soft + 0.1 * F.cross_entropy(student, labels)


@right("distillation", direction="reverse", t_squared=False)
def distillation_reverse(student, teacher, labels=None):
    q, p = (student / 2).log_softmax(-1), (teacher / 2).log_softmax(-1)
    soft = (q.exp() * (q - p)).sum(-1).mean()
    return soft if labels is None else (soft + F.cross_entropy(student, labels)) / 2


@right("jsd", log_target=True)
def jsd_of_logarithms(log_q, log_p):
    mixture = torch.logsumexp(torch.stack([log_q, log_p]), 0) - torch.tensor(2.0).log()
    parts = [F.kl_div(mixture, x, reduction="batchmean", log_target=True) for x in (log_q, log_p)]
    return sum(parts) / 2


@right("gaussian_kl")
def vae_kl_as_in_the_paper(mu, log_var):
    return torch.mean(-0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1))


@right("soft_target_cross_entropy")
def soft_targets_with_a_mask(logits, target, mask=None):
    losses = -(target * logits.log_softmax(1)).sum(1)
    return losses.mean() if mask is None else losses[mask].mean()


@right("causal_lm")
def next_token_as_in_transformers(logits, labels):
    shifted = F.pad(labels, (0, 1), value=-100)[:, 1:]
    return F.cross_entropy(logits.flatten(0, 1), shifted.reshape(-1))


@right("token_cross_entropy", average="sequence")
def mean_of_sequences(logits, labels):
    losses = F.cross_entropy(logits[:, :-1].mT, labels[:, 1:], reduction="none")
    counted = labels[:, 1:] != -100
    return (losses.sum(1) / counted.sum(1)).mean()


@right(UncertaintyWeighting(3), build=lambda c: c(3))
class MultiTaskLoss(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.log_sigma_squared = nn.Parameter(torch.zeros(n))

    def forward(self, losses):
        return (0.5 * (-self.log_sigma_squared).exp() * losses + 0.5 * self.log_sigma_squared).sum()
