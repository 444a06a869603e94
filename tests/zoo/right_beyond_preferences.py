"""Right losses of preferences and rankings that torch lacks, as people write them."""

import torch
from torch.nn import functional as F

from . import right


@right("dpo")
def dpo_as_cross_entropy(chosen, rejected, ref_chosen, ref_rejected):
    rewards = 0.1 * torch.stack([chosen - ref_chosen, rejected - ref_rejected], -1)
    return -rewards.log_softmax(-1)[..., 0].mean()


@right("ipo")
def ipo_of_pairs(chosen, rejected, ref_chosen, ref_rejected, beta=0.1):
    gain = chosen - ref_chosen - (rejected - ref_rejected)
    return torch.square(gain - 0.5 / beta).mean()


@right("pairwise_logistic")
def ranknet_by_bce(first, second, target=None):
    target = torch.ones_like(first) if target is None else target
    return F.binary_cross_entropy_with_logits(first - second, target)


@right("list_net")
def list_net_by_cross_entropy(scores, relevance):
    return F.cross_entropy(scores, relevance.softmax(-1))
