"""Arguments, settings and inputs without effect."""

import torch
from torch.nn import functional as F

from . import pair


def overwritten(logps, reference_logps, beta=0.1):
    loss = -F.logsigmoid(beta * (logps - reference_logps)).mean()
    loss = -logps.mean()
    return loss


def preference(logps, reference_logps, beta=0.1):
    return -F.logsigmoid(beta * (logps - reference_logps)).mean()


def log_probabilities():
    return -torch.rand(5) * 9, -torch.rand(5) * 9


pair("overwritten", "arguments", "reference_logps changes nothing", overwritten, preference, log_probabilities)
pair(
    "a setting without effect",
    "settings",
    "The setting beta changes nothing",
    overwritten,
    preference,
    log_probabilities,
)


def shifted(logits, labels):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


def shifted_twice(logits, labels):
    return shifted(logits[:, :-1], labels[:, 1:])


pair(
    "shifted twice",
    "unused",
    "The last 2 steps along dimension 1",
    shifted_twice,
    shifted,
    lambda: (torch.randn(2, 7, 5), torch.randint(5, (2, 7))),
)
