"""Shapes that broadcast, and a view that mixes the classes."""

import torch
from torch.nn import functional as F

from . import pair


def column(prediction, target):
    errors = (prediction - target).square()
    return errors.mean()


def squeezed(prediction, target):
    return (prediction - target.squeeze(1)).square().mean()


pair(
    "column meets row",
    "broadcast",
    "(6,), (6, 1) were broadcast to (6, 6)",
    column,
    squeezed,
    lambda: (torch.randn(6), torch.randn(6, 1)),
)


def by_view(logits, labels):
    return F.cross_entropy(logits.reshape(-1, logits.shape[1]), labels.flatten())


def by_permute(logits, labels):
    return F.cross_entropy(logits.movedim(1, -1).reshape(-1, logits.shape[1]), labels.flatten())


pair(
    "no permute",
    "mirrored",
    "without permute",
    by_view,
    by_permute,
    lambda: (torch.randn(2, 3, 4, 4), torch.randint(3, (2, 4, 4))),
)
