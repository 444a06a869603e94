"""Right losses for labels that may be wrong, as people write them."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from . import right


@right("gce")
def gce_by_cross_entropy(logits, target, q=0.7):
    ce = F.cross_entropy(logits, target, reduction="none")
    return ((1 - torch.exp(-q * ce)) / q).sum() / (target != -100).sum()


@right("sce", log_zero=math.log(1e-4), build=lambda c: c(alpha=0.1, beta=1.0))
class SCELossWithOneHotLabels(nn.Module):
    def __init__(self, alpha, beta):
        super().__init__()
        self.alpha, self.beta = alpha, beta

    def forward(self, pred, labels):
        ce = F.cross_entropy(pred, labels)
        counts = labels != -100
        one_hot = F.one_hot(labels.clamp(min=0), pred.shape[1]).to(pred).clamp(min=1e-4, max=1.0)
        probabilities = pred.movedim(1, -1).softmax(-1)
        rce = -(probabilities * one_hot.log()).sum(-1)[counts]
        return self.alpha * ce + self.beta * rce.mean()


@right("symmetric_cross_entropy", alpha=6.0, beta=0.1)
def sce_of_one_probability(logits, target):
    nll = F.cross_entropy(logits, target, reduction="none")
    return (6.0 * nll + 0.1 * 4 * (1 - (-nll).exp()))[target != -100].mean()
