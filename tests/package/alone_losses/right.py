"""Right losses of other kinds, of which nothing must be said."""

import torch
from torch.nn import functional as F

from . import classes, two


def contrastive(image, text):
    logits = F.normalize(image, dim=1) @ F.normalize(text, dim=1).T / 0.1
    y = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, y) + F.cross_entropy(logits.T, y)) / 2


def clipped(logp, old, advantage):
    ratio = (logp - old).exp()
    return -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()


def partial_likelihood(risk, time, event):
    at_risk = time[None, :] >= time[:, None]
    others = risk[None, :].expand(len(risk), -1).masked_fill(~at_risk, float("-inf"))
    return -((risk - others.logsumexp(1)) * event).mean()


def divergence(mu, log_var):
    return 0.5 * (log_var.exp() + mu.square() - 1 - log_var).sum(1).mean()


def counts(log_rate, target):
    return F.poisson_nll_loss(log_rate, target)


def quantile_huber(prediction, target):
    u = target[:, None, :] - prediction[:, :, None]
    tau = (torch.arange(4, device=u.device) + 0.5).view(1, -1, 1) / 4
    return ((tau - (u.detach() < 0).to(u)).abs() * F.huber_loss(u, torch.zeros_like(u), reduction="none")).mean()


def dice(logits, labels):
    p = logits.softmax(1)
    t = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(p)
    return 1 - ((2 * (p * t).sum((2, 3)) + 1) / ((p + t).sum((2, 3)) + 1)).mean()


def distilled(student, teacher, labels):
    soft = F.kl_div(F.log_softmax(student / 2, 1), F.softmax(teacher / 2, 1), reduction="batchmean")
    return F.cross_entropy(student, labels) + 4 * soft


def aligned(log_probs, targets):
    return F.ctc_loss(log_probs.log_softmax(2).transpose(0, 1), targets, (7, 7, 7), (3, 3, 3))


def weighted(inputs, targets):
    weight = torch.tensor([1.0, 2.0, 0.5, 1.0]).to(inputs)
    return F.cross_entropy(inputs, targets, weight=weight)


RIGHT = {
    loss.__name__: (loss, inputs)
    for loss, inputs in [
        (contrastive, two),
        (clipped, lambda: (-torch.rand(8), -torch.rand(8), torch.randn(8))),
        (partial_likelihood, lambda: (torch.randn(6), torch.rand(6) * 9, torch.tensor([1.0, 0, 1, 1, 0, 1]))),
        (divergence, two),
        (counts, lambda: (torch.randn(6, 2), torch.randint(5, (6, 2)).float())),
        (quantile_huber, lambda: (torch.randn(3, 4), torch.randn(3, 4))),
        (dice, lambda: (torch.randn(2, 3, 4, 4), torch.randint(3, (2, 4, 4)))),
        (distilled, lambda: (torch.randn(5, 4), torch.randn(5, 4), torch.randint(4, (5,)))),
        (aligned, lambda: (torch.randn(3, 7, 5), torch.randint(1, 5, (3, 3)))),
        (weighted, classes),
    ]
}
