"""How samples and elements become one number."""

import torch
from torch import nn
from torch.nn import functional as F

from . import pair, two
from .masks import kept_rows


def halves(logits, labels):
    parts = zip(logits.tensor_split(2), labels.tensor_split(2), strict=True)
    return torch.stack([(F.cross_entropy(z, y) + 1).log() for z, y in parts]).mean()


pair(
    "the mean of the halves",
    "order",
    "in another order",
    halves,
    kept_rows,
    lambda: (torch.randn(5, 4), torch.randint(4, (5,))),
)


class Summed(nn.Module):
    reduction = "mean"

    def forward(self, prediction, target):
        return (prediction - target).abs().sum()


class Meant(Summed):
    def forward(self, prediction, target):
        return (prediction - target).abs().mean()


pair("a mean that adds", "reduction", "Its reduction is 'mean'", Summed, Meant, two)


class Unreduced(Meant):
    def forward(self, prediction, target):
        return (prediction - target).abs()


pair("reduction not kept", "shape", "Its reduction is 'mean'", Unreduced, Meant, two, certain=True)
